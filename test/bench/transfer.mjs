// Whole transfers beside the plain calls that they stand on, in alternation and in one process:
// nx_download into a file and ne_get, nx_upload from one and ne_put. The files are where the server's
// are, in memory if there is such: nx_download waits for the disk, which says nothing of it. Prints
// a table.
//   node transfer.mjs SETTINGS
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import path from "node:path";

const ROUNDS = 7;
const { host, port, large, libneon } = JSON.parse(process.argv[2]);
const ne = await import(libneon);
const folder = mkdtempSync(path.join(path.dirname(large), "../transfer-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const sess = ne.ne_session_create("http", host, port);

function must(code) {
  if (code !== ne.NE_OK) throw new Error(ne.ne_get_error(sess));
}

async function withFile(name, flags, use) {
  const fd = openSync(name, flags);
  try {
    must(await use(fd));
  } finally {
    closeSync(fd);
  }
}

const PAIRS = {
  "256 MiB into a file: nx_download / ne_get": [
    () => ne.nx_download(sess, "/large", path.join(folder, "nx")),
    () => withFile(path.join(folder, "ne"), "w", (fd) => ne.ne_get(sess, "/large", fd)),
  ],
  "256 MiB from a file: nx_upload / ne_put": [
    () => ne.nx_upload(sess, "/dav/up", large, { protocol: "put" }),
    () => withFile(large, "r", (fd) => ne.ne_put(sess, "/dav/up", fd)),
  ],
};

async function timed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

process.stdout.write("### Whole transfers\n\n| | time | of the plain call |\n| --- | ---: | ---: |\n");
for (const [name, [whole, plain]] of Object.entries(PAIRS)) {
  await timed(whole);
  await timed(plain);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push([await timed(whole), await timed(plain)]);
  const middle = (numbers) => numbers.sort((a, b) => a - b)[ROUNDS >> 1];
  const time = middle(rounds.map(([first]) => first));
  const ratio = middle(rounds.map(([first, second]) => first / second));
  process.stdout.write(`| ${name} | ${time.toFixed(0)} ms | ${ratio.toFixed(2)} |\n`);
}
ne.ne_session_destroy(sess);

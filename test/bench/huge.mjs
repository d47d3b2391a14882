// The memory of transfers that are larger than any memory: 5 GB each way, from a sparse file and
// into the void. The server of its own sends nothing but zeros and drops what it gets. Prints a
// table.
//   node test/bench/huge.mjs [GB] [DIST]
import { fork } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SELF = fileURLToPath(import.meta.url);
const BLOCK = Buffer.alloc(1 << 18);

function serve(size) {
  const server = http.createServer((request, response) => {
    if (request.method === "PUT") {
      request.on("end", () => response.writeHead(204).end()).resume();
      return;
    }
    response.writeHead(200, { "Content-Length": size, ETag: '"huge"' });
    let left = size;
    const more = () => {
      while (left > 0) {
        const block = BLOCK.subarray(0, Math.min(left, BLOCK.length));
        left -= block.length;
        if (!response.write(block)) return response.once("drain", more);
      }
      response.end();
    };
    if (request.method === "HEAD") response.end();
    else more();
  });
  server.requestTimeout = 0;
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit());
}

/** Resident memory in MB: what there is now, or the most that there was. */
function memory(which) {
  const status = readFileSync("/proc/self/status", "latin1");
  return Number(new RegExp(`${which}:\\s*(\\d+)`).exec(status)?.[1] ?? NaN) / 1024;
}

/** One transfer, in a process of its own. */
async function transfer(way, port, file, size, library) {
  const ne = await import(library);
  const sess = ne.ne_session_create("http", "127.0.0.1", port);
  await ne.nx_send(sess, "HEAD", "/small");
  const before = memory("VmRSS");
  const start = performance.now();
  if (way === "nx_download") {
    const fd = openSync("/dev/null", "w");
    await ne.nx_download(sess, "/huge", fd);
    closeSync(fd);
  } else {
    await ne.nx_upload(sess, "/huge", file, { protocol: "put" });
  }
  const seconds = (performance.now() - start) / 1000;
  ne.ne_session_destroy(sess);
  const speed = (size / 1e6 / seconds).toFixed(0);
  console.log(`| ${way} | ${speed} | ${(memory("VmHWM") - before).toFixed(1)} MB |`);
}

async function main(gigabytes, dist) {
  const size = gigabytes * 1e9;
  const folder = mkdtempSync(path.join(os.tmpdir(), "libneon-bench-huge-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "sparse");
  writeFileSync(file, "");
  truncateSync(file, size);
  const server = fork(SELF, ["serve", String(size)]);
  const port = await new Promise((resolve) => server.once("message", resolve));
  const library = pathToFileURL(path.join(path.resolve(dist), "index.js")).href;
  console.log(`### ${gigabytes} GB\n\n| | MB/s | memory above idle |\n| --- | ---: | ---: |`);
  for (const way of ["nx_download", "nx_upload"]) {
    const child = fork(SELF, ["transfer", way, String(port), file, String(size), library]);
    await new Promise((resolve) => child.once("exit", resolve));
  }
  server.disconnect();
}

const [task = "", ...args] = process.argv.slice(2);
if (task === "serve") serve(Number(args[0]));
else if (task === "transfer") {
  const [way, port, file, size, library] = args;
  await transfer(way, Number(port), file, Number(size), library);
  process.exit(0);
} else {
  await main(Number(task || 5), args[0] ?? path.join(path.dirname(SELF), "../../dist"));
}

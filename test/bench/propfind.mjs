// The 207 figure: PROPFIND of 10,000 resources with ten properties each, in the shape of Apache's
// mod_dav (7 MB, chunked), every value read. libneon beside the npm package webdav and C neon, in
// alternation, each in a process of its own; then the memory for 100,000 resources. Prints tables
// in Markdown; run.mjs takes them over.
//   node test/bench/propfind.mjs [--rounds 5] [--resources 10000] [--dist dist]
import { execFileSync, fork, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const SELF = fileURLToPath(import.meta.url);
const HERE = path.dirname(SELF);
const RUNS = 6;
const CHUNK = 8192;

const pad = (number, width) => String(number).padStart(width, "0");

/** The collection of so many resources. */
function collection(resources) {
  return `/dav/${resources}/`;
}

/** What mod_dav answers to allprop for a file. */
function resource(n, resources) {
  const minute = pad(n % 60, 2);
  return `<D:response xmlns:lp1="DAV:" xmlns:lp2="http://apache.org/dav/props/">
<D:href>${collection(resources)}document%20${pad(n, 6)}.txt</D:href>
<D:propstat>
<D:prop>
<lp1:resourcetype/>
<lp1:creationdate>2024-05-03T10:${minute}:11Z</lp1:creationdate>
<lp1:getcontentlength>${1000 + n}</lp1:getcontentlength>
<lp1:getlastmodified>Fri, 03 May 2024 10:${minute}:11 GMT</lp1:getlastmodified>
<lp1:getetag>"${((n * 7919) % 65536).toString(16)}-617899d4a9c2b"</lp1:getetag>
<lp2:executable>F</lp2:executable>
<D:supportedlock>
<D:lockentry>
<D:lockscope><D:exclusive/></D:lockscope>
<D:locktype><D:write/></D:locktype>
</D:lockentry>
</D:supportedlock>
<D:lockdiscovery/>
<D:getcontenttype>text/plain</D:getcontenttype>
<D:displayname>document ${pad(n, 6)}.txt</D:displayname>
</D:prop>
<D:status>HTTP/1.1 200 OK</D:status>
</D:propstat>
</D:response>
`;
}

function* document(resources) {
  yield '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:" xmlns:ns0="DAV:">\n';
  for (let n = 0; n < resources; n++) yield resource(n, resources);
  yield "</D:multistatus>\n";
}

function* chunks(resources) {
  let text = "";
  for (const piece of document(resources)) {
    text += piece;
    while (text.length >= CHUNK) {
      yield `${CHUNK.toString(16)}\r\n${text.slice(0, CHUNK)}\r\n`;
      text = text.slice(CHUNK);
    }
  }
  yield `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
}

/** The server's process: the collection's name is the number of its resources. */
function serve() {
  const head =
    "HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml; charset=\"utf-8\"\r\n" +
    "Transfer-Encoding: chunked\r\n\r\n";
  const kept = new Map();
  const bodyOf = (count) => {
    if (count > 10_000) return chunks(count);
    if (!kept.has(count)) kept.set(count, [Buffer.from([...chunks(count)].join(""))]);
    return kept.get(count);
  };
  const answer = async (socket, count) => {
    socket.write(head);
    for (const part of bodyOf(count)) {
      if (!socket.write(part) && !socket.destroyed) {
        await new Promise((resolve) => socket.once("drain", resolve));
      }
    }
  };
  const server = net.createServer((socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      const count = Number(/^PROPFIND \/dav\/(\d+)/.exec(text)?.[1] ?? 0);
      text = "";
      void answer(socket, count);
    });
  });
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit());
}

async function withLibneon({ port, resources, dist }) {
  const neon = await import(pathToFileURL(path.join(dist, "index.js")).href);
  const sess = neon.ne_session_create("http", "127.0.0.1", port);
  return async () => {
    let values = 0;
    const iterate = (_userdata, _name, value) => {
      if (value !== null) values += value.length;
      return 0;
    };
    const code = await neon.ne_simple_propfind(
      sess,
      collection(resources),
      neon.NE_DEPTH_ONE,
      null,
      (_userdata, _uri, set) => {
        neon.ne_propset_iterate(set, iterate);
      },
    );
    if (code !== neon.NE_OK) throw new Error(neon.ne_get_error(sess));
    return values;
  };
}

async function withListing({ port, resources, dist }) {
  const neon = await import(pathToFileURL(path.join(dist, "index.js")).href);
  const sess = neon.ne_session_create("http", "127.0.0.1", port);
  return async () => {
    let values = 0;
    const listing = neon.nx_list(sess, collection(resources), { props: "all" });
    for await (const { props } of listing) {
      for (const { value } of props) if (value !== null) values += value.length;
    }
    return values;
  };
}

async function withWebdav({ port, resources }) {
  const { createClient } = await import("webdav");
  const client = createClient(`http://127.0.0.1:${port}`);
  return async () => {
    const { data } = await client.getDirectoryContents(collection(resources), {
      details: true,
      includeSelf: true,
    });
    let values = 0;
    for (const { props } of data) {
      for (const value of Object.values(props)) values += `${value}`.length;
    }
    return values;
  };
}

/** A contender's process: times of each run, the value that it read, its largest memory. */
async function contend(name, settings) {
  const makers = { libneon: withLibneon, nx_list: withListing, webdav: withWebdav };
  if (name === "idle") {
    await import(pathToFileURL(path.join(settings.dist, "index.js")).href);
  } else {
    const run = await makers[name](settings);
    const times = [];
    let values = 0;
    for (let n = 0; n < settings.runs; n++) {
      const start = performance.now();
      values = await run();
      times.push(performance.now() - start);
    }
    settings.result = { times, values };
  }
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const peak = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? process.memoryUsage().rss / 1024);
  console.log(JSON.stringify({ times: [], values: 0, ...settings.result, peak }));
  process.exit(0);
}

function compileNeon(folder) {
  try {
    const flags = execFileSync("pkg-config", ["--cflags", "--libs", "neon"]).toString().trim();
    const program = path.join(folder, "propfind");
    const args = ["-O2", path.join(HERE, "propfind.c"), "-o", program, ...flags.split(/\s+/)];
    execFileSync("cc", args, { stdio: "ignore" });
    return program;
  } catch {
    return null;
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function row(...cells) {
  return `| ${cells.join(" | ")} |\n`;
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      resources: { type: "string", default: "10000" },
      dist: { type: "string", default: path.join(HERE, "../../dist") },
    },
  });
  const folder = mkdtempSync(path.join(os.tmpdir(), "libneon-propfind-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const neon = compileNeon(folder);
  const server = fork(SELF, ["serve"]);
  const port = await new Promise((resolve) => server.once("message", resolve));
  const dist = path.resolve(options.dist);
  const base = { port, resources: Number(options.resources), dist, runs: RUNS };

  const run = (name, settings = base) => {
    const [program, args] =
      name === "C neon"
        ? [neon, [settings.port, settings.resources, settings.runs].map(String)]
        : [process.execPath, [SELF, "contend", name, JSON.stringify(settings)]];
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", cwd: HERE });
    if (status !== 0) throw new Error(`${name}: ${stderr || `exit ${status}`}`);
    return JSON.parse(stdout.trim().split("\n").at(-1));
  };

  const names = ["libneon", "nx_list"];
  if (existsSync(path.join(HERE, "node_modules/webdav"))) names.push("webdav");
  if (neon !== null) names.push("C neon");
  const results = new Map(names.map((name) => [name, { first: [], best: [], values: 0 }]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, result] of results) {
      const { times, values } = run(name);
      result.first.push(times[0]);
      result.best.push(median(times.slice(1)));
      if (values < 100 * base.resources) throw new Error(`${name} read ${values} characters only`);
      result.values = values;
    }
  }
  let bytes = 0;
  for (const piece of document(base.resources)) bytes += piece.length;
  const idle = median(Array.from({ length: 3 }, () => run("idle").peak));
  const tenfold = { ...base, resources: 10 * base.resources, runs: 1 };
  const large = median(Array.from({ length: 3 }, () => run("libneon", tenfold).peak));
  server.disconnect();

  const own = median(results.get("libneon").best);
  let text = `### PROPFIND of ${base.resources} resources, ten properties each (`;
  text += `${(bytes / 1e6).toFixed(1)} MB)\n\n`;
  text += row("", "ms", "MB/s", "first run, ms", "time / libneon");
  text += row("---", "---:", "---:", "---:", "---:");
  for (const [name, { first, best }] of results) {
    const time = median(best);
    const label = name === "libneon" ? "**libneon**" : name;
    const cells = [time.toFixed(0), (bytes / 1000 / time).toFixed(0), median(first).toFixed(0)];
    text += row(label, ...cells, (time / own).toFixed(2));
  }
  text += `\nMemory for ${10 * base.resources} resources, above a process that has imported the `;
  text += `library: ${((large - idle) / 1024).toFixed(1)} MB.\n`;
  process.stdout.write(text);
}

if (process.argv[2] === "serve") serve();
else if (process.argv[2] === "contend") await contend(process.argv[3], JSON.parse(process.argv[4]));
else await main();

// Uploads in pieces beside a single PUT, over a line that delays everything: each protocol at the
// usual size of a piece. The server only counts what it gets. Prints a table.
//   node test/bench/slow_line.mjs [MILLISECONDS each way] [MBIT/S] [MIB]
import http from "node:http";
import net from "node:net";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROTOCOLS = ["nextcloud", "tus", "sabre-patch", "content-range"];
const ROUNDS = 5;
const SELF = fileURLToPath(import.meta.url);

// ---- the server, and the line before it, in a process of their own ----

const sizes = new Map();
let probe = [];

function answer({ method, url, headers }, body) {
  const { size, start } = body;
  const before = sizes.get(url) ?? 0;
  switch (method) {
    case "OPTIONS":
      return [200, { dav: "1, sabredav-partialupdate" }];
    case "POST":
      return [201, { location: `${url}up` }];
    case "PUT":
    case "PATCH": {
      // a PUT without a range begins anew
      const isPart = "content-range" in headers || method === "PATCH";
      sizes.set(url, (isPart ? before : 0) + size);
      if (size > 0 && size < 100) probe = isPart ? [...probe, start] : [start];
      return [204, { "upload-offset": Number(headers["upload-offset"] ?? 0) + size }];
    }
    case "HEAD":
      return sizes.has(url) ? [200, { "content-length": before }] : [404, {}];
    case "GET":
      return [200, {}, Buffer.concat(probe)];
    default:
      return [201, {}];
  }
}

function serve() {
  const server = http.createServer((request, response) => {
    const body = { size: 0, start: Buffer.alloc(0) };
    request.on("data", (block) => {
      if (body.size === 0) body.start = block;
      body.size += block.length;
    });
    request.on("end", () => {
      const [code, headers, bytes = ""] = answer(request, body);
      response.writeHead(code, { "content-length": bytes.length, ...headers });
      response.end(bytes);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });
}

// What comes leaves after the delay, and no faster than the line is wide.
function pass(from, to, delay, bytesPerMs) {
  let free = 0;
  let waiting = 0;
  const most = Math.max(1 << 20, bytesPerMs === Infinity ? 256 << 20 : bytesPerMs * delay * 4);
  from.on("data", (block) => {
    const now = performance.now();
    free = Math.max(free, now) + block.length / bytesPerMs;
    waiting += block.length;
    if (waiting > most) from.pause();
    setTimeout(() => {
      waiting -= block.length;
      if (waiting <= most) from.resume();
      to.write(block);
    }, free - now + delay);
  });
  from.on("end", () => setTimeout(() => to.end(), delay));
  from.on("error", () => to.destroy());
}

async function relay(delay, mbit) {
  const port = await serve();
  const bytesPerMs = mbit === 0 ? Infinity : (mbit * 1e6) / 8 / 1000;
  const line = net.createServer({ allowHalfOpen: true }, (near) => {
    const far = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    pass(near, far, delay, bytesPerMs);
    pass(far, near, delay, bytesPerMs);
  });
  line.listen(0, "127.0.0.1", () => process.send(line.address().port));
}

// ---- the client ----

async function timed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

async function measure(delay, mbit, mib) {
  const { ne_session_create, ne_session_destroy, nx_upload } = await import("../../dist/index.js");
  const child = fork(SELF, ["line", delay, mbit]);
  const port = await new Promise((resolve) => child.once("message", resolve));
  const sess = ne_session_create("http", "127.0.0.1", port);
  const bytes = Buffer.alloc(mib << 20, "x");
  const path = "/remote.php/dav/files/me/file";
  const upload = (protocol) => timed(() => nx_upload(sess, path, bytes, { protocol }));
  try {
    for (const protocol of ["put", ...PROTOCOLS]) await upload(protocol);
    for (const protocol of PROTOCOLS) {
      const ratios = [];
      for (let round = 0; round < ROUNDS; round++) {
        const single = await upload("put");
        ratios.push([(await upload(protocol)) / single, single]);
      }
      const [ratio, single] = ratios.sort(([a], [b]) => a - b)[ROUNDS >> 1];
      console.log(`| ${protocol} | ${single.toFixed(0)} ms | ${ratio.toFixed(2)} |`);
    }
  } finally {
    ne_session_destroy(sess);
    child.kill();
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "line") {
  await relay(...rest.map(Number));
} else {
  const [mbit = "100", mib = "64"] = rest;
  const delay = Number(first ?? 20);
  console.log(`${mib} MiB, ${delay} ms each way, ${mbit === "0" ? "no bound" : `${mbit} Mbit/s`}\n`);
  console.log("| protocol | one PUT | of it |\n| --- | ---: | ---: |");
  await measure(delay, Number(mbit), Number(mib));
}

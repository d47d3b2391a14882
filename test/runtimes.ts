// A session on Bun and on Deno, where they are installed: on the path, or in test/nodes by
// `npm install --no-save bun deno`. What does not work there stands in docs/unsupported.md.
// Needs the build.
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import t from "tap";
import { scripted } from "./fixtures/server.js";
import { ROOT } from "./fixtures/sources.js";
import { certFile, certPath } from "./fixtures/tls.js";

const run = promisify(execFile);
const LIBRARY = pathToFileURL(path.join(ROOT, "dist/index.js")).href;
const PROGRAM = path.join(ROOT, "test/fixtures/smoke.mjs");

// Deno does not tell what its own TLS found, so that no certificate passes the second judgement
const UNJUDGED =
  "trusted 1 SSL error: Server certificate verification failed: bad certificate chain ()";

/** The command of a runtime, or `null` where it is not installed. */
function commandOf(name: string): string | null {
  const here = path.join(ROOT, "test/nodes/node_modules/.bin", name);
  if (existsSync(here)) return here;
  return spawnSync(name, ["--version"]).status === 0 ? name : null;
}

const gzipped = gzipSync("unpacked");
const HEAD = "HTTP/1.1 200 OK\r\n";
const ANSWERS = [
  `${HEAD}Content-Length: 5\r\n\r\nhello`,
  `${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`,
  Buffer.concat([
    Buffer.from(`${HEAD}Content-Encoding: gzip\r\nContent-Length: ${gzipped.length}\r\n\r\n`),
    gzipped,
  ]),
  ({ body }: { body: Buffer }) => {
    const text = `${body.length} bytes`;
    return `${HEAD}Content-Length: ${text.length}\r\n\r\n${text}`;
  },
];

const RUNTIMES = [["node", []], ["bun", ["run"]], ["deno", ["run", "--allow-all"]]] as const;

for (const [name, flags] of RUNTIMES) {
  const command = name === "node" ? process.execPath : commandOf(name);
  const skip = command === null ? `${name} is not installed` : false;

  t.test(`a session on ${name}`, { skip }, async (t) => {
    const plain = await scripted(t, async (peer) => {
      for (const answer of ANSWERS) {
        const request = await peer.readRequest();
        await peer.write(typeof answer === "function" ? answer(request) : answer);
      }
      await peer.readRequest();
      await peer.write(`${HEAD}Content-Length: 9\r\n\r\nhel`);
      await peer.end();
    });
    const tls = { key: certFile("server.key"), cert: certFile("good.pem") };
    const secure = await scripted(
      t,
      async (peer) => {
        const request = await peer.readRequest().catch(() => null);
        if (request !== null) await peer.write(`${HEAD}Content-Length: 6\r\n\r\nsecret`);
      },
      { tls },
    );
    const secureUrl = `https://localhost:${secure.port}/`;
    const args = [...flags, PROGRAM, LIBRARY, `${plain.origin}/`, secureUrl, certPath("ca.pem")];
    const { stdout } = await run(command ?? "", args, { timeout: 60_000 });
    t.strictSame(stdout.trim().split("\n"), [
      "/ 0 hello",
      "/chunked 0 hello",
      "/gzip 0 unpacked",
      "/put 0 100000 bytes",
      "/cut true Could not read response body: connection was closed by server",
      "untrusted 1 SSL error: Server certificate verification failed: issuer is not trusted",
      name === "deno" ? UNJUDGED : "trusted 0 secret",
    ]);
  });
}

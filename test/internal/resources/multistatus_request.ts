// A multistatus response of any size takes the same memory: a child with a small heap reads one
// that would not fit into it. (test/hostile-dav.ts reads answers without end.)
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { type Peer, scripted } from "../../fixtures/server.js";

const LIBRARY = fileURLToPath(new URL("../../../dist/index.js", import.meta.url));
const HEAD = "HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n";
const OPEN = '<D:multistatus xmlns:D="DAV:">';

/** Members from a number on, each with some text to keep. */
function members(from: number, count: number): string {
  let text = "";
  for (let n = from; n < from + count; n++) {
    text +=
      `<D:response><D:href>/a/${n}</D:href><D:propstat><D:prop>` +
      `<D:displayname>${"x".repeat(400)} ${n}</D:displayname></D:prop>` +
      `<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
  }
  return text;
}

/** Answers with this many members, as the client takes them. */
function listing(count: number): (peer: Peer) => Promise<void> {
  return async (peer) => {
    await peer.readRequest();
    await peer.write(HEAD + OPEN);
    for (let n = 0; n < count; n += 1000) await peer.write(members(n, 1000));
    await peer.write("</D:multistatus>");
    await peer.end();
  };
}

// as a program of its own, so that nothing else is in its heap
const PROGRAM = `
  const neon = await import(process.argv[1]);
  const sess = neon.ne_session_create("http", "127.0.0.1", Number(process.argv[2]));
  let count = 0;
  for await (const { name } of neon.nx_list(sess, "/a/")) count += name === "" ? 0 : 1;
  console.log(count);
`;

t.test("100,000 members of 60 MB are read in a heap of 40 MB", async (t) => {
  const server = await scripted(t, [listing(100_000)], { forget: true });
  const flags = ["--max-old-space-size=40", "--input-type=module", "-e", PROGRAM];
  const args = [...flags, LIBRARY, String(server.port)];
  // what the test runner loads into its children has no room there
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  t.equal(stdout.trim(), "100000");
});

// The hash of a body that is still to be sent: of bytes, of a file, of a provider, and of none.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import t, { type Test } from "tap";
import { run } from "../../../lib/internal/base/steps.js";
import { requestBodyHash } from "../../../lib/internal/session/body_hash.js";
import {
  ne_hook_pre_send,
  ne_set_request_body_buffer,
  ne_set_request_body_fd,
  ne_set_request_body_provider,
  type ne_request,
} from "../../../lib/ne_request.js";
import { OK, openSession, send } from "../../fixtures/conversation.js";
import { scripted } from "../../fixtures/server.js";
import { content } from "../../fixtures/transfer/client.js";

const BYTES = content(100_000);
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** The hash that a hook is given in front of the request, and the body that was sent. */
async function hashed(
  t: Test,
  prepare: (req: ne_request) => void,
): Promise<{ hash: string | null; body: Buffer }> {
  const server = await scripted(t, [[OK]]);
  const sess = openSession(t, server.port);
  let hash: string | null = null;
  ne_hook_pre_send(sess, async (req) => void (hash = await run(requestBodyHash(req, "sha256"))), null);
  await send(sess, "PUT", "/", prepare);
  return { hash, body: server.requests[0]?.body ?? Buffer.alloc(0) };
}

t.test("what is hashed is what is sent", async (t) => {
  const name = path.join(t.testdir(), "file");
  fs.writeFileSync(name, Buffer.concat([Buffer.alloc(10), BYTES, Buffer.alloc(10)]));
  const fd = fs.openSync(name, "r");
  t.teardown(() => fs.closeSync(fd));
  let at = 0;
  const provide = (_userdata: unknown, buffer: Uint8Array): number => {
    if (buffer.length === 0) return (at = 0);
    const piece = BYTES.subarray(at, at + Math.min(buffer.length, 777));
    buffer.set(piece);
    at += piece.length;
    return piece.length;
  };
  const kinds: [kind: string, prepare: (req: ne_request) => void][] = [
    ["bytes", (req) => ne_set_request_body_buffer(req, BYTES)],
    ["a file", (req) => ne_set_request_body_fd(req, fd, 10, BYTES.length)],
    ["a provider", (req) => ne_set_request_body_provider(req, BYTES.length, provide)],
    ["a provider of unknown length", (req) => ne_set_request_body_provider(req, -1, provide)],
  ];
  for (const [kind, prepare] of kinds) {
    const { hash, body } = await hashed(t, prepare);
    t.equal(hash, sha256(BYTES), kind);
    t.ok(body.equals(BYTES), kind);
  }
  t.equal((await hashed(t, () => {})).hash, sha256(Buffer.alloc(0)), "no body");
});

t.test("a body that cannot be read has none", async (t) => {
  const name = path.join(t.testdir(), "file");
  fs.writeFileSync(name, "short");
  const fd = fs.openSync(name, "r");
  t.teardown(() => fs.closeSync(fd));
  const seen: (string | null)[] = [];
  const ask = async (prepare: (req: ne_request) => void): Promise<void> => {
    const server = await scripted(t, [async (peer) => void (await peer.readHead())], { fewer: true });
    const own = openSession(t, server.port);
    ne_hook_pre_send(
      own,
      async (req) => {
        seen.push(await run(requestBodyHash(req, "sha256")));
        throw new Error("enough");
      },
      null,
    );
    await send(own, "PUT", "/", prepare).catch(() => {});
  };
  await ask((req) => ne_set_request_body_fd(req, fd, 0, 100));
  await ask((req) => ne_set_request_body_provider(req, 5, () => -1));
  const endless = (_userdata: unknown, buffer: Uint8Array): number => buffer.length;
  await ask((req) => ne_set_request_body_provider(req, 5, endless));
  t.strictSame(seen, [null, null, null]);
});

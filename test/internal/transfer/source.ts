// What an upload reads: from any place on, told from others, and given to a request in pieces.
import fs from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import t, { type Test } from "tap";
import {
  bytesSource,
  countBytes,
  openSource,
  type Given,
  type Source,
} from "../../../lib/internal/transfer/source.js";
import { ne_request_create, ne_request_destroy, ne_request_dispatch } from "../../../lib/ne_request.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering } from "../../fixtures/dav.js";
import { content } from "../../fixtures/transfer/client.js";

const LINE = { signal: null };
const BYTES = content(300_000);

function named(t: Test, bytes = BYTES): string {
  const name = path.join(t.testdir(), "source");
  fs.writeFileSync(name, bytes);
  return name;
}

const fromFunction = (start: number): Readable => Readable.from([BYTES.subarray(start)]);

async function sources(t: Test): Promise<[kind: string, source: Source][]> {
  const handle = await open(named(t));
  t.teardown(() => handle.close());
  const given: [string, Given, number | null][] = [
    ["a name", path.join(path.dirname(named(t)), "source"), null],
    ["a handle", handle, null],
    ["bytes", new Uint8Array(BYTES), null],
    ["a function", fromFunction, BYTES.length],
  ];
  return Promise.all(
    given.map(async ([kind, from, length]): Promise<[string, Source]> => [kind, await openSource(LINE, from, length)]),
  );
}

async function readAll(source: Source, start: number): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of source.read(start)) blocks.push(Buffer.from(block));
  return Buffer.concat(blocks);
}

t.test("the content from any place on", async (t) => {
  for (const [kind, source] of await sources(t)) {
    t.equal(source.size, BYTES.length, kind);
    for (const start of [0, 1, 299_999, 300_000]) {
      t.ok((await readAll(source, start)).equals(BYTES.subarray(start)), `${kind} from ${start}`);
    }
    t.equal(await countBytes(source, 299_990, 100), 10);
    t.equal(await countBytes(source, 0, 5), 5);
    await source.close();
  }
});

t.test("pieces as bodies, with and without someone who is told", async (t) => {
  for (const [kind, source] of await sources(t)) {
    for (const told of [false, true]) {
      const { sess, server } = await answering(t, { status: "204 No Content", type: null });
      const req = ne_request_create(sess, "PUT", "/");
      const heard: number[] = [];
      source.give(req, 1000, 150_000, told ? (done) => void heard.push(done) : null);
      t.equal(await ne_request_dispatch(req), 0);
      ne_request_destroy(req);
      t.ok(server.requests[0]?.body.equals(BYTES.subarray(1000, 151_000)), kind);
      if (told) t.strictSame([heard[0], heard.at(-1)], [0, 150_000]);
    }
    await source.close();
  }
});

t.test("fingerprints", async (t) => {
  const name = named(t);
  const print = async (given: Given): Promise<string> => {
    const source = await openSource(LINE, given, null);
    const fingerprint = await source.fingerprint();
    await source.close();
    return fingerprint;
  };
  const first = await print(name);
  t.match(first, /^v1:300000:/);
  t.equal(await print(name), first);
  fs.utimesSync(name, 1, 1);
  t.not(await print(name), first, "modified at another time");
  t.not(await print(Buffer.from("a")), await print(Buffer.from("b")));
  t.equal(await print(fromFunction), await print(fromFunction));
  t.not(await print(() => Readable.from([Buffer.from("x")])), await print(fromFunction));
});

t.test("a file that changes", async (t) => {
  const name = named(t);
  const source = await openSource(LINE, name, null);
  t.equal(await source.isUnchanged(), true);
  fs.appendFileSync(name, "more");
  t.equal(await source.isUnchanged(), false);
  await source.renew();
  t.strictSame([await source.isUnchanged(), source.size], [true, 300_004]);
  await source.close();
});

t.test("what cannot be read", async (t) => {
  const nowhere = "/no/such/file";
  t.match(await failureOf(() => openSource(LINE, nowhere, null)), {
    message: `Could not read ${nowhere}: No such file or directory (ENOENT)`,
  });
  const folder = path.dirname(named(t));
  t.match(await failureOf(() => openSource(LINE, folder, null)), { message: /Is a directory \(EISDIR\)$/ });
  t.match(await failureOf(() => openSource(LINE, "/dev/null", null)), { message: /\(EINVAL\)$/ });
  const texts = await openSource(LINE, () => Readable.from(["text"]), null);
  t.match(await failureOf(() => readAll(texts, 0)), { message: "The source gave what are no bytes" });
});

t.test("bytes never change, and a handle stays the caller's", async (t) => {
  t.equal(await bytesSource(Buffer.from("x")).isUnchanged(), true);
  const handle = await open(named(t));
  await (await openSource(LINE, handle, null)).close();
  t.ok(handle.fd >= 0);
  await handle.close();
});

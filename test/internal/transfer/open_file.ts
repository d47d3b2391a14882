// A file by its descriptor: written from a place on, begun anew, cut to size, read back.
import fs from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import t, { type Test } from "tap";
import { OpenFile } from "../../../lib/internal/transfer/open_file.js";
import { failureOf } from "../../fixtures/conversation.js";

async function file(t: Test, before: string): Promise<{ name: string; open: OpenFile }> {
  const name = path.join(t.testdir(), "file");
  fs.writeFileSync(name, before);
  const handle = await open(name, "r+");
  t.teardown(() => handle.close());
  return { name, open: await OpenFile.open(handle) };
}

const text = (name: string): string => fs.readFileSync(name, "utf8");

t.test("goes on at its end", async (t) => {
  const { name, open } = await file(t, "abc");
  t.strictSame([open.canRewind, open.at], [true, 3]);
  await open.write(Buffer.from("def"));
  await open.finish();
  t.strictSame([open.at, text(name)], [6, "abcdef"]);
});

t.test("begun anew, nothing of the old is left", async (t) => {
  const { name, open } = await file(t, "a longer text");
  await open.restart();
  t.strictSame([open.at, text(name)], [0, ""]);
  await open.write(Buffer.from("new"));
  fs.appendFileSync(name, "somebody else's");
  await open.finish();
  t.equal(text(name), "new", "cut to what was written");
});

t.test("read back", async (t) => {
  const { open } = await file(t, "x".repeat(300_000));
  await open.write(Buffer.from("end"));
  let read = "";
  for await (const block of open.readBack()) read += block.toString();
  t.equal(read, `${"x".repeat(300_000)}end`);
});

t.test("a pipe has no places", async (t) => {
  const fd = fs.openSync("/dev/null", "w");
  t.teardown(() => fs.closeSync(fd));
  const open = await OpenFile.open(fd);
  t.strictSame([open.canRewind, open.at], [false, 0]);
  await open.write(Buffer.from("abc"));
  await open.restart();
  t.equal(open.at, 3, "what went is gone");
  await open.finish();
});

t.test("what cannot be written to", async (t) => {
  const name = path.join(t.testdir(), "file");
  fs.writeFileSync(name, "abc");
  const readOnly = await open(name, "r");
  const folder = await open(path.dirname(name), "r");
  t.teardown(() => Promise.all([readOnly.close(), folder.close()]));
  const why = async (handle: Parameters<typeof OpenFile.open>[0]): Promise<unknown> =>
    failureOf(() => OpenFile.open(handle));
  t.match(await why(readOnly), { message: "Could not write to the file: Bad file descriptor (EBADF)" });
  t.match(await why(folder), { message: "Could not write to the file: Is a directory (EISDIR)" });
  t.match(await why(-1), new TypeError("nx_download: the file descriptor is not open"));
  t.equal(text(name), "abc");
});

t.test("a handle of our own is closed, whatever came of it", async (t) => {
  const name = path.join(t.testdir(), "file");
  for (const end of ["finish", "fail"] as const) {
    const handle = await open(name, "w");
    const own = await OpenFile.openOwn(handle);
    await own[end]();
    t.equal(handle.fd, -1, end);
  }
  const given = await open(name, "w");
  await (await OpenFile.open(given)).finish();
  t.ok(given.fd >= 0, "the caller's is not");
  await given.close();
});

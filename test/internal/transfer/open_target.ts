// What a download may go to, and what it may not.
import fs from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { PassThrough } from "node:stream";
import t from "tap";
import { NamedFile } from "../../../lib/internal/transfer/named_file.js";
import { OpenFile } from "../../../lib/internal/transfer/open_file.js";
import { openTarget, type GivenTarget } from "../../../lib/internal/transfer/open_target.js";
import { StreamTarget } from "../../../lib/internal/transfer/stream_target.js";

t.test("kinds", async (t) => {
  const name = path.join(t.testdir(), "file");
  const handle = await open(name, "w");
  const fd = fs.openSync(name, "r+");
  const rows: [given: GivenTarget, kind: unknown][] = [
    [name, NamedFile],
    [fd, OpenFile],
    [handle, OpenFile],
    [new PassThrough(), StreamTarget],
    [fs.createWriteStream(name), StreamTarget],
  ];
  for (const [given, kind] of rows) {
    const target = await openTarget({ signal: null }, given, "http://h/", false, "f");
    t.equal(target.constructor, kind);
    await target.fail(new Error("enough"));
  }
  await handle.close();
  fs.closeSync(fd);
});

t.test("values that are not targets are refused", async (t) => {
  const message = "f: the target must be a file's name, descriptor or handle, or a Writable";
  for (const given of [null, undefined, {}, true, Buffer.alloc(1), new URL("file:///a")]) {
    await t.rejects(openTarget({ signal: null }, given as GivenTarget, "", false, "f"), new TypeError(message));
  }
});

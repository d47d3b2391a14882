// A file by its name: whoever reads it finds the old one or the new one, never half of one.
import fs from "node:fs";
import path from "node:path";
import t, { type Test } from "tap";
import { NamedFile } from "../../../lib/internal/transfer/named_file.js";
import { failureOf } from "../../fixtures/conversation.js";

const URL = "http://h/a";

function place(t: Test, before?: string): { name: string; list: () => string[]; text: () => string } {
  const folder = t.testdir();
  const name = path.join(folder, "file");
  if (before !== undefined) fs.writeFileSync(name, before);
  const list = (): string[] => fs.readdirSync(folder).sort();
  return { name, list, text: () => fs.readFileSync(name, "utf8") };
}

t.test("the old file stays until the new one is whole", async (t) => {
  const { name, list, text } = place(t, "old");
  const target = await NamedFile.open(name, URL, false);
  await target.write(Buffer.from("new content"));
  t.strictSame([list(), text()], [["file", "file.part"], "old"]);
  await target.finish();
  t.strictSame([list(), text()], [["file"], "new content"]);
});

t.test("a transfer that fails leaves nothing, or the part that it may go on with", async (t) => {
  const { name, list, text } = place(t, "old");
  const target = await NamedFile.open(name, URL, false);
  await target.write(Buffer.from("half"));
  await target.fail(new Error("cut"));
  t.strictSame([list(), text()], [["file"], "old"]);
  const kept = await NamedFile.open(name, URL, true);
  await kept.write(Buffer.from("half"));
  await kept.keepTag?.('"v1"');
  await kept.fail(new Error("cut"));
  t.strictSame([list(), text()], [["file", "file.part", "file.part.etag"], "old"]);
  const again = await NamedFile.open(name, URL, true);
  t.strictSame([again.at, await again.keptTag?.()], [4, '"v1"']);
  await again.write(Buffer.from(" whole"));
  await again.finish();
  t.strictSame([list(), text()], [["file"], "half whole"]);
});

t.test("nothing begun is nothing to keep", async (t) => {
  const { name, list } = place(t);
  const target = await NamedFile.open(name, URL, true);
  await target.fail(new Error("cut"));
  t.strictSame(list(), []);
});

t.test("the tag of another resource, or none of ours, is none", async (t) => {
  const { name } = place(t);
  for (const [kept, wanted] of [
    [JSON.stringify({ url: URL, etag: '"v"' }), '"v"'],
    [JSON.stringify({ url: "http://other/", etag: '"v"' }), null],
    [JSON.stringify({ url: URL, etag: 7 }), null],
    ["null", null],
    ["nonsense", null],
  ] as const) {
    fs.writeFileSync(`${name}.part.etag`, kept);
    const target = await NamedFile.open(name, URL, true);
    t.equal(await target.keptTag?.(), wanted, kept);
    await target.fail(new Error("enough"));
  }
  const target = await NamedFile.open(name, URL, true);
  await target.keepTag?.('"x"');
  await target.keepTag?.(null);
  t.equal(await target.keptTag?.(), null, "forgotten");
  await target.fail(new Error("enough"));
});

t.test("two downloads to one file", async (t) => {
  const { name } = place(t);
  const first = await NamedFile.open(name, URL, false);
  const message = `Another download is writing ${fs.realpathSync(path.dirname(name))}/file.part`;
  t.match(await failureOf(() => NamedFile.open(name, URL, false)), { message });
  await first.fail(new Error("enough"));
  await (await NamedFile.open(name, URL, false)).fail(new Error("free again"));
});

t.test("two downloads to one file by two names", async (t) => {
  const folder = t.testdir({ real: {} });
  fs.symlinkSync("real", path.join(folder, "link"));
  const [real, link] = ["real", "link"].map((name) => path.join(folder, name, "file"));
  for (const resumes of [true, false]) {
    const first = await NamedFile.open(real ?? "", URL, resumes);
    await first.write(Buffer.from("first"));
    for (const again of [true, false]) {
      const message = /^Another download is writing .*file\.part$/;
      t.match(await failureOf(() => NamedFile.open(link ?? "", URL, again)), { message });
    }
    await first.finish();
    t.equal(fs.readFileSync(link ?? "", "utf8"), "first");
    await (await NamedFile.open(link ?? "", URL, false)).finish();
    t.equal(fs.readFileSync(real ?? "", "utf8"), "", "free again");
  }
});

t.test("many that end together", async (t) => {
  const folder = t.testdir({ a: {}, b: {} });
  const names = Array.from({ length: 40 }, (_, i) => path.join(folder, i % 2 ? "a" : "b", `${i}`));
  const targets = await Promise.all(names.map((name) => NamedFile.open(name, URL, false)));
  const finish = async (at: number): Promise<void> => {
    await targets[at]?.write(Buffer.from(`content ${at}`));
    await targets[at]?.finish();
  };
  await Promise.all(targets.map((_, at) => finish(at)));
  for (const [at, name] of names.entries()) {
    t.equal(fs.readFileSync(name, "utf8"), `content ${at}`);
  }
  t.equal(fs.readdirSync(folder, { recursive: true }).length, 42, "no part is left");
});

t.test("modes and links stay", async (t) => {
  const { name, text } = place(t, "old");
  fs.chmodSync(name, 0o640);
  const link = path.join(path.dirname(name), "link");
  fs.symlinkSync(name, link);
  const target = await NamedFile.open(link, URL, false);
  await target.write(Buffer.from("new"));
  await target.finish();
  t.equal(fs.lstatSync(link).isSymbolicLink(), true);
  t.strictSame([fs.statSync(name).mode & 0o777, text()], [0o640, "new"]);
});

t.test("a part that is a link leads elsewhere, and is not followed", async (t) => {
  const { name } = place(t);
  const other = path.join(path.dirname(name), "other");
  fs.writeFileSync(other, "precious");
  fs.symlinkSync(other, `${name}.part`);
  for (const resumes of [false, true]) {
    const target = await NamedFile.open(name, URL, resumes);
    t.equal(target.at, 0, "nothing of what it leads to counts");
    await target.write(Buffer.from("new"));
    await target.finish();
    t.equal(fs.readFileSync(name, "utf8"), "new");
    fs.symlinkSync(other, `${name}.part`);
  }
  t.equal(fs.readFileSync(other, "utf8"), "precious");
});

t.test("what cannot be written", async (t) => {
  const { name } = place(t);
  const folder = path.dirname(name);
  t.match(await failureOf(() => NamedFile.open(folder, URL, false)), { message: /\(EISDIR\)$/ });
  const nowhere = path.join(folder, "no/such/file");
  t.match(await failureOf(() => NamedFile.open(nowhere, URL, false)), {
    message: `Could not write ${nowhere}: No such file or directory (ENOENT)`,
  });
  const device = await NamedFile.open("/dev/null", URL, false);
  t.equal(device.canRewind, false, "a device is written to, nothing is put in its place");
  await device.write(Buffer.from("x"));
  await device.finish();
});

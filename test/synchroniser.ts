// The two-way synchroniser of docs/examples/sync, run as the program that it is: against the
// server of the examples and Apache. synchroniser-kill.ts kills it, synchroniser-attacked.ts
// attacks it. Needs the build.
import * as fs from "node:fs";
import path from "node:path";
import t, { type Test } from "tap";
import { decide, type Base, type Decision } from "../docs/examples/sync/decide.js";
import { conflictName, faultOf } from "../docs/examples/sync/names.js";
import { pair } from "../docs/examples/sync/plan.js";
import { State } from "../docs/examples/sync/state.js";
import { startApache } from "./fixtures/real/apache.js";
import {
  folder,
  OWN,
  plant,
  replaceFile,
  run,
  runInNarrowness,
  serve,
  treeOf,
  type Tree,
} from "./fixtures/synchroniser.js";

const AWKWARD: Tree = {
  "plain.txt": "plain",
  "ä ö/100% [a];b=c.txt": "awkward",
  "ä ö/what?#1 & 'x'": "more",
  "empty/": "",
  "a/b/c/": "",
  "a/b/nothing": "",
  "blank ": "blank",
  "__proto__": "proto",
};

// ---- what it does ----

const PLACES: Record<string, (t: Test) => Promise<{ url: string; root: string } | null>> = {
  "the examples' own server": async (t) => {
    const { url, root } = await serve(t);
    return { url: `${url}/c/`, root: path.join(root, "c") };
  },
  Apache: async (t) => {
    const server = await startApache(t);
    if (server === null) return null;
    return { url: `${server.origin}/dav/c/`, root: path.join(server.root, "dav", "c") };
  },
};

for (const [name, begin] of Object.entries(PLACES)) {
  t.test(`two folders by way of ${name}`, async (t) => {
    const place = await begin(t);
    if (place === null) return void t.pass(`${name} is not installed`);
    const { url, root } = place;
    const [a, b] = [folder(t), folder(t)];
    plant(a, AWKWARD);
    const sync = async (where: string, code = 0): Promise<string> => {
      const ended = await run(where, url);
      t.equal(ended.err, "");
      t.equal(ended.code, code, ended.out);
      return ended.out;
    };
    const whole = treeOf(a);
    await sync(a);
    t.strictSame(treeOf(root), whole);
    await sync(b);
    t.strictSame(treeOf(b), whole);
    t.equal(await sync(a), "", "nothing is left to do");

    fs.writeFileSync(path.join(b, "plain.txt"), "from b");
    fs.rmSync(path.join(b, "ä ö"), { recursive: true });
    t.match(await sync(b), /^replace there: plain\.txt$[^]*^remove there: ä ö\/$/m);
    fs.writeFileSync(path.join(a, "plain.txt"), "from a");
    const said = await sync(a, 3);
    const [, other = ""] = /is now (.*)$/m.exec(said) ?? [];
    t.match(other, /^plain \(conflict .*\)\.txt$/);
    await sync(b);
    for (const side of [a, b, root]) {
      const tree = treeOf(side);
      t.equal(tree["plain.txt"], "from b");
      t.equal(tree[other], "from a");
      t.notOk("ä ö/" in tree);
      t.strictSame(tree, treeOf(root));
    }
    t.equal(await sync(a), "");

    fs.writeFileSync(path.join(b, "plain.txt"), "again from b");
    t.equal(await sync(b), "replace there: plain.txt\n");
    t.equal(await sync(a), "replace here: plain.txt\n", "what is old here is no conflict");
    t.equal(treeOf(a)["plain.txt"], "again from b");
    t.equal(await sync(a), "");
  });
}

t.test("a deletion counts only where the other side is unchanged", async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  plant(a, { x: "x", y: "y", "d/z": "z", kept: "" });
  await run(a, url);
  fs.rmSync(path.join(a, "x"));
  fs.rmSync(path.join(a, "d"), { recursive: true });
  replaceFile(path.join(server.root, "x"), "x2");
  replaceFile(path.join(server.root, "d", "new"), "new");
  fs.rmSync(path.join(server.root, "y"));
  fs.writeFileSync(path.join(a, "y"), "y22");
  t.equal((await run(a, url)).code, 0);
  t.equal((await run(a, url)).out, "");
  t.strictSame(treeOf(a), { kept: "", x: "x2", y: "y22", "d/": "", "d/new": "new" });
  t.strictSame(treeOf(server.root), treeOf(a));
});

t.test("a file that somebody writes just before it is replaced or removed stays", async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  plant(a, { x: "x", y: "y", kept: "" });
  await run(a, url);
  fs.writeFileSync(path.join(a, "x"), "mine");
  fs.rmSync(path.join(a, "y"));
  plant(a, { new: "mine" });
  server.server.prependListener("request", ({ method }: { method?: string }) => {
    // this runs before the server looks at its files
    if (method === "PUT") replaceFile(path.join(server.root, "x"), "theirs");
    if (method === "PUT") replaceFile(path.join(server.root, "new"), "theirs");
    if (method === "DELETE") replaceFile(path.join(server.root, "y"), "theirs");
  });
  const { code, out } = await run(a, url);
  t.equal(code, 3);
  t.match(out, /left: x: changed on the server meanwhile/);
  t.match(out, /left: new: /);
  const tree = treeOf(server.root);
  t.equal(tree["x"], "theirs");
  t.equal(tree["new"], "theirs");
  t.equal(tree["y"], "theirs");
  t.equal(treeOf(a)["x"], "mine");
});

t.test("a file whose ETag is weak while it is young is replaced a moment later", async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  plant(a, { x: "x", y: "y", kept: "" });
  await run(a, url);
  fs.writeFileSync(path.join(a, "x"), "x2");
  fs.rmSync(path.join(a, "y"));
  const young = new Set(["/x", "/y"]);
  server.server.prependListener("request", ({ method, url = "" }, res) => {
    if (method !== "PROPFIND" || !young.delete(url)) return;
    const write = res.write.bind(res);
    const weaken = (text: string): string => text.replace("<D:getetag>", "<D:getetag>W/");
    Object.assign(res, {
      write: (part: Buffer, done: () => void) => write(weaken(String(part)), done),
    });
  });
  const { code, out } = await run(a, url);
  t.equal(code, 0, out);
  t.strictSame(treeOf(server.root), { kept: "", x: "x2" });
  t.equal(young.size, 0, "both were asked for while they were young");
});

t.test("a server that takes an If without a lock for one that fails, as Go's does", async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  plant(a, { x: "x", y: "y", "d/z": "z" });
  await run(a, url);
  for (const name of ["x", "d/z"]) fs.rmSync(path.join(a, name));
  let refused = 0;
  server.server.prependListener("request", ({ method, headers, url = "" }) => {
    if (method !== "DELETE" || headers.if === undefined) return;
    headers["if-match"] = '"never"';
    refused++;
    if (url === "/d/z") replaceFile(path.join(server.root, "d", "z"), "theirs");
  });
  const { code, out } = await run(a, url);
  t.equal(code, 3);
  t.match(out, /^remove there: x$/m);
  t.match(out, /^left: d\/z: changed on the server meanwhile$/m);
  t.equal(refused, 2);
  t.strictSame(treeOf(server.root), { y: "y", "d/": "", "d/z": "theirs" });
});

t.test("a server whose listings tell no ETags", async (t) => {
  const server = await serve(t);
  const [a, b, url] = [folder(t), folder(t), `${server.url}/`];
  server.server.prependListener("request", ({ method }, res) => {
    if (method !== "PROPFIND") return;
    const write = res.write.bind(res);
    const tell = (text: string): string => text.replace(/<D:getetag>.*?<\/D:getetag>/g, "");
    Object.assign(res, {
      write: (part: Buffer, done: () => void) => write(tell(String(part)), done),
    });
  });
  plant(a, { x: "x", y: "y", "d/e/z": "z" });
  await run(a, url);
  await run(b, url);
  t.equal((await run(a, url)).out, "", "what it has is no new version");
  t.equal((await run(b, url)).out, "");
  fs.writeFileSync(path.join(b, "x"), "from b");
  fs.rmSync(path.join(b, "d"), { recursive: true });
  const { code, out } = await run(b, url);
  t.equal(code, 3);
  t.match(out, /^left: x: the server gives no strong ETag/m);
  t.notMatch(out, /conflict|ENOENT/);
  t.equal(treeOf(b)["x"], "from b");
  t.strictSame(treeOf(server.root), treeOf(a));
});

t.test("what cannot be read here is not gone", async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  plant(a, { x: "x", y: "y", "d/z": "z" });
  await run(a, url);
  const before = treeOf(server.root);
  const away = folder(t);
  plant(away, { secret: "secret" });
  fs.rmSync(path.join(a, "d"), { recursive: true });
  fs.symlinkSync(away, path.join(a, "d"));
  fs.rmSync(path.join(a, "y"));
  fs.symlinkSync(path.join(away, "secret"), path.join(a, "y"));
  const odd = Buffer.concat([Buffer.from(`${a}/odd`), Buffer.from([0xe4])]);
  fs.writeFileSync(odd, "odd");
  const { code, out } = await run(a, url);
  t.equal(code, 3);
  t.match(out, /^left: d: neither a file nor a folder$/m);
  t.match(out, /^left: odd.: the name is not UTF-8$/m);
  t.strictSame(treeOf(server.root), before);
  t.strictSame(treeOf(away), { secret: "secret" }, "nothing is written through a link");
});

const noLimit = process.platform === "linux" ? false : "the limit is in blocks of another size";

t.test("a file too large for this disk is left, the others come", { skip: noLimit }, async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  plant(a, { old: "old" });
  plant(server.root, { large: "x".repeat(1 << 20), small: "small" });
  const { code, out } = await runInNarrowness(128, a, url);
  t.equal(code, 3, out);
  t.match(out, /^left: large: Could not write to the file: .*EFBIG/m);
  t.strictSame(treeOf(a), { old: "old", small: "small" });
  t.equal((await run(a, url)).out, "create here: large\n");
});

t.test("a side that shows nothing at all is believed only when told so", async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  plant(a, { x: "x", y: "y" });
  await run(a, url);
  fs.rmSync(path.join(a, "x"));
  fs.rmSync(path.join(a, "y"));
  t.match(await run(a, url), { code: 1, err: /^sync: this folder shows none of the 2 files/ });
  t.strictSame(Object.keys(treeOf(server.root)), ["x", "y"]);
  t.equal((await run(a, url, "--emptied")).code, 0);
  t.strictSame(treeOf(server.root), {});
});

t.test("wrong uses, and two runs at once", async (t) => {
  const server = await serve(t);
  const [a, url] = [folder(t), `${server.url}/`];
  t.match(await run(), { code: 2, err: /usage/ });
  t.match(await run(a, "ftp://a/"), { code: 2 });
  t.match(await run(a, "http://me:secret@a/"), { code: 2, err: /^(?!.*secret)/ });
  t.match(await run(path.join(a, "none"), url), { code: 2, err: /there is no folder/ });
  t.match(await run("--help"), { code: 0, out: /Exit code/ });
  t.equal((await run(a, url)).code, 0);
  t.match(await run(a, `${url}other/`), { code: 1, err: /the folder belongs to / });
  fs.writeFileSync(path.join(a, OWN, "lock"), String(process.pid));
  t.match(await run(a, url), { code: 1, err: /is at work/ });
  fs.rmSync(path.join(a, OWN, "lock"));
  fs.writeFileSync(path.join(a, OWN, "state.json"), '{"format":1');
  t.match(await run(a, url), { code: 1, err: /is damaged/ });
});

// ---- how it decides ----

t.test("three versions, one decision", async (t) => {
  const base: Base = { hash: "h", version: '"1"', mark: "", pending: false };
  const begun = { ...base, pending: true };
  const rows: [Base | null, string | null, string | null, Decision][] = [
    [null, null, null, "nothing"],
    [null, "h", null, "create there"],
    [null, null, '"1"', "create here"],
    [null, "h", '"1"', "compare"],
    [base, "h", '"1"', "nothing"],
    [base, "h", 'W/"1"', "nothing"],
    [base, "i", '"1"', "replace there"],
    [base, "h", '"2"', "replace here"],
    [base, "i", '"2"', "compare"],
    [base, null, null, "forget"],
    [base, null, '"1"', "remove there"],
    [base, null, '"2"', "create here"],
    [base, "h", null, "remove here"],
    [base, "i", null, "create there"],
    [begun, "h", '"1"', "nothing"],
    [begun, "i", '"1"', "replace there"],
    [begun, "h", '"2"', "compare"],
    [begun, "h", null, "create there"],
    [begun, null, '"2"', "create here"],
  ];
  for (const [known, here, there, decision] of rows) {
    t.equal(decide(known, here, there), decision, JSON.stringify([known, here, there]));
  }
});

t.test("the state of a run that was killed", async (t) => {
  const file = path.join(folder(t), "state.json");
  const journal = `${file}.journal`;
  const base: Base = { hash: "h", version: '"1"', mark: "m", pending: false };
  const state = await State.load(file, "http://h/");
  await state.save();
  await state.setFile("a", base);
  await state.setFile("b", base);
  await state.setFolder("d");
  await state.begin("a");
  await state.forget("b");
  const killed = fs.readFileSync(journal);
  await state.save();
  t.notOk(fs.existsSync(journal), "what was saved needs no journal");
  const whole = fs.readFileSync(file);

  const shown = async (): Promise<unknown> => {
    const { files, folders } = await State.load(file, "http://h/");
    return [[...files], [...folders]];
  };
  const wanted = [[["a", { ...base, pending: true }]], ["d"]];
  t.strictSame(await shown(), wanted);
  fs.writeFileSync(journal, killed);
  t.strictSame(await shown(), wanted, "a journal that was saved already");
  fs.writeFileSync(file, '{"format":1,"url":"http://h/","files":{},"folders":[]}');
  t.strictSame(await shown(), wanted, "one that was not");
  fs.writeFileSync(journal, killed.subarray(0, -3));
  const cut = [[["a", { ...base, pending: true }], ["b", base]], ["d"]];
  t.strictSame(await shown(), cut, "the last line is cut short");
  fs.writeFileSync(journal, "{}\n");
  await t.rejects(shown(), /journal is damaged/);
  fs.rmSync(file);
  t.strictSame(await shown(), [[], []], "a journal without its state is none");
  t.notOk(fs.existsSync(journal));
  fs.writeFileSync(file, whole);
  t.strictSame(await shown(), wanted);
});

t.test("names", async (t) => {
  for (const name of ["", ".", "..", "a/b", "a\\b", "a\0", "a\udce4"]) t.ok(faultOf(name), name);
  for (const name of ["...", "a b", "ä", "-x", "%2e"]) t.equal(faultOf(name), null, name);
  const now = new Date(Date.UTC(2026, 10, 29, 12, 30, 5));
  t.equal(conflictName("a.b/c.d.txt", now, 1), "a.b/c.d (conflict 2026-11-29 12.30.05).txt");
  t.equal(conflictName("a.b/.profile", now, 2), "a.b/.profile (conflict 2026-11-29 12.30.05 2)");
});

t.test("a server that spells names in another case or form", async (t) => {
  const one = { hash: "h", mark: "m", young: false };
  const here = {
    files: new Map([["dir/a.txt", one], ["\u00e4", one], ["b", one], ["B", one]]),
    folders: new Map([["dir", "dir"]]),
    unknown: new Map<string, string>(),
  };
  const spelled = (...names: string[]): Map<string, { spelling: string; version: string }> =>
    new Map(names.map((spelling) => [spelling, { spelling, version: "1" }]));
  const there = {
    files: spelled("Dir/A.TXT", "Dir/new", "a\u0308", "B"),
    folders: new Map([["Dir", "Dir"]]),
    unknown: new Map<string, string>(),
  };
  const paired = pair(here, there, { files: new Map(), folders: new Set() });
  t.strictSame([...paired.files.keys()], ["dir/a.txt", "dir/new", "\u00e4", "B"]);
  t.equal(paired.files.get("dir/new")?.spelling, "Dir/new");
  t.strictSame([...paired.folders], [["dir", "Dir"]]);

  const several = { ...there, files: spelled("Dir/A.TXT", "Dir/a.TXT") };
  const apart = pair(here, several, { files: new Map(), folders: new Set() });
  t.strictSame([...apart.files.keys()], ["dir/A.TXT", "dir/a.TXT"], "none of several is dropped");
});

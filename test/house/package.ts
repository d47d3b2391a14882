// The package as a program sees it: what can be imported, how, and what cannot.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import t from "tap";
import { ROOT, filesBelow, readText } from "../fixtures/sources.js";

const run = promisify(execFile);

/** Runs a program in the project's folder, where `libneon` means the build in dist/. */
async function node(type: "module" | "commonjs", program: string): Promise<string> {
  const flags = ["--no-warnings", `--input-type=${type}`, "-e", program];
  const { stdout } = await run(process.execPath, flags, { cwd: ROOT });
  return stdout.trim();
}

const faces = filesBelow("lib", ".ts")
  .filter((file) => /^n[ex]_\w+\.ts$/.test(file))
  .map((file) => file.replace(".ts", ""));

t.test("every module can be imported alone", async (t) => {
  const program = `
    for (const name of ${JSON.stringify(faces)}) {
      try { await import("libneon/" + name); } catch (error) { console.log(name, error.message); }
    }`;
  t.equal(await node("module", program), "");
});

t.test("libneon has what its modules have", async (t) => {
  const program = `
    import * as all from "libneon";
    for (const name of ${JSON.stringify(faces)}) {
      for (const [key, value] of Object.entries(await import("libneon/" + name))) {
        if (all[key] !== value && !(name === "ne_acl" && key === "ne_acl_entry")) {
          console.log(name, key);
        }
      }
    }`;
  t.equal(await node("module", program), "");
});

t.test("what changes is seen to change", async (t) => {
  const program = `
    import { ne_debug_init, ne_debug_mask, NE_DBG_HTTP } from "libneon";
    import { ne_debug_mask as mask } from "libneon/ne_utils";
    console.log(ne_debug_mask, mask);
    ne_debug_init(process.stderr, NE_DBG_HTTP);
    console.log(ne_debug_mask === NE_DBG_HTTP, mask === NE_DBG_HTTP);`;
  t.equal(await node("module", program), "0 0\ntrue true");
});

t.test("a stack names lines of the sources", async (t) => {
  const program = `
    process.setSourceMapsEnabled(true);
    const { ne_session_create } = await import("libneon");
    try { ne_session_create("http", "", 5.5); } catch (error) { console.log(error.stack); }`;
  const stack = await node("module", program);
  const [, file, at] = /at ne_session_create \((\S+?):(\d+):\d+\)/.exec(stack) ?? [];
  t.equal(file, "../lib/ne_session.ts");
  const line = readText("lib/ne_session.ts").split("\n")[Number(at) - 1];
  t.match(line, /^ {2}\S/, "a line of its body");
});

t.test("what is compiled late says where it comes from, too", async (t) => {
  const program = `
    process.setSourceMapsEnabled(true);
    const { ne_xml_create, ne_xml_push_handler } = await import("libneon");
    try { ne_xml_push_handler(ne_xml_create(), 5); } catch (error) { console.log(error.stack); }`;
  const stack = await node("module", program);
  const [, file, at] = /at \S*ne_xml_push_handler \((\S+?):(\d+):\d+\)/.exec(stack) ?? [];
  t.equal(file, "../lib/ne_xml.ts");
  t.match(readText("lib/ne_xml.ts").split("\n")[Number(at) - 1], /^ {2}\S/, "a line of its body");
});

t.test("a program loads no TLS, XML or WebDAV before it needs that", async (t) => {
  const program = `
    import Module from "node:module";
    import { ne_session_create, ne_xml_create, nx_fetch } from "libneon";
    const late = () => Object.keys(Module._cache)
      .map((file) => file.split("/").at(-1)).filter((name) => name.endsWith(".cjs")).join();
    ne_session_create("http", "localhost", 80);
    const before = late();
    ne_xml_create();
    console.log([before, late()].join("|"), typeof nx_fetch);`;
  t.equal(await node("module", program), "|xml.cjs function");
});

t.test("the joined modules export what the separate ones do", async (t) => {
  const program = `
    const joined = await import("./dist/index.js");
    const separate = await import("./dist/modules/index.js");
    const names = new Set([...Object.keys(joined), ...Object.keys(separate)]);
    const shown = (value) => typeof value === "function" ? value.name : JSON.stringify(value);
    console.log([...names].filter((name) => shown(joined[name]) !== shown(separate[name])).join());`;
  t.equal(await node("module", program), "");
});

t.test("nothing inside can be reached", async (t) => {
  const inner = ["internal/base/handle", "internal/base/handle.js", "dist/ne_uri.js", "ne_uri.js", "index"];
  for (const name of inner) {
    const program = `
      await import("libneon/${name}").then(
        () => console.log("imported"),
        (error) => console.log(error.code),
      );`;
    t.match(await node("module", program), /^ERR_(PACKAGE_PATH_NOT_EXPORTED|MODULE_NOT_FOUND)$/);
  }
});

t.test("a CommonJS program requires it", async (t) => {
  const program = `console.log(typeof require("libneon").ne_session_create)`;
  t.equal(await node("commonjs", program), "function");
});

t.test("importing it starts nothing that keeps the process alive or writes", async (t) => {
  t.equal(await node("module", `import "libneon";`), "");
});

t.test("the package holds what a user needs and nothing else", async (t) => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: ROOT,
  });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const names = packed?.files.map((file) => file.path) ?? [];
  for (const name of ["dist/index.js", "dist/index.d.ts", "CHANGES", "README.md", "LICENSE"]) {
    t.ok(names.includes(name), name);
  }
  const strays = names.filter((name) => /^(test|lib|\.ci|node_modules|docs\/api)\//.test(name));
  t.strictSame(strays, []);
  t.match(JSON.parse(readText("package.json")), { type: "module", sideEffects: false });
});

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

t.test("nothing inside can be reached", async (t) => {
  const inner = ["internal/handle", "internal/handle.js", "dist/ne_uri.js", "ne_uri.js", "index"];
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

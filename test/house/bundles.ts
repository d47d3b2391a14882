// What a bundler makes of the package: it follows the `module` condition to the separate modules,
// and takes only what a program uses.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { installed } from "../fixtures/installed.js";
import { ROOT } from "../fixtures/sources.js";

const run = promisify(execFile);
const KB = 1000;

interface Bundle {
  /** Bytes, minified. */
  size: number;
  /** What the program prints when it is run. */
  prints: string;
  /** The files of the package that are in it. */
  files: string[];
}

const esbuild = installed("test/bench", "esbuild");
const skip = esbuild === null ? "esbuild could not be installed" : false;

/** Bundles a program, in a folder where `libneon` is the build in dist/, and runs it. */
async function bundle(folder: string, program: string): Promise<Bundle> {
  const modules = path.join(folder, "node_modules");
  mkdirSync(modules);
  symlinkSync(ROOT, path.join(modules, "libneon"));
  const [source, target, meta] = ["in.mjs", "out.mjs", "meta.json"].map((name) =>
    path.join(folder, name),
  ) as [string, string, string];
  writeFileSync(source, program);
  const flags = ["--bundle", "--minify", "--platform=node", "--format=esm", "--log-level=error"];
  await run(
    path.join(esbuild ?? "", "bin/esbuild"),
    [source, ...flags, `--outfile=${target}`, `--metafile=${meta}`],
    { cwd: folder },
  );
  const { stdout } = await run(process.execPath, [target], { cwd: folder });
  const { inputs } = JSON.parse(readFileSync(meta, "utf8")) as { inputs: Record<string, unknown> };
  return { size: readFileSync(target).length, prints: stdout.trim(), files: Object.keys(inputs) };
}

t.test("ne_uri_parse alone", { skip }, async (t) => {
  const { size, prints, files } = await bundle(
    t.testdir(),
    `import { ne_uri, ne_uri_parse } from "libneon";
     const uri = new ne_uri();
     console.log(ne_uri_parse("http://example.com:80/a", uri), uri.path);`,
  );
  t.equal(prints, "0 /a");
  t.ok(size <= 6 * KB, `${size} bytes`);
  t.notOk(files.some((file) => file.includes("/joined/")), "separate modules only");
});

t.test("nx_send", { skip }, async (t) => {
  const { size, prints } = await bundle(
    t.testdir(),
    `import { nx_send, nx_session_for } from "libneon";
     const sess = nx_session_for("http://127.0.0.1:1/");
     console.log((await nx_send(sess, "GET", "/", { timeout: 5 })).code);`,
  );
  t.equal(prints, "5", "NE_CONNECT");
  t.ok(size <= 170 * KB, `${size} bytes`);
});

t.test("entries that a program mixes share every handle", { skip }, async (t) => {
  const { prints } = await bundle(
    t.testdir(),
    `import { ne_session_create } from "libneon";
     import { ne_get_scheme } from "libneon/ne_session";
     import { nx_session_connected } from "libneon/nx_session";
     const sess = ne_session_create("http", "localhost", 80);
     console.log(ne_get_scheme(sess), nx_session_connected(sess));`,
  );
  t.equal(prints, "http false");
});

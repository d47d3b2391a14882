// The package as tools see it: publint finds nothing to say, and the compiler finds the types under
// every condition that it may be told of.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import ts from "typescript";
import { installed } from "../fixtures/installed.js";
import { filesBelow, readText, ROOT } from "../fixtures/sources.js";

const run = promisify(execFile);

const publint = installed("test/bench", "publint");
const skip = publint === null ? "publint could not be installed" : false;

t.test("publint", { skip }, async (t) => {
  const program = path.join(publint ?? "", "src/index-node.js");
  const { publint: lint } = (await import(pathToFileURL(program).href)) as {
    publint(options: object): Promise<{ messages: object[] }>;
  };
  const { messages } = await lint({ pkgDir: ROOT, level: "suggestion", strict: true, pack: false });
  t.strictSame(messages, []);
});

const entries = filesBelow("lib", ".ts")
  .filter((file) => /^(index|n[ex]_\w+)\.ts$/.test(file))
  .map((file) => file.replace(/\.ts$/, ""));

/** What is wrong with a program that uses the package, and the files that its imports lead to. */
function compile(
  folder: string,
  source: string,
  options: ts.CompilerOptions,
): { problems: string[]; found: string[] } {
  const file = path.join(folder, "program.ts");
  writeFileSync(file, source);
  const program = ts.createProgram([file], {
    ...{ noEmit: true, strict: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022 },
    ...{ lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"], types: ["node"] },
    typeRoots: [path.join(ROOT, "node_modules/@types")],
    ...options,
  });
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
  const found = program
    .getSourceFiles()
    .map(({ fileName }) => path.relative(ROOT, fileName))
    .filter((name) => name.startsWith("dist/"));
  return { problems, found };
}

const { ModuleKind, ModuleResolutionKind } = ts;
const KINDS: readonly [name: string, options: ts.CompilerOptions][] = [
  ["Node", { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext }],
  [
    "a bundler that follows `module`",
    {
      ...{ module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler },
      customConditions: ["module"],
    },
  ],
];

for (const [name, options] of KINDS) {
  t.test(`types for ${name}`, async (t) => {
    const folder = t.testdir();
    mkdirSync(path.join(folder, "node_modules"));
    symlinkSync(ROOT, path.join(folder, "node_modules/libneon"));
    writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
    const imports = entries
      .filter((entry) => entry !== "index")
      .map((entry) => `import * as ${entry} from "libneon/${entry}";\nvoid ${entry};\n`);
    const source =
      `import { ne_session_create, type ne_session as Session } from "libneon";\n${imports.join("")}` +
      `export const sess: Session = ne_session_create("http", "h", 80);\n` +
      `export const same: typeof ne_session_create = ne_session.ne_session_create;\n` +
      `// @ts-expect-error a port is a number\nne_session_create("http", "h", "80");\n`;
    const { problems, found } = compile(folder, source, options);
    t.strictSame(problems, []);
    t.ok(found.includes("dist/index.d.ts"));
    t.strictSame(found.filter((file) => !file.endsWith(".d.ts")), [], "types only");
  });
}

t.test("both conditions give the names that the types declare", async (t) => {
  const program = `
    for (const entry of ${JSON.stringify(entries)}) {
      const [joined, separate] = await Promise.all(
        ["dist", "dist/modules"].map((folder) => import("${ROOT}" + folder + "/" + entry + ".js")),
      );
      const names = (all) => Object.keys(all).sort().join(" ");
      if (names(joined) !== names(separate)) console.log(entry);
    }`;
  const flags = ["--no-warnings", "--input-type=module", "-e", program];
  const { stdout } = await run(process.execPath, flags, { cwd: ROOT });
  t.equal(stdout, "");
  const { exports } = JSON.parse(readText("package.json")) as {
    exports: Record<string, Record<string, string>>;
  };
  for (const [entry, conditions] of Object.entries(exports)) {
    t.equal(Object.keys(conditions)[0], "types", `${entry}: types come first`);
    for (const file of Object.values(conditions).map((name) => name.replace("*", "uri"))) {
      t.ok(readFileSync(path.join(ROOT, file.replace("nx_uri", "nx_session"))).length > 0, file);
    }
  }
});

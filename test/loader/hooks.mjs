// Loads TypeScript: an import of `x.js` finds `x.ts`, and what was compiled once is kept for
// the other test processes and the runs to come, until its text changes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.join(import.meta.dirname, "../..");
const KEPT = path.join(ROOT, "node_modules/.cache/libneon-tests");
const require = createRequire(import.meta.url);
const { version } = require("typescript/package.json");
const settings = readFileSync(path.join(ROOT, "tsconfig.json"), "utf8");

/** @type {import("node:module").ResolveHook} */
export async function resolve(specifier, context, nextResolve) {
  const isOurs = specifier.startsWith(".") && specifier.endsWith(".js");
  if (!isOurs || !context.parentURL?.endsWith(".ts")) return nextResolve(specifier, context);
  const { href } = new URL(specifier.replace(/\.js$/, ".ts"), context.parentURL);
  return { url: href, format: "module", shortCircuit: true };
}

/** @type {import("node:module").LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return nextLoad(url, context);
  const file = fileURLToPath(url);
  return { format: "module", source: compiled(file), shortCircuit: true };
}

/** The JavaScript of a file: what is kept of it ends with the hash that it was made from. */
function compiled(/** @type {string} */ file) {
  const text = readFileSync(file, "utf8");
  const mark = `\n// ${hashOf(`${version}\0${settings}\0${text}`)}\n`;
  const kept = path.join(KEPT, `${hashOf(file)}.mjs`);
  const before = existsSync(kept) ? readFileSync(kept, "utf8") : "";
  if (before.endsWith(mark)) return before;
  const source = compile(file, text) + mark;
  const made = `${kept}.${process.pid}`;
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(made, source);
  renameSync(made, kept);
  return source;
}

function hashOf(/** @type {string} */ text) {
  return createHash("sha1").update(text).digest("hex");
}

/** @param {string} file @param {string} text */
function compile(file, text) {
  /** @type {typeof import("typescript")} */
  const ts = require("typescript");
  const { config } = ts.parseConfigFileTextToJson("tsconfig.json", settings);
  const { target, verbatimModuleSyntax } = config.compilerOptions;
  const { options } = ts.convertCompilerOptionsFromJson(
    { target, verbatimModuleSyntax, module: "esnext", inlineSourceMap: true, inlineSources: true },
    ROOT,
  );
  return ts.transpileModule(text, { fileName: file, compilerOptions: options }).outputText;
}

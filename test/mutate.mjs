// npm run mutate -- FILES: asks whether the suite would notice a mistake. Each file of lib/ is
// changed in one place at a time, in a compiled copy of the project, and the tests that run the
// place are run, one process each, until one fails. Prints every change that no test noticed.
//   npm run mutate -- [--most 40] [--seed 1] [--tests 12] [--jobs 2] lib/internal/http/framing.ts
//   --most    changes a file at most, chosen by the seed
//   --tests   test files a change at most
//   --lines   only changes of these lines: 40-60
//   --with    these tests and no others, in this order, whatever they run: own,test/ne_auth.ts
//             ("own" is the file's, test/internal/… for lib/internal/…)
// A change that makes no difference, or that a later check makes good, is listed with its reason in
// test/survivors.json: { "lib/file.ts": { "the line // before → after": "reason" } }, as printed.
// Which test runs which place is measured once and kept in node_modules/.cache/libneon-mutate.json.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import ts from "typescript";

const ROOT = path.join(import.meta.dirname, "..");
const KNOWN = path.join(ROOT, "test/survivors.json");
const CACHE = path.join(ROOT, "node_modules/.cache/libneon-mutate.json");
/** A test that takes longer, in milliseconds, is not used. */
const SLOWEST = 45_000;
/** Of a test that was not measured. */
const UNKNOWN = 8000;

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    most: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    tests: { type: "string", default: "12" },
    jobs: { type: "string", default: "2" },
    lines: { type: "string", default: "1-99999" },
    with: { type: "string", default: "" },
  },
});

/**
 * A change: the text from `from` to `to` becomes `text`.
 * @typedef {{ from: number, to: number, text: string }} Mutant
 */

const SHIFTED = new Map([
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "==="],
  [ts.SyntaxKind.PlusToken, "-"],
  [ts.SyntaxKind.MinusToken, "+"],
]);

/**
 * The changes of one node.
 * @param {ts.Node} node @param {ts.SourceFile} source @returns {Mutant[]}
 */
function mutantsOf(node, source) {
  const replace = (/** @type {ts.Node} */ part, /** @type {string} */ text) => ({
    from: part.getStart(source),
    to: part.getEnd(),
    text,
  });
  if (ts.isIfStatement(node) || ts.isConditionalExpression(node)) {
    const condition = ts.isIfStatement(node) ? node.expression : node.condition;
    return [replace(condition, `!(${condition.getText(source)})`)];
  }
  if (ts.isBinaryExpression(node)) {
    const { operatorToken: operator, left, right } = node;
    const shifted = SHIFTED.get(operator.kind);
    if (shifted !== undefined) return [replace(operator, shifted)];
    if (/^(&&|\|\||\?\?)$/.test(operator.getText(source))) {
      return [replace(node, left.getText(source)), replace(node, right.getText(source))];
    }
  }
  if (ts.isExpressionStatement(node) && isEffect(node.expression)) return [replace(node, ";")];
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [replace(node, "false")];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [replace(node, "true")];
  if (ts.isNumericLiteral(node)) return [replace(node, `(${node.getText(source)} + 1)`)];
  return [];
}

/** Whether leaving the expression out still compiles. @param {ts.Expression} expression */
function isEffect(expression) {
  const inner = ts.isAwaitExpression(expression) ? expression.expression : expression;
  return ts.isCallExpression(inner) || ts.isBinaryExpression(inner);
}

/** All changes of a file, debug output left out. @param {string} text @returns {Mutant[]} */
function allMutants(text) {
  const source = ts.createSourceFile("", text, ts.ScriptTarget.ES2022, true);
  /** @type {Mutant[]} */
  const found = [];
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return;
    if (ts.isExpressionStatement(node) && /^(trace|debug)\w*\(/.test(node.getText(source))) return;
    found.push(...mutantsOf(node, source));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Some of them, always the same for a seed. @param {Mutant[]} mutants @returns {Mutant[]} */
function chosen(mutants) {
  let state = Number(options.seed) >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return mutants
    .map((mutant) => ({ mutant, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, Number(options.most))
    .map(({ mutant }) => mutant)
    .sort((a, b) => a.from - b.from);
}

/**
 * The project's files that one imports, itself included.
 * @param {string} file @param {Set<string>} seen
 */
function closureOf(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(path.join(ROOT, file))) return seen;
  seen.add(file);
  const { importedFiles } = ts.preProcessFile(readFileSync(path.join(ROOT, file), "utf8"));
  for (const { fileName } of importedFiles) {
    if (!fileName.startsWith(".")) continue;
    const target = path.posix.join(path.posix.dirname(file), fileName).replace(/\.js$/, ".ts");
    closureOf(target, seen);
  }
  return seen;
}

const tests = readdirSync(path.join(ROOT, "test"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .filter((file) => !/node_modules|^(fixtures|house|bench|nodes)/.test(file))
  .map((file) => ({ file: `test/${file}`, closure: closureOf(`test/${file}`) }));

/** The tests that import a file, those that import least first. @param {string} file */
function testsOf(file) {
  return tests
    .filter(({ closure }) => closure.has(file))
    .sort((a, b) => a.closure.size - b.closure.size)
    .map(({ file: name }) => name);
}

/** The tests that `--with` tells for a file. @param {string} file */
function told(file) {
  const own = file.replace(/^lib/, "test");
  return options.with
    .split(",")
    .map((name) => (name === "own" ? own : name))
    .filter((name, at, all) => existsSync(path.join(ROOT, name)) && all.indexOf(name) === at);
}

/** A TypeScript file as the copy runs it. @param {string} file */
function compiled(file) {
  const source = readFileSync(path.join(ROOT, file), "utf8");
  const { outputText, sourceMapText } = ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      sourceMap: true,
    },
  });
  return { text: outputText, map: new SourceMap(JSON.parse(sourceMapText ?? "{}")) };
}

/** A compiled copy of the project to change. */
function makeCopy() {
  const folder = mkdtempSync(path.join(os.tmpdir(), "libneon-mutate-"));
  const skip = /(^|\/)(node_modules|\.tap|\.git)(\/|$)/;
  for (const name of ["lib", "test", "docs", "dist", "package.json", "tsconfig.json"]) {
    if (!existsSync(path.join(ROOT, name))) continue;
    cpSync(path.join(ROOT, name), path.join(folder, name), {
      recursive: true,
      filter: (file) => !skip.test(path.relative(ROOT, file)),
    });
  }
  for (const name of ["lib", "test", "docs/examples"]) {
    for (const file of readdirSync(path.join(ROOT, name), { recursive: true, encoding: "utf8" })) {
      if (!/(?<!\.d)\.ts$/.test(file) || file.includes("node_modules")) continue;
      const { text } = compiled(path.join(name, file));
      writeFileSync(path.join(folder, name, file.replace(/\.ts$/, ".js")), text);
    }
  }
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  return folder;
}

/**
 * Runs one test in a copy; false when it fails or takes longer than `patience` milliseconds.
 * @param {string} folder @param {string} test @param {number} patience
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<boolean>}
 */
function passes(folder, test, patience, env = {}) {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [test.replace(/\.ts$/, ".js")],
      {
        cwd: folder,
        maxBuffer: 1 << 28,
        timeout: patience,
        killSignal: "SIGKILL",
        env: { ...process.env, TAP_BAIL: "1", ...env },
      },
      (error) => resolve(error === null),
    );
  });
}

/** @param {string} file */
const hashOf = (file) =>
  createHash("sha1").update(readFileSync(path.join(ROOT, file))).digest("base64").slice(0, 12);

/**
 * What a test does where nothing is changed: how long it takes in milliseconds (null: it fails),
 * and for each file of lib/ the parts that it does not run, as pairs of offsets.
 * @typedef {Record<string, { hash: string, parts: number[] }>} Idle
 * @typedef {{ hash: string, time: number | null, idle: Idle }} Run
 */
/** @type {Record<string, Run>} */
const runs = existsSync(CACHE) ? JSON.parse(readFileSync(CACHE, "utf8")) : {};

/**
 * The parts of one file that no process of a test ran.
 * @param {any[]} scripts @param {number} length
 */
function idleParts(scripts, length) {
  const ran = new Uint8Array(length);
  for (const { functions } of scripts) {
    const here = new Uint8Array(length);
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        here.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      }
    }
    here.forEach((one, at) => one === 1 && (ran[at] = 1));
  }
  const parts = [];
  for (let at = 0; at < length; at++) {
    if (ran[at] !== (at === 0 ? 1 : ran[at - 1])) parts.push(at);
  }
  return parts;
}

/** Measures a test. @param {string} folder @param {string} test @returns {Promise<Run>} */
async function measure(folder, test) {
  const written = mkdtempSync(path.join(os.tmpdir(), "libneon-mutate-run-"));
  const start = performance.now();
  const passed = await passes(folder, test, SLOWEST, { NODE_V8_COVERAGE: written });
  /** @type {Run} */
  const run = { hash: hashOf(test), time: passed ? performance.now() - start : null, idle: {} };
  /** @type {Map<string, any[]>} */
  const scripts = new Map();
  for (const name of passed ? readdirSync(written) : []) {
    for (const script of JSON.parse(readFileSync(path.join(written, name), "utf8")).result) {
      if (!script.url.startsWith("file:")) continue;
      const file = path.relative(folder, fileURLToPath(script.url)).replace(/\.js$/, ".ts");
      if (file.startsWith("lib/")) scripts.set(file, [...(scripts.get(file) ?? []), script]);
    }
  }
  for (const [file, of] of scripts) {
    const { length } = readFileSync(path.join(folder, file.replace(/\.ts$/, ".js")), "utf8");
    run.idle[file] = { hash: hashOf(file), parts: idleParts(of, length) };
  }
  rmSync(written, { recursive: true, force: true });
  runs[test] = run;
  mkdirSync(path.dirname(CACHE), { recursive: true });
  writeFileSync(CACHE, JSON.stringify(runs));
  return run;
}

/**
 * How long a test takes that runs a place of the unchanged file; null where it does not, or fails.
 * @param {string} folder @param {string} test @param {string} file @param {number} place
 */
async function timeThrough(folder, test, file, place) {
  if (options.with !== "") return UNKNOWN;
  let run = runs[test];
  const isCurrent =
    run?.hash === hashOf(test) && (run.idle[file]?.hash ?? hashOf(file)) === hashOf(file);
  if (run === undefined || !isCurrent) run = await measure(folder, test);
  const parts = run.idle[file]?.parts;
  if (run.time === null || parts === undefined) return null;
  return parts.filter((at) => at <= place).length % 2 === 0 ? run.time : null;
}

/**
 * Tests in the order in which they are likely to notice a change soon: the file's own, and what has
 * noticed much in little time. @param {string} file @param {Map<string, number>} noticed
 */
function likelyFirst(file, noticed) {
  const own = file.replace(/^lib/, "test");
  const rank = (/** @type {string} */ name) =>
    (1 + (noticed.get(name) ?? 0) + (name === own ? 20 : 0)) / Math.sqrt(runs[name]?.time ?? UNKNOWN);
  return [...noticed.keys()].sort((a, b) => rank(b) - rank(a));
}

/**
 * Whether a test notices a change.
 * @param {string} folder @param {string} file @param {Mutant} mutant
 * @param {Map<string, number>} names @param {string} text
 */
async function isNoticed(folder, file, mutant, names, text) {
  const target = path.join(folder, file.replace(/\.ts$/, ".js"));
  const { from, to, text: after } = mutant;
  let left = Number(options.tests);
  for (const name of options.with === "" ? likelyFirst(file, names) : names.keys()) {
    const time = await timeThrough(folder, name, file, from);
    if (time === null) continue;
    writeFileSync(target, text.slice(0, from) + after + text.slice(to));
    const passed = await passes(folder, name, Math.round(5000 + 4 * time));
    writeFileSync(target, text);
    if (!passed) {
      names.set(name, (names.get(name) ?? 0) + 1);
      return true;
    }
    if (--left === 0) return false;
  }
  return false;
}

const known = existsSync(KNOWN) ? JSON.parse(readFileSync(KNOWN, "utf8")) : {};
const copies = Array.from({ length: Number(options.jobs) }, makeCopy);
process.on("exit", () => copies.forEach((copy) => rmSync(copy, { recursive: true, force: true })));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(2));
const [firstLine = 0, lastLine = 0] = options.lines.split("-").map(Number);
let open = 0;
for (const file of files) {
  const { text, map } = compiled(file);
  const lineOf = (/** @type {Mutant} */ { from }) => {
    const before = text.slice(0, from).split("\n");
    const entry = map.findEntry(before.length - 1, before.at(-1)?.length ?? 0);
    return "originalLine" in entry ? entry.originalLine + 1 : 0;
  };
  const names = new Map((options.with === "" ? testsOf(file) : told(file)).map((name) => [name, 0]));
  const isAsked = (/** @type {Mutant} */ mutant) =>
    lineOf(mutant) >= firstLine && lineOf(mutant) <= lastLine;
  const queue = chosen(allMutants(text).filter(isAsked));
  const count = { mutants: queue.length, noticed: 0, explained: 0 };
  const work = async (/** @type {string} */ copy) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const { from, to, text: after } = mutant;
      const line = text.slice(text.lastIndexOf("\n", from) + 1).split("\n", 1)[0]?.trim();
      const change = `${line} // ${text.slice(from, to)} → ${after}`.replace(/\s+/g, " ");
      if (known[file]?.[change] !== undefined) count.explained++;
      else if (await isNoticed(copy, file, mutant, names, text)) count.noticed++;
      else console.log(`${file}:${lineOf(mutant)}: ${change}`);
    }
  };
  await Promise.all(copies.map(work));
  open += count.mutants - count.noticed - count.explained;
  console.log(
    `${file}: ${count.noticed} of ${count.mutants} noticed, ${count.explained} more explained`,
  );
}
process.exit(open === 0 ? 0 : 1);

// npm run mutate -- FILES: asks whether the suite would notice a mistake. Each file of lib/ is
// changed in one place at a time, in a copy of the project, and the tests that import it are run,
// the most specific first, until one fails. Prints every change that no test noticed.
//   npm run mutate -- [--most 40] [--seed 1] [--tests 8] lib/internal/http/framing.ts …
//   --most    changes a file at most, chosen by the seed
//   --tests   test files a change at most
// A change that makes no difference, or that a later check makes good, is listed with its reason in
// test/survivors.json: { "lib/file.ts": { "code before → code after": "reason" } }.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import ts from "typescript";

const ROOT = path.join(import.meta.dirname, "..");
const KNOWN = path.join(ROOT, "test/survivors.json");

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    most: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    tests: { type: "string", default: "8" },
    jobs: { type: "string", default: "2" },
  },
});

/** A change: the text from `from` to `to` becomes `text`. @typedef {{ from: number, to: number, text: string }} Mutant */

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

/** The changes of one node. @param {ts.Node} node @param {ts.SourceFile} source @returns {Mutant[]} */
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

/** The project's files that one imports, itself included. @param {string} file @param {Set<string>} seen */
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
  .filter((file) => file.endsWith(".ts") && !/node_modules|^fixtures|^house|^bench|^nodes/.test(file))
  .map((file) => ({ file: `test/${file}`, closure: closureOf(`test/${file}`) }));

/** The tests that import a file: its own first, then those that import least. @param {string} file */
function testsOf(file) {
  const own = file.replace(/^lib/, "test");
  return tests
    .filter(({ closure }) => closure.has(file))
    .sort((a, b) => Number(b.file === own) - Number(a.file === own) || a.closure.size - b.closure.size)
    .slice(0, Number(options.tests))
    .map(({ file: name }) => name);
}

/** A copy of the project to change. */
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
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  return folder;
}

/** Whether a test fails in the copy. @param {string} folder @param {string[]} names */
function isNoticed(folder, names) {
  const tap = path.join(ROOT, "node_modules/tap/dist/esm/run.mjs");
  const args = [tap, "--disable-coverage", "--bail", "--jobs=1", "--timeout=60", ...names];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 28 }, (error) => {
      resolve(error !== null);
    });
  });
}

const known = existsSync(KNOWN) ? JSON.parse(readFileSync(KNOWN, "utf8")) : {};
const copies = Array.from({ length: Number(options.jobs) }, makeCopy);
process.on("exit", () => copies.forEach((copy) => rmSync(copy, { recursive: true, force: true })));
let total = 0;
let noticed = 0;
let explained = 0;
for (const file of files) {
  const text = readFileSync(path.join(ROOT, file), "utf8");
  const names = testsOf(file);
  const queue = chosen(allMutants(text));
  const work = async (/** @type {string} */ copy) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const { from, to, text: after } = mutant;
      writeFileSync(path.join(copy, file), text.slice(0, from) + after + text.slice(to));
      total++;
      const change = `${text.slice(from, to)} → ${after}`.replace(/\s+/g, " ");
      if (await isNoticed(copy, names)) noticed++;
      else if (known[file]?.[change] !== undefined) explained++;
      else console.log(`${file}:${text.slice(0, from).split("\n").length}: ${change}`);
    }
    writeFileSync(path.join(copy, file), text);
  };
  await Promise.all(copies.map(work));
}
console.log(`${noticed} of ${total} noticed, ${explained} more explained`);
process.exit(noticed + explained === total ? 0 : 1);

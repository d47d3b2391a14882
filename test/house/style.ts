// How a source file is written: it opens with its job, its lines and functions end somewhere, and
// some of the language is left alone.
import t from "tap";
import ts from "typescript";
import { filesBelow, readText } from "../fixtures/sources.js";

const COLUMNS = 100;
const LINES_OF_A_FUNCTION = 70;

const sources = [
  ...filesBelow("lib", ".ts").map((file) => `lib/${file}`),
  "lib/join.mjs",
  ...filesBelow("lib/join", ".mjs").map((file) => `lib/join/${file}`),
  ...filesBelow("docs/examples", ".ts").map((file) => `docs/examples/${file}`),
  ...filesBelow("test", ".ts").map((file) => `test/${file}`),
];

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readText(file), ts.ScriptTarget.ES2022, true);
}

/** A line of a test may be as wide as the bytes that it holds. */
function isRow(line: string, file: string): boolean {
  return file.startsWith("test/") && /["'`\[{]/.test(line) && !/^\s*\/\//.test(line);
}

t.test("a file opens with its job", async (t) => {
  for (const file of sources) t.match(readText(file), /^(#!.*\n)?\/\/ \S/, file);
});

t.test(`lines are at most ${COLUMNS} columns wide`, async (t) => {
  for (const file of sources) {
    const wide = readText(file)
      .split("\n")
      .flatMap((line, at) => ([...line].length > COLUMNS && !isRow(line, file) ? [at + 1] : []));
    t.strictSame(wide, [], file);
  }
});

t.test(`functions of the library are at most ${LINES_OF_A_FUNCTION} lines long`, async (t) => {
  for (const file of sources.filter((name) => name.startsWith("lib/"))) {
    const source = parse(file);
    const long: string[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node)) {
        const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
        const to = source.getLineAndCharacterOfPosition(node.getEnd()).line;
        const name = node.name?.getText(source) ?? "a function";
        if (to - from + 1 > LINES_OF_A_FUNCTION) long.push(`${name} at line ${from + 1}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    t.strictSame(long, [], file);
  }
});

t.test("no default export, enum, decorator or top-level await", async (t) => {
  for (const file of sources.filter((name) => name.startsWith("lib/"))) {
    const found: string[] = [];
    const visit = (node: ts.Node, inFunction: boolean): void => {
      if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
        if (!ts.isDefaultClause(node.parent) && !ts.isDefaultClause(node)) found.push("default");
      }
      if (ts.isEnumDeclaration(node)) found.push("enum");
      if (ts.isDecorator(node)) found.push("decorator");
      if (ts.isAwaitExpression(node) && !inFunction) found.push("top-level await");
      const inside = inFunction || ts.isFunctionLike(node);
      ts.forEachChild(node, (child) => visit(child, inside));
    };
    visit(parse(file), false);
    t.strictSame(found, [], file);
  }
});

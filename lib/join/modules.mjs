// What the compiler wrote of each source file: which names it imports, declares and exports.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

export const DIST = path.join(import.meta.dirname, "..", "..", "dist");
/** The separate modules. */
export const MODULES = path.join(DIST, "modules");

/**
 * A name where it is declared: in a module's scope; outside of it, if it is a `let` that everyone
 * has to see change; or in one of Node's modules.
 * @typedef {{ file: string, local: string, kind: "function" | "value" | "let" | "builtin" }} Origin
 *
 * What the compiler wrote of one source file, and where each name comes from that it imports or
 * exports. `plain`: the statements that need nothing, by the names that they declare.
 * @typedef {{
 *   file: string, source: ts.SourceFile, needs: string[], declared: Map<string, Origin>,
 *   exports: Map<string, Origin>, plain: Map<ts.Statement, string[]>,
 * }} Module
 */

/** All that have been read. @type {Map<string, Module>} */
export const modules = new Map();

/** @template K, V @param {Map<K, V>} map @param {K} key @returns {V} */
export function known(map, key) {
  const value = map.get(key);
  if (value === undefined) throw new Error(`${key} is missing`);
  return value;
}

/** The variable of a module: `$internal_wire_tls`. @param {string} file */
export function variableOf(file) {
  return `$${file.replace(/\.js$/, "").replace(/\W/g, "_")}`;
}

/**
 * V8 keeps all of the text in memory, and twice as large for the sake of one arrow in a drawing.
 * The comments stay in the declarations and in the source map. @param {string} text
 */
function withoutComments(text) {
  /** @type {Map<number, number>} */
  const comments = new Map();
  const visit = (/** @type {ts.Node} */ node) => {
    const found = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
    for (const { pos, end } of found) comments.set(pos, end);
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile("", text, ts.ScriptTarget.ES2022);
  ts.forEachChild(source, visit);
  let code = "";
  let done = 0;
  for (const [pos, end] of [...comments].sort(([a], [b]) => a - b)) {
    code += text.slice(done, pos).replace(/ +$/, "") + linesOf(text.slice(pos, end));
    done = end;
  }
  return code + text.slice(done);
}

/** Empty lines, as many as a text has. @param {string} text */
export function linesOf(text) {
  return "\n".repeat(text.split("\n").length - 1);
}

/** Reads a module, and those that it imports. @param {string} file @returns {Module} */
export function read(file) {
  const before = modules.get(file);
  if (before !== undefined) return before;
  const text = withoutComments(fs.readFileSync(path.join(MODULES, file), "utf8"));
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  /** @type {Module} */
  const module = {
    ...{ file, source, needs: [], plain: new Map() },
    ...{ declared: new Map(), exports: new Map() },
  };
  modules.set(file, module);
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) readImport(statement, module);
    else declare(statement, module);
  }
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) readExport(statement, module);
  }
  return module;
}

/** The module that an import or export names. @param {ts.Expression} specifier
 * @param {Module} of */
function target(specifier, { file, needs }) {
  const { text } = /** @type {ts.StringLiteral} */ (specifier);
  if (!text.startsWith(".")) return text;
  const found = path.posix.join(path.posix.dirname(file), text);
  needs.push(found);
  return found;
}

/** What an import declares. @param {ts.ImportDeclaration} statement */
export function importedNames({ importClause }) {
  const { name, namedBindings } = importClause ?? {};
  const names = name === undefined ? [] : [{ wanted: "default", local: name.text }];
  if (namedBindings === undefined) return names;
  if (ts.isNamespaceImport(namedBindings)) {
    return [...names, { wanted: "default", local: namedBindings.name.text }];
  }
  const list = namedBindings.elements.map((one) => ({
    wanted: (one.propertyName ?? one.name).text,
    local: one.name.text,
  }));
  return [...names, ...list];
}

/** @param {ts.ImportDeclaration} statement @param {Module} module */
function readImport(statement, module) {
  const from = target(statement.moduleSpecifier, module);
  for (const { wanted, local } of importedNames(statement)) {
    module.declared.set(local, originOf(from, wanted));
  }
}

/** Where a name comes from that a module exports. @param {string} from @param {string} name */
function originOf(from, name) {
  if (from.includes(":")) {
    return /** @type {Origin} */ ({ file: from, local: name, kind: "builtin" });
  }
  return known(read(from).exports, name);
}

/** A statement that declares names, and exports them or not. @param {ts.Statement} statement
 * @param {Module} module */
function declare(statement, module) {
  const { file, declared, exports, plain } = module;
  const names = namesIn(statement);
  if (names.length === 0) return;
  const isExported = statement.getText().startsWith("export ");
  const isLet = statement.getText().startsWith("export let ");
  const kind = isLet ? "let" : ts.isFunctionDeclaration(statement) ? "function" : "value";
  if (isExported && kind === "value" && isPlain(statement, module)) plain.set(statement, names);
  for (const local of names) {
    /** @type {Origin} */
    const origin = { file, local, kind };
    declared.set(local, origin);
    if (isExported) exports.set(local, origin);
  }
}

/** @param {ts.Statement} statement */
function namesIn(statement) {
  const declarations = ts.isVariableStatement(statement)
    ? statement.declarationList.declarations
    : ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)
      ? [statement]
      : [];
  return declarations.flatMap(({ name }) => (name && ts.isIdentifier(name) ? [name.text] : []));
}

/**
 * Whether a statement is made of literals, and of names that such statements of its module declare.
 * @param {ts.Statement} statement @param {Module} module
 */
function isPlain(statement, { plain }) {
  const names = new Set([...plain.values()].flat());
  const isSimple = (/** @type {ts.Expression | undefined} */ value) => {
    if (value === undefined || ts.isLiteralExpression(value)) return true;
    if (ts.isIdentifier(value)) return names.has(value.text);
    return value.kind === ts.SyntaxKind.NullKeyword || /^-?\d+$/.test(value.getText());
  };
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.every(({ initializer }) => isSimple(initializer));
  }
  if (!ts.isClassDeclaration(statement) || statement.heritageClauses !== undefined) return false;
  return statement.members.every(
    (member) => ts.isPropertyDeclaration(member) && isSimple(member.initializer),
  );
}

/** @param {ts.ExportDeclaration} statement @param {Module} module */
function readExport({ moduleSpecifier, exportClause }, module) {
  const from = moduleSpecifier === undefined ? null : target(moduleSpecifier, module);
  if (exportClause === undefined) {
    for (const [name, origin] of read(/** @type {string} */ (from)).exports) {
      module.exports.set(name, origin);
    }
    return;
  }
  for (const one of /** @type {ts.NamedExports} */ (exportClause).elements) {
    const local = (one.propertyName ?? one.name).text;
    const origin = from === null ? known(module.declared, local) : originOf(from, local);
    module.exports.set(one.name.text, origin);
  }
}

// The last step of the build. The compiler writes one module for each source file; those go to
// dist/modules/ for bundlers, which take what a program uses. Node's loader takes half a
// millisecond for each of more than a hundred, so for Node they are joined into a few chunks along
// the floors of the house. In a chunk each module is a scope of its own, run in the order of the
// imports, which have no cycles (test/house/floors.ts):
//
//     const $internal_bytes = (() => { …; return { fromLatin1, … }; })();
//
// dist/index.js and dist/n?_x.js then only name what they export. Comments go, lines and columns of
// the code stay as they were, so the compiler's source maps are put together unread (ECMA-426,
// index map).
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

const DIST = path.join(import.meta.dirname, "..", "dist");
const MODULES = path.join(DIST, "modules");

/**
 * The chunks, each with the faces that it begins with: it holds these and what they import, as far
 * as no earlier chunk has it. A face alone loads its chunk and those before it.
 */
const CHUNKS = {
  text: ["ne_defs", "ne_alloc", "ne_string", "ne_uri", "ne_dates", "ne_md5", "ne_utils", "ne_i18n"],
  xml: ["ne_xml"],
  client: ["ne_xmlreq", "ne_207", "ne_basic", "ne_props", "ne_locks", "ne_acl", "ne_acl3744"],
  // all the others but those of the last
  script: [],
  late: ["nx_dav", "nx_transfer", "nx_locks", "nx_trace"],
};

/**
 * The chunk that is compiled when one of its functions is first called: V8 would spend a third of
 * the start on what many programs never use. Its faces export functions only, so each has a stub.
 */
const LATE = "late";

/**
 * A name where it is declared: the module's variable, and the name in that module. A `let` that is
 * exported lives outside its module's scope, so that everyone sees it change.
 * @typedef {{ module: string, local: string, changes: boolean }} Origin
 *
 * What the compiler wrote of one source file, with blanks for what only modules can say, and where
 * each name comes from that it imports or exports.
 * @typedef {{ code: string, imports: Map<string, Origin>, exports: Map<string, Origin> }} Module
 */

/**
 * A joined file: its modules in the order in which they run, and the names that it takes from Node
 * and from chunks before it.
 * @typedef {{ name: string, files: string[], builtins: Set<string>, needs: Set<string> }} Chunk
 */

/** By file, each after what it imports. @type {Map<string, Module>} */
const modules = new Map();
/**
 * Where a top-level name is declared: a module's variable, or a `let`.
 * @type {Map<string, Chunk>}
 */
const declared = new Map();
/** @type {Chunk[]} */
const chunks = [];
/** Node's own modules. @type {Set<string>} */
const builtins = new Set();

/** The chunk that is being put together. */
function current() {
  return /** @type {Chunk} */ (chunks.at(-1));
}

/** The variable of a module: `$internal_wire_tls`. @param {string} file */
function variableOf(file) {
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
    const lines = "\n".repeat(text.slice(pos, end).split("\n").length - 1);
    code += text.slice(done, pos).replace(/ +$/, "") + lines;
    done = end;
  }
  return code + text.slice(done);
}

/** Reads a module, and before it those that it imports. @param {string} file @returns {Module} */
function load(file) {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const text = withoutComments(fs.readFileSync(path.join(MODULES, file), "utf8"));
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
  const module = { code: "", imports: new Map(), exports: new Map() };
  let done = 0;
  for (const statement of source.statements) {
    const from = statement.getStart(source);
    const written = text.slice(from, statement.end);
    module.code += text.slice(done, from) + rewritten(statement, written, file, module);
    done = statement.end;
  }
  module.code += text.slice(done);
  modules.set(file, module);
  current().files.push(file);
  declared.set(variableOf(file), current());
  return module;
}

/**
 * A statement as it stands in the joined module, on as many lines.
 * @param {ts.Statement} statement @param {string} written @param {string} file
 * @param {Module} module
 */
function rewritten(statement, written, file, module) {
  const lines = "\n".repeat(written.split("\n").length - 1);
  if (ts.isImportDeclaration(statement)) return importing(statement, file, module) + lines;
  if (ts.isExportDeclaration(statement)) return exporting(statement, file, module) + lines;
  if (!written.startsWith("export ")) return written;
  const changes = written.startsWith("export let ");
  const declarations = ts.isVariableStatement(statement)
    ? statement.declarationList.declarations
    : [/** @type {ts.FunctionDeclaration | ts.ClassDeclaration} */ (statement)];
  for (const { name } of declarations) {
    const local = /** @type {ts.Identifier} */ (name).text;
    module.exports.set(local, { module: variableOf(file), local, changes });
    if (changes) declared.set(local, current());
  }
  // a `let` is declared outside
  return written.replace(changes ? /^export let/ : /^export/, (gone) => " ".repeat(gone.length));
}

/** The module that an import or export names. @param {ts.Node} specifier @param {string} file */
function target(specifier, file) {
  const { text } = /** @type {ts.StringLiteral} */ (specifier);
  if (text.startsWith(".")) return path.posix.join(path.posix.dirname(file), text);
  builtins.add(text);
  current().builtins.add(text);
  return text;
}

/** Where a name comes from that a module exports. @param {string} from @param {string} name */
function originOf(from, name) {
  if (builtins.has(from)) return { module: variableOf(from), local: name, changes: false };
  const origin = load(from).exports.get(name);
  if (origin === undefined) throw new Error(`${from} does not export ${name}`);
  return origin;
}

/** Notes that the current chunk uses what an earlier one may have declared. @param {string} name */
function need(name) {
  const from = declared.get(name);
  if (from !== undefined && from !== current()) current().needs.add(name);
}

/** @param {ts.ImportDeclaration} statement @param {string} file @param {Module} module */
function importing(statement, file, module) {
  const from = target(statement.moduleSpecifier, file);
  const { name, namedBindings } = statement.importClause ?? {};
  if (namedBindings !== undefined && ts.isNamespaceImport(namedBindings)) {
    return `const ${namedBindings.name.text} = ${variableOf(from)};`;
  }
  const names = (namedBindings?.elements ?? []).map((one) => ({
    wanted: (one.propertyName ?? one.name).text,
    local: one.name.text,
  }));
  if (name !== undefined) names.push({ wanted: "default", local: name.text });
  const constants = [];
  for (const { wanted, local } of names) {
    const origin = originOf(from, wanted);
    module.imports.set(local, origin);
    need(origin.changes ? origin.local : origin.module);
    if (!origin.changes) constants.push(`${local} = ${origin.module}.${origin.local}`);
    else if (local !== origin.local) throw new Error(`${file} renames ${origin.local}`);
  }
  return constants.length > 0 ? `const ${constants.join(", ")};` : "";
}

/** @param {ts.ExportDeclaration} statement @param {string} file @param {Module} module */
function exporting({ moduleSpecifier, exportClause }, file, module) {
  const from = moduleSpecifier === undefined ? null : target(moduleSpecifier, file);
  if (exportClause === undefined) {
    for (const [name, origin] of load(/** @type {string} */ (from)).exports) {
      module.exports.set(name, origin);
    }
    return "";
  }
  for (const one of /** @type {ts.NamedExports} */ (exportClause).elements) {
    const local = (one.propertyName ?? one.name).text;
    const own = { module: variableOf(file), local, changes: false };
    const origin = from === null ? (module.imports.get(local) ?? own) : originOf(from, local);
    module.exports.set(one.name.text, origin);
  }
  return "";
}

/** The scope of a module. @param {string} file @param {Module} module */
function scopeOf(file, { code, exports }) {
  const variable = variableOf(file);
  const own = [...exports.values()].filter((origin) => origin.module === variable);
  const changing = own.filter((origin) => origin.changes).map((origin) => `let ${origin.local};`);
  const constant = own.filter((origin) => !origin.changes).map((origin) => origin.local);
  const head = `${changing.join(" ")}\nconst ${variable} = (() => {\n`;
  return { head, text: `${head}${code}return { ${constant.join(", ")} };\n})();\n` };
}

/**
 * The names by which the joined module exports what the faces have: their own, but two of neon's
 * headers have an ne_acl_entry. @param {string[]} faces
 */
function publicNames(faces) {
  /** @type {Map<Origin, string>} */
  const names = new Map();
  const taken = new Set();
  for (const face of faces) {
    for (const [name, origin] of load(face).exports) {
      if (names.has(origin)) continue;
      const free = taken.has(name) ? `${origin.module}_${name}` : name;
      names.set(origin, free);
      taken.add(free);
    }
  }
  return names;
}

/** What is left of a face. @param {Module} module @param {Map<Origin, string>} names */
function faceOf({ exports }, names) {
  /** @type {Map<Chunk, string[]>} */
  const listed = new Map();
  for (const [name, origin] of exports) {
    const joined = names.get(origin);
    const chunk = chunkOf(origin);
    const before = listed.get(chunk) ?? [];
    listed.set(chunk, [...before, joined === name ? name : `${joined} as ${name}`]);
  }
  return [...listed]
    .map(([{ name }, list]) => `export { ${list.join(", ")} } from "./joined/${name}.js";\n`)
    .join("");
}

/** @param {Origin} origin */
function chunkOf({ module, local, changes }) {
  return /** @type {Chunk} */ (declared.get(changes ? local : module));
}

/** The imports of a chunk. @param {Chunk} chunk */
function importsOf({ builtins: own, needs }) {
  let code = "";
  for (const name of own) code += `import * as ${variableOf(name)} from "${name}";\n`;
  for (const other of chunks) {
    const taken = [...needs].filter((name) => declared.get(name) === other);
    if (taken.length > 0) code += `import { ${taken.join(", ")} } from "./${other.name}.js";\n`;
  }
  return code;
}

/**
 * The modules of a chunk behind what it begins with, and their source map.
 * @param {Chunk} chunk @param {string} start
 */
function sectionsOf(chunk, start) {
  let code = start;
  const sections = [];
  for (const file of chunk.files) {
    const { head, text } = scopeOf(file, /** @type {Module} */ (modules.get(file)));
    const map = JSON.parse(fs.readFileSync(path.join(MODULES, `${file}.map`), "utf8"));
    map.sources = [path.posix.join(path.posix.dirname(file), map.sources[0])];
    sections.push({ offset: { line: `${code}${head}`.split("\n").length - 1, column: 0 }, map });
    code += text;
  }
  return { code, sections };
}

/** What faces export of a chunk. @param {Chunk} chunk @param {Map<Origin, string>} names */
function exportsOf(chunk, names) {
  return [...names].filter(([origin]) => chunkOf(origin) === chunk);
}

/** A chunk, and its source map. @param {Chunk} chunk @param {Map<Origin, string>} names */
function joined(chunk, names) {
  const start = `// Modules of lib/, joined by lib/join.mjs.\n${importsOf(chunk)}`;
  let { code, sections } = sectionsOf(chunk, start);
  /** What it exports: for the chunks behind it, and for the faces. @type {Set<string>} */
  const exported = new Set();
  for (const [name, by] of declared) {
    if (by === chunk && chunks.some(({ needs }) => needs.has(name))) exported.add(name);
  }
  for (const [origin, name] of exportsOf(chunk, names)) {
    if (!origin.changes) code += `export const ${name} = ${origin.module}.${origin.local};\n`;
    else exported.add(origin.local === name ? name : `${origin.local} as ${name}`);
  }
  if (exported.size > 0) code += `export { ${[...exported].join(", ")} };\n`;
  write(`${chunk.name}.js`, code, sections);
}

/**
 * The late chunk: its modules as a function of what they need, and a stub for each function of its
 * faces. @param {Chunk} chunk @param {Map<Origin, string>} names
 */
function joinedLate(chunk, names) {
  const given = [...[...chunk.builtins].map(variableOf), ...chunk.needs].join(", ");
  const opening = "// Modules of lib/, joined by lib/join.mjs.";
  const start = `${opening}\nmodule.exports = ({ ${given} }) => {\n`;
  let { code, sections } = sectionsOf(chunk, start);
  let stubs = `import { createRequire } from "node:module";\n${importsOf(chunk)}`;
  stubs += "let late = null;\nfunction load() {\n";
  const required = `createRequire(import.meta.url)("./${LATE}.cjs")`;
  stubs += `return (late ??= ${required}({ ${given} }));\n}\n`;
  const functions = [];
  for (const [{ module, local, changes }, name] of exportsOf(chunk, names)) {
    const { code: text } = /** @type {Module} */ (modules.get(`${module.slice(1)}.js`));
    if (changes || !new RegExp(`\\bfunction\\*? ${local}\\b`).test(text)) {
      throw new Error(`${module} exports ${name}, which is no function`);
    }
    functions.push(`${name}: ${module}.${local}`);
    stubs += `export function ${name}(...args) { return load().${name}(...args); }\n`;
  }
  code += `return { ${functions.join(", ")} };\n};\n`;
  write(`${LATE}.cjs`, code, sections);
  fs.writeFileSync(path.join(DIST, "joined", `${LATE}.js`), stubs);
}

/** @param {string} name @param {string} code @param {object[]} sections */
function write(name, code, sections) {
  const file = path.join(DIST, "joined", name);
  fs.writeFileSync(file, `${code}//# sourceMappingURL=${name}.map\n`);
  // Node 20 reads no map without a list of sources
  const map = { version: 3, file: name, sources: [], sections };
  fs.writeFileSync(`${file}.map`, JSON.stringify(map));
}

/** Moves what the compiler wrote to the folder of the separate modules; declarations stay. */
function separateModules() {
  fs.rmSync(MODULES, { recursive: true, force: true });
  for (const file of fs.readdirSync(DIST, { recursive: true, encoding: "utf8" })) {
    if (!/^(internal\b.*|index|n[ex]_\w+)\.js(\.map)?$/.test(file)) continue;
    const target = path.join(MODULES, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.renameSync(path.join(DIST, file), target);
  }
}

/** @param {string} face */
function isLate(face) {
  return CHUNKS[LATE].includes(face.replace(".js", ""));
}

separateModules();
const faces = fs.readdirSync(MODULES).filter((file) => /^(index|n[ex]_\w+)\.js$/.test(file));
for (const [name, first] of Object.entries(CHUNKS)) {
  chunks.push({ name, files: [], builtins: new Set(), needs: new Set() });
  const others = faces.filter((face) => face !== "index.js" && !isLate(face));
  for (const face of first.length > 0 ? first.map((one) => `${one}.js`) : others) load(face);
}
load("index.js");
const names = publicNames(faces);
fs.rmSync(path.join(DIST, "joined"), { recursive: true, force: true });
fs.mkdirSync(path.join(DIST, "joined"));
for (const chunk of chunks) {
  if (chunk.name === LATE) joinedLate(chunk, names);
  else joined(chunk, names);
}
for (const face of faces) fs.writeFileSync(path.join(DIST, face), faceOf(load(face), names));

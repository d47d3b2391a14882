// The last step of the build. The compiler writes one module for each source file; those go to
// dist/modules/ for bundlers, which take what a program uses. Node's loader takes half a
// millisecond for each of more than two hundred, and V8 some milliseconds for each 100 KB, so for
// Node they are joined into a few chunks. In a chunk each module is a scope of its own, run in the
// order of the imports, which have no cycles (test/house/floors.ts):
//
//     const $internal_bytes = (function () { …; return { fromLatin1, … }; })();
//
// Two chunks are ES modules. The others are late: compiled when one of their functions is first
// called. In their place the ES module before them has a function of the same name, and what of
// their modules needs nothing (constants, classes of plain fields):
//
//     function judge(...args) { return $load_tls().judge(...args); }
//
// dist/index.js and dist/n?_x.js then only name what they export. Comments go, lines and columns of
// the code stay as they were, so the compiler's source maps are put together unread (ECMA-426,
// index map).
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import { DIST, MODULES, importedNames, known, linesOf } from "./join/modules.mjs";
import { modules, read, variableOf } from "./join/modules.mjs";
import { chunks, esmOf, isKept, placeAll, placeOf, publicNames } from "./join/places.mjs";

/**
 * @typedef {import("./join/modules.mjs").Module} Module
 * @typedef {import("./join/modules.mjs").Origin} Origin
 * @typedef {import("./join/places.mjs").Chunk} Chunk
 */

const OPENING = "// Modules of lib/, joined by lib/join.mjs.\n";

/** Names of functions that stand in for others. @type {Set<string>} */
const standIns = new Set();

/** The function that stands in for one of a late chunk. @param {Origin} origin
 * @param {Map<Origin, string>} names */
function stubOf(origin, names) {
  const { stubs } = placeOf(origin.file);
  const before = stubs.get(origin);
  if (before !== undefined) return before;
  const own = `${variableOf(origin.file)}_${origin.local}`;
  const isTaken = standIns.has(origin.local) || [...names.values()].includes(origin.local);
  const name = names.get(origin) ?? (isTaken ? own : origin.local);
  standIns.add(name);
  stubs.set(origin, name);
  return name;
}

/**
 * How a module of a chunk says a name that is declared elsewhere.
 * @param {Origin} origin @param {Chunk} chunk @param {Map<Origin, string>} names
 */
function expression(origin, chunk, names) {
  const { file, local, kind } = origin;
  if (kind === "builtin") {
    chunk.builtins.add(file);
    return local === "default" ? variableOf(file) : `${variableOf(file)}.${local}`;
  }
  const home = placeOf(file);
  if (home === chunk && kind !== "let" && !isKept(origin)) return `${variableOf(file)}.${local}`;
  if (isKept(origin)) return need(`${variableOf(file)}_kept`, esmOf(origin), chunk, local);
  if (kind === "let" && !chunk.late) return need(local, home, chunk);
  if (kind === "let") throw new Error(`a late module would not see ${local} change`);
  if (!home.late) return need(variableOf(file), home, chunk, local);
  if (kind === "function") return need(stubOf(origin, names), esmOf(origin), chunk);
  if (chunks.indexOf(home) > chunks.indexOf(chunk) || !chunk.late) {
    throw new Error(`${chunk.name} needs ${local} of ${file}, which is late and no function`);
  }
  chunk.opens.add(home);
  home.opened.add(variableOf(file));
  need(`$load_${home.name}`, /** @type {Chunk} */ (home.host), chunk);
  return `${variableOf(file)}.${local}`;
}

/** Notes that a chunk uses a name of another one. @param {string} name @param {Chunk} from
 * @param {Chunk} chunk @param {string} [property] */
function need(name, from, chunk, property) {
  if (chunks.indexOf(from) > chunks.indexOf(chunk.host ?? chunk)) {
    throw new Error(`${chunk.name} needs ${name} of ${from.name}, which comes after it`);
  }
  if (from !== chunk) chunk.needs.set(name, from);
  return property === undefined ? name : `${name}.${property}`;
}

/** The code of a module in its scope, on as many lines as it was. @param {Module} module
 * @param {Chunk} chunk @param {Map<Origin, string>} names */
function codeOf(module, chunk, names) {
  const { source, plain } = module;
  let code = "";
  let done = 0;
  for (const statement of source.statements) {
    const from = statement.getStart(source);
    const written = source.text.slice(from, statement.end);
    code += source.text.slice(done, from);
    done = statement.end;
    if (ts.isImportDeclaration(statement)) {
      code += importing(statement, module, chunk, names) + linesOf(written);
    } else if (ts.isExportDeclaration(statement)) code += linesOf(written);
    else if (chunk.late && plain.has(statement)) {
      const list = known(plain, statement).join(", ");
      code += `const { ${list} } = ${variableOf(module.file)}_kept;${linesOf(written)}`;
      need(`${variableOf(module.file)}_kept`, /** @type {Chunk} */ (chunk.host), chunk);
    } else code += written.replace(/^export (let)?/, (gone) => " ".repeat(gone.length));
  }
  return code + source.text.slice(done);
}

/** @param {ts.ImportDeclaration} statement @param {Module} module @param {Chunk} chunk
 * @param {Map<Origin, string>} names */
function importing(statement, { file, declared }, chunk, names) {
  const constants = importedNames(statement).flatMap(({ local }) => {
    const origin = known(declared, local);
    const said = expression(origin, chunk, names);
    if (said === local) return [];
    if (origin.kind === "let") throw new Error(`${file} renames ${origin.local}`);
    return [`${local} = ${said}`];
  });
  return constants.length > 0 ? `const ${constants.join(", ")};` : "";
}

/** The scope of a module. @param {string} file @param {Chunk} chunk
 * @param {Map<Origin, string>} names */
function scopeOf(file, chunk, names) {
  const module = known(modules, file);
  const own = [...module.exports.values()].filter((origin) => origin.file === file);
  const lets = own.filter(({ kind }) => kind === "let").map(({ local }) => `let ${local};`);
  const constant = own.filter((origin) => origin.kind !== "let" && !isKept(origin));
  const head = `${lets.join(" ")}\nconst ${variableOf(file)} = (function () {\n`;
  const list = constant.map(({ local }) => local).join(", ");
  const text = `${head}${codeOf(module, chunk, names)}return { ${list} };\n})();\n`;
  return { file, head, text };
}

/** What stands in an ES module for the late chunks behind it: plain things, functions.
 * @param {Chunk} chunk */
function standInsOf(chunk) {
  let code = "";
  for (const late of chunks.filter(({ host }) => host === chunk)) {
    for (const file of late.files) {
      const { plain } = known(modules, file);
      if (plain.size === 0) continue;
      const texts = [...plain.keys()].map((each) => each.getText().replace(/^export /, ""));
      const list = [...plain.values()].flat().join(", ");
      code += `const ${variableOf(file)}_kept = (function () {\n${texts.join("\n")}\n`;
      code += `return { ${list} };\n})();\n`;
    }
    const given = [...late.needs.keys()].join(", ");
    code += `let $${late.name} = null;\nfunction $load_${late.name}() {\n`;
    code += `return ($${late.name} ??= $require("./${late.name}.cjs")({ ${given} }));\n}\n`;
    for (const name of late.stubs.values()) {
      code += `function ${name}(...args) { return $load_${late.name}().${name}(...args); }\n`;
    }
  }
  if (code === "") return "";
  const { builtins } = chunk;
  builtins.add("node:module");
  return `const $require = $node_module.createRequire(import.meta.url);\n${code}`;
}

/** The modules of a chunk behind what it begins with, and their source map.
 * @param {string} start @param {Scope[]} scopes */
function sectionsOf(start, scopes) {
  let code = start;
  const sections = [];
  for (const { file, head, text } of scopes) {
    const map = JSON.parse(fs.readFileSync(path.join(MODULES, `${file}.map`), "utf8"));
    map.sources = [path.posix.join(path.posix.dirname(file), map.sources[0])];
    sections.push({ offset: { line: `${code}${head}`.split("\n").length - 1, column: 0 }, map });
    code += text;
  }
  return { code, sections };
}

/** The imports of an ES module: `import` would read all that a module of Node has.
 * @param {Chunk} chunk */
function importsOf({ builtins, needs }) {
  let code = "";
  for (const name of builtins) {
    code += `const ${variableOf(name)} = process.getBuiltinModule("${name}");\n`;
  }
  for (const other of chunks) {
    const taken = [...needs].filter(([, from]) => from === other).map(([name]) => name);
    if (taken.length > 0) code += `import { ${taken.join(", ")} } from "./${other.name}.js";\n`;
  }
  return code;
}

/** @typedef {{ file: string, head: string, text: string }} Scope */

/** @param {Chunk} chunk @param {Map<Origin, string>} names @param {Scope[]} scopes */
function writeEsm(chunk, names, scopes) {
  const inPlace = standInsOf(chunk);
  let { code, sections } = sectionsOf(OPENING + importsOf(chunk) + inPlace, scopes);
  /** What it exports: for the chunks behind it, and for the faces. @type {Set<string>} */
  const exported = new Set();
  for (const other of chunks) {
    if (other.late) continue;
    for (const [name, from] of other.needs) if (from === chunk) exported.add(name);
  }
  for (const [origin, name] of names) {
    if (esmOf(origin) !== chunk) continue;
    const { local, kind } = origin;
    const isStub = placeOf(origin.file).late && !isKept(origin);
    if (kind === "let") exported.add(local === name ? name : `${local} as ${name}`);
    else if (isStub && kind !== "function") throw new Error(`${name} is late and no function`);
    else if (isStub) exported.add(name);
    else code += `export const ${name} = ${expression(origin, chunk, names)};\n`;
  }
  if (exported.size > 0) code += `export { ${[...exported].join(", ")} };\n`;
  write(`${chunk.name}.js`, code, sections);
}

/** @param {Chunk} chunk @param {Scope[]} scopes */
function writeLate(chunk, scopes) {
  let start = `"use strict";\n${OPENING}`;
  for (const name of chunk.builtins) start += `const ${variableOf(name)} = require("${name}");\n`;
  // a function in parentheses is compiled at once; V8 looks through any other before it is called
  start += `module.exports = (function ({ ${[...chunk.needs.keys()].join(", ")} }) {\n`;
  for (const { name, opened } of chunk.opens) {
    start += `const { ${[...opened].join(", ")} } = $load_${name}();\n`;
  }
  const { code, sections } = sectionsOf(start, scopes);
  const functions = [...chunk.stubs].map(
    ([{ file, local }, name]) => `${name}: ${variableOf(file)}.${local}`,
  );
  const list = [...functions, ...chunk.opened].join(", ");
  write(`${chunk.name}.cjs`, `${code}return { ${list} };\n});\n`, sections);
}

/** @param {string} name @param {string} code @param {object[]} sections */
function write(name, code, sections) {
  const file = path.join(DIST, "joined", name);
  fs.writeFileSync(file, `${code}//# sourceMappingURL=${name}.map\n`);
  // Node 20 reads no map without a list of sources
  const map = { version: 3, file: name, sources: [], sections };
  fs.writeFileSync(`${file}.map`, JSON.stringify(map));
}

/** What is left of a face. @param {string} face @param {Map<Origin, string>} names */
function faceOf(face, names) {
  /** @type {Map<Chunk, string[]>} */
  const listed = new Map();
  for (const [name, origin] of read(face).exports) {
    const joined = known(names, origin);
    const chunk = esmOf(origin);
    const before = listed.get(chunk) ?? [];
    listed.set(chunk, [...before, joined === name ? name : `${joined} as ${name}`]);
  }
  return [...listed]
    .map(([{ name }, list]) => `export { ${list.join(", ")} } from "./joined/${name}.js";\n`)
    .join("");
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

/** Writes all chunks. @param {Map<Origin, string>} names */
function join(names) {
  // what they need of each other shows when they are put together
  const scopes = new Map(
    chunks.map((chunk) => [chunk, chunk.files.map((file) => scopeOf(file, chunk, names))]),
  );
  for (const origin of names.keys()) {
    if (placeOf(origin.file).late && !isKept(origin)) stubOf(origin, names);
  }
  for (const { host, needs } of chunks) {
    if (host === null) continue;
    for (const [name, from] of needs) need(name, from, host);
  }
  for (const chunk of chunks) {
    if (chunk.late) writeLate(chunk, known(scopes, chunk));
    else writeEsm(chunk, names, known(scopes, chunk));
  }
}

separateModules();
const faces = fs.readdirSync(MODULES).filter((file) => /^(index|n[ex]_\w+)\.js$/.test(file));
for (const face of faces) read(face);
placeAll();
fs.rmSync(path.join(DIST, "joined"), { recursive: true, force: true });
fs.mkdirSync(path.join(DIST, "joined"));
const names = publicNames(faces);
join(names);
for (const face of faces) fs.writeFileSync(path.join(DIST, face), faceOf(face, names));

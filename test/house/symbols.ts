// docs/symbols.md says of every name in neon's headers where it is, or why it is not: this holds
// the table against what the sources export, in both directions.
import path from "node:path";
import t from "tap";
import ts from "typescript";
import { ROOT, compilerOptions, filesBelow, readText } from "../fixtures/sources.js";

interface Row {
  header: string;
  name: string;
  kind: string;
  module: string;
  note: string;
}

/** The rows of the headers' tables, then those of names that C does not have. */
function readTable(): { fromC: Row[]; added: Row[] } {
  const fromC: Row[] = [];
  const added: Row[] = [];
  let header = "";
  for (const line of readText("docs/symbols.md").split("\n")) {
    if (line.startsWith("## ")) header = line.slice(3);
    const cells = line.split("|").map((cell) => cell.trim());
    const name = /^`(\w+)`$/.exec(cells[1] ?? "")?.[1];
    if (name === undefined) continue;
    if (header.endsWith(".h")) {
      const [, , kind = "", module = "", note = ""] = cells;
      fromC.push({ header, name, kind, module, note });
    } else {
      added.push({ header, name, kind: "", module: cells[2] ?? "", note: cells[3] ?? "" });
    }
  }
  return { fromC, added };
}

/** What each module exports: every name, and whether it exists at run time too. */
function readExports(): Map<string, Map<string, { value: boolean; text: string }>> {
  const files = filesBelow("lib", ".ts").filter((file) => !file.includes("/"));
  const roots = files.map((file) => path.join(ROOT, "lib", file));
  const program = ts.createProgram(roots, { ...compilerOptions(), noEmit: true });
  const checker = program.getTypeChecker();
  const modules = new Map<string, Map<string, { value: boolean; text: string }>>();
  for (const root of roots) {
    const names = new Map<string, { value: boolean; text: string }>();
    const source = program.getSourceFile(root);
    const module = source && checker.getSymbolAtLocation(source);
    for (const symbol of module ? checker.getExportsOfModule(module) : []) {
      const target =
        symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const at = target.declarations?.[0];
      names.set(symbol.name, {
        value: (target.flags & ts.SymbolFlags.Value) !== 0,
        text: at ? `${at.getSourceFile().fileName}:${at.pos}` : symbol.name,
      });
    }
    modules.set(path.basename(root, ".ts"), names);
  }
  return modules;
}

const { fromC, added } = readTable();
const modules = readExports();
const index = modules.get("index");
const VALUES = new Set(["function", "constant", "enum member", "variable", "macro"]);

t.test("the table is complete and says why", async (t) => {
  t.equal(fromC.length, 626, "names in neon's headers");
  for (const row of fromC.filter(({ module }) => module === "—")) {
    t.not(row.note, "", `${row.name} is not ported: why`);
  }
});

t.test("every ported name is exported where the table says, and by libneon", async (t) => {
  for (const { header, name, kind, module } of fromC) {
    if (module === "—") {
      t.notOk(modules.get(header.replace(".h", ""))?.has(name), `${name} is not exported`);
      continue;
    }
    t.equal(module, header.replace(".h", ""), `${name}: C decides where a name is public`);
    const found = modules.get(module)?.get(name);
    t.ok(found, `${module} exports ${name}`);
    if (VALUES.has(kind)) t.ok(found?.value, `${name} exists at run time`);
    if (module === "ne_acl" && name === "ne_acl_entry") continue;
    t.equal(index?.get(name)?.text, found?.text, `libneon exports the ${name} of ${module}`);
  }
});

t.test("libneon's ne_acl_entry is that of ne_acl3744", async (t) => {
  t.equal(index?.get("ne_acl_entry")?.text, modules.get("ne_acl3744")?.get("ne_acl_entry")?.text);
});

t.test("every exported name is in the table", async (t) => {
  const known = new Set([...fromC, ...added].map(({ name }) => name));
  for (const [module, names] of modules) {
    for (const name of names.keys()) t.ok(known.has(name), `${module} exports ${name}`);
  }
  for (const { name, module } of added) {
    t.ok(modules.get(module)?.has(name), `${module} exports ${name}`);
    t.ok(index?.has(name), `libneon exports ${name}`);
  }
});

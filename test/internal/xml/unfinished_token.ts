// A token cut into pieces: it ends where it would end in one, and costs what it is long.
import t from "tap";
import { isKept, KeptToken, type Kept } from "../../../lib/internal/xml/unfinished_token.js";

/** The token that begins a text which is cut there, and what is left; `null` if it never ends. */
function cutAt(kind: Kept, text: string, cut: number): [string, string] | null {
  const token = new KeptToken();
  token.begin(kind, text.slice(0, cut));
  for (let at = cut; at < text.length; at++) {
    const end = token.scan(text[at] as string, 0);
    if (end >= 0) {
      token.add(text.slice(at, at + end));
      return [token.take(), text.slice(at + end)];
    }
    token.add(text[at] as string);
  }
  return null;
}

t.test("ends, wherever it is cut", async (t) => {
  const rows: [kind: Kept, text: string, token: string][] = [
    ["tag", "<a b='>' c=\"'>\">x>", "<a b='>' c=\"'>\">"],
    ["tag", "<a b<c>", "<a b<"],
    ["tag", "<a b='<", "<a b='<"],
    ["reference", "&amp;x", "&amp;"],
    ["reference", "&#65;x", "&#65;"],
    ["reference", "&a x", "&a "],
    ["target", "p-1 d?>", "p-1"],
    ["stray", "word<a>", "word<"],
    ["stray", "'a b<' <", "'a b<' "],
    ["stray", '"a"b <', '"a"b '],
    ["doctype", "<!DOCTYPE a [<!ENTITY b '>]'>]>x", "<!DOCTYPE a [<!ENTITY b '>]'>]>"],
  ];
  for (const [kind, text, token] of rows) {
    for (let cut = 1; cut < token.length - 1; cut++) {
      t.strictSame(cutAt(kind, text, cut), [token, text.slice(token.length)], `${text} at ${cut}`);
    }
  }
});

t.test("no end yet", async (t) => {
  for (const [kind, text] of [["tag", "<a b='>"], ["stray", "'a b"], ["reference", "&am"],
    ["target", "xml"], ["doctype", "<!DOCTYPE a ["]] as const) {
    t.equal(cutAt(kind, text, 1), null, text);
  }
});

t.test("a token forgets the one before", async (t) => {
  const token = new KeptToken();
  token.begin("tag", "<a b='");
  token.add("x");
  t.equal(token.take(), "<a b='x");
  t.equal(token.take(), "");
  token.begin("tag", "<c");
  t.equal(token.scan(">", 0), 1, "no quote is left open");
});

t.test("pieces of every size come back in order, and their length has a limit", async (t) => {
  const token = new KeptToken();
  token.begin("tag", "<a");
  let wanted = "<a";
  for (let i = 0; i < 3000; i++) {
    const piece = String(i);
    wanted += piece;
    if (!token.add(piece)) return t.fail(`refused after ${wanted.length}`);
  }
  t.equal(token.take(), wanted);
  token.begin("tag", "<a");
  const large = "x".repeat(0x400_0000);
  t.strictSame([1, 2, 3, 4].map(() => token.add(large)), [true, true, true, false]);
});

t.test("states", async (t) => {
  for (const state of ["tag", "reference", "target", "doctype", "stray"]) t.equal(isKept(state), true);
  for (const state of ["text", "", "comment"]) t.equal(isKept(state), false);
});

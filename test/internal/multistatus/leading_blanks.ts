// What stands before the declaration of a document, in whatever pieces it comes.
import t from "tap";
import { LeadingBlanks } from "../../../lib/internal/multistatus/leading_blanks.js";
import { feeds } from "../../fixtures/feed.js";

function passed(pieces: readonly Uint8Array[]): string {
  const blanks = new LeadingBlanks();
  const all = [...pieces, new Uint8Array(0)].map((piece) => blanks.pass(piece));
  return Buffer.concat(all).toString();
}

const DOCUMENTS: readonly [document: string, passed: string][] = [
  ["<?xml?><a/>", "<?xml?><a/>"],
  ["\n\n<?xml?>\n<a/>\n", "<?xml?>\n<a/>\n"],
  ["\ufeff<?xml?>", "<?xml?>"],
  ["\r\n \t\ufeff\ufeff\n<?xml?>", "<?xml?>"],
  ["\n<a/>", "\n<a/>"],
  ["\n<", "\n<"],
  [" ", " "],
  ["\n\u00ef<?xml?>", "\n\u00ef<?xml?>"],
  ["x<?xml?>", "x<?xml?>"],
  ["", ""],
];

t.test("blanks before a declaration go, others stay", async (t) => {
  for (const [document, wanted] of DOCUMENTS) {
    for (const feed of feeds(Buffer.from(document))) {
      t.equal(passed(feed.pieces), wanted, `${JSON.stringify(document)}: ${feed.name}`);
    }
  }
});

t.test("endless blanks are not kept", async (t) => {
  const blanks = new LeadingBlanks();
  t.equal(blanks.pass(Buffer.alloc(4000, " ")).length, 0);
  t.equal(blanks.pass(Buffer.alloc(4000, " ")).length, 8000);
  t.equal(blanks.pass(Buffer.from("<?xml?>")).toString(), "<?xml?>");
});

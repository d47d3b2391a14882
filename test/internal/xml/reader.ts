// One document from bytes to events: stops and goes on, encodings, and the faults of no token.
import t from "tap";
import type { Encoding } from "../../../lib/internal/xml/encoding.js";
import { XmlReader } from "../../../lib/internal/xml/reader.js";
import { FAILED, MORE, STOPPED, type Listener } from "../../../lib/internal/xml/tokenizer.js";

/** Notes events, and stops after those that `stops` names. */
class Notes implements Listener {
  readonly events: string[] = [];
  constructor(readonly stops: (event: string) => boolean = () => false) {}
  startElement({ raw }: { raw: string }): number {
    return this.#note(`<${raw}>`);
  }
  characters(text: string): number {
    return this.#note(text);
  }
  endElement({ raw }: { raw: string }): number {
    return this.#note(`</${raw}>`);
  }
  #note(event: string): number {
    this.events.push(event);
    return this.stops(event) ? 1 : 0;
  }
}

function parse(
  pieces: readonly (string | Uint8Array)[],
  chosen: Encoding | null = null,
): { reader: XmlReader; result: number; events: string[] } {
  const notes = new Notes();
  const reader = new XmlReader(notes, chosen);
  let result = MORE;
  for (const piece of pieces) if (result === MORE) result = reader.parse(Buffer.from(piece));
  if (result === MORE) result = reader.end();
  return { reader, result, events: notes.events };
}

t.test("stopped after any event, it goes on where it was", async (t) => {
  const document = "<a>x<b/>y</a>";
  const all = parse([document]).events;
  t.strictSame(all, ["<a>", "x", "<b>", "</b>", "y", "</a>"]);
  const notes = new Notes(() => true);
  const reader = new XmlReader(notes, null);
  let result = reader.parse(Buffer.from(document));
  const seen: number[] = [];
  for (; result === STOPPED; result = reader.resume()) seen.push(notes.events.length);
  t.equal(result, MORE);
  t.strictSame(seen, [1, 2, 3, 4, 5, 6]);
  t.equal(reader.end(), MORE);
  t.strictSame(notes.events, all);
});

t.test("a block larger than a slice, stopped in each of them", async (t) => {
  const document = `<a>${"<b/>".repeat(5000)}</a>`;
  const notes = new Notes((event) => event === "<b>");
  const reader = new XmlReader(notes, null);
  let stops = 0;
  let result = reader.parse(Buffer.from(document));
  for (; result === STOPPED; result = reader.resume()) stops++;
  t.equal(result, MORE);
  t.equal(reader.end(), MORE);
  t.equal(stops, 5000);
  t.equal(notes.events.length, 10_002);
});

t.test("encodings, by declaration, mark and choice", async (t) => {
  const latin = Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><a>\xe4</a>', "latin1");
  const { reader, events } = parse([latin]);
  t.equal(reader.declaredEncoding, "iso-8859-1");
  t.strictSame(events, ["<a>", "ä", "</a>"]);
  t.strictSame(parse([Buffer.from("\ufeff<a>ä</a>", "utf16le")]).events, ["<a>", "ä", "</a>"]);
  t.strictSame(parse([Buffer.from("<a>\xe4</a>", "latin1")], "ISO-8859-1").events.at(1), "ä");
  t.equal(parse(["<a/>"]).reader.declaredEncoding, null);
});

t.test("faults", async (t) => {
  const rows: [name: string, pieces: (string | Uint8Array)[], fault: string, line: number][] = [
    ["nothing", [], "no element found", 1],
    ["an open element", ["<a>\n\n"], "no element found", 3],
    ["half a character at the end", [Buffer.from("<a/>\n\xc3", "latin1")], "partial character", 2],
    ["half a unit of UTF-16", [Buffer.from("\ufeff<a/>", "utf16le"), Buffer.from([0x20])],
      "unclosed token", 1],
    ["a byte that is no UTF-8", ["<a>\n", Buffer.from([0xff]), "</a>"],
      "not well-formed (invalid token)", 2],
    ["an unknown encoding", ['<?xml version="1.0" encoding="x-odd"?><a/>'], "unknown encoding", 1],
    ["a declaration that is wrong", ['<?xml version="1.0" encoding="utf-8" odd?><a/>'],
      "XML declaration not well-formed", 1],
    ["an open comment", ["<a/>\n<!--"], "unclosed token", 2],
  ];
  for (const [name, pieces, fault, line] of rows) {
    const { reader, result } = parse(pieces);
    t.equal(result, FAILED, name);
    t.match(reader, { fault, line }, name);
  }
});

t.test("what follows a fault is not read", async (t) => {
  const notes = new Notes();
  const reader = new XmlReader(notes, null);
  t.equal(reader.parse(Buffer.from("<a><b></a>")), FAILED);
  t.equal(reader.resume(), FAILED);
  t.strictSame(notes.events, ["<a>", "<b>"]);
});

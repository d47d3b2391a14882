// Names as bytes and as text, beside the decoder of the platform.
import t from "tap";
import { nameBytes, nameText } from "../../../lib/internal/base/name_bytes.js";

t.test("every sequence of two bytes goes there and back", async (t) => {
  const seen = new Set<string>();
  let same = 0;
  for (let pair = 0; pair < 65_536; pair++) {
    const bytes = Buffer.of(pair >> 8, pair & 255);
    const text = nameText(bytes);
    seen.add(text);
    if (nameBytes(text)?.equals(bytes)) same++;
  }
  t.equal(same, 65_536);
  t.equal(seen.size, 65_536);
});

t.test("what is UTF-8 is its characters", async (t) => {
  for (const text of ["", "a", "\u00e4\u20ac\u{1f600}", "\ufeffa", "\u{10ffff}", "\ud7ff\ue000"]) {
    t.equal(nameText(Buffer.from(text)), text);
    t.same(nameBytes(text), Buffer.from(text));
    t.equal(nameText(Buffer.concat([Buffer.from(text), Buffer.of(0xff)])), `${text}\udcff`);
  }
});

t.test("what only looks like UTF-8 is bytes", async (t) => {
  for (const hex of ["c080", "e0809f", "f0808080", "eda080", "f4908080", "f5808080", "e282", "80"]) {
    const bytes = Buffer.from(hex, "hex");
    const text = [...bytes].map((byte) => String.fromCharCode(0xdc00 + byte)).join("");
    t.equal(nameText(bytes), text, hex);
    t.same(nameBytes(text), bytes, hex);
  }
});

t.test("other halves of characters stand for nothing", async (t) => {
  for (const text of ["\ud800", "\udc00", "\udc7f", "\udd00", "a\udfff", "\ud800\ud800"]) {
    t.equal(nameBytes(text), null);
  }
});

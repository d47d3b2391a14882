// Distinguished names: each type of string as the C library shows it (recorded from it), the order
// of parts, and comparison.
import t from "tap";
import { element } from "../../../lib/internal/asn1/ber.js";
import { Der, orNull } from "../../../lib/internal/asn1/der.js";
import {
  commonName,
  entryText,
  parseName,
  readableName,
  sameName,
  type Name,
} from "../../../lib/internal/asn1/name.js";

const OIDS = { CN: "550403", O: "55040a", OU: "55040b", C: "550406", mail: "2a864886f70d010901" };
type Attribute = [oid: keyof typeof OIDS, tag: number, value: string | Buffer];

function entry([oid, tag, value]: Attribute): Buffer {
  const type = element(0x06, Buffer.from(OIDS[oid], "hex"));
  return element(0x30, Buffer.concat([type, element(tag, Buffer.from(value))]));
}

// each argument is one RDN
function nameDer(...rdns: Attribute[][]): Buffer {
  return element(
    0x30,
    Buffer.concat(rdns.map((rdn) => element(0x31, Buffer.concat(rdn.map(entry))))),
  );
}

function name(...rdns: Attribute[][]): Name | null {
  return orNull(() => parseName(new Der(nameDer(...rdns)).element()));
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const bmp = (...units: number[]): Buffer => Buffer.from(units.flatMap((u) => [u >> 8, u & 255]));
const universal = (...codes: number[]): Buffer =>
  Buffer.from(codes.flatMap((c) => [c >>> 24, (c >> 16) & 255, (c >> 8) & 255, c & 255]));

// what C neon shows for an organization of this type and value; null: it refuses the certificate
const SHOWN: readonly [tag: number, value: string | Buffer, shown: string | null, why: string][] = [
  [0x16, 'a@b <c> "d"\\', 'a@b <c> "d"\\', "IA5: nothing printable is escaped"],
  [0x16, latin1("a\tb\x01\x7f\xff"), "a\\x09b\\x01\\x7f\\xff", "IA5: the rest is"],
  [0x16, "abc\0def", "abc\\x00def", "IA5: zero byte"],
  [0x13, latin1("a\tb\xe9\0"), "a\\x09b\\xe9\\x00", "Printable: as IA5"],
  [0x14, latin1("a\tb\xe9"), "a\tbé", "T61: Latin-1"],
  [0x14, "abc\0def", "???", "T61: zero byte"],
  [0x0c, "Ärger €\t\u202e", "Ärger €\t\u202e", "UTF8: as it is"],
  [0x0c, "😀", "😀", "UTF8: four bytes"],
  [0x0c, "\ufeffa", "\ufeffa", "UTF8: a byte order mark is a character"],
  [0x0c, "abc\0def", "???", "UTF8: zero byte"],
  [0x0c, latin1("abc\xff\xfe"), null, "UTF8: not well-formed"],
  [0x0c, latin1("\xed\xa0\x80"), null, "UTF8: half a surrogate pair"],
  [0x0c, latin1("\xc0\xaf"), null, "UTF8: overlong"],
  [0x0c, latin1("\xf4\x90\x80\x80"), null, "UTF8: beyond Unicode"],
  [0x1e, bmp(0x6771, 0x4eac), "東京", "BMP"],
  [0x1e, bmp(0x41, 0), "???", "BMP: zero character"],
  [0x1e, bmp(0xffff), "\uffff", "BMP: no character"],
  [0x1e, bmp(0xd83d, 0xde00), null, "BMP: surrogates"],
  [0x1e, "abc", null, "BMP: odd length"],
  [0x1c, universal(0x1f600), "😀", "Universal"],
  [0x1c, universal(0x41, 0), "???", "Universal: zero character"],
  [0x1c, universal(0x110000), null, "Universal: beyond Unicode"],
  [0x1c, universal(0xd800), null, "Universal: half a surrogate pair"],
  [0x1c, "abc", null, "Universal: odd length"],
  [0x12, "12345", "???", "Numeric"],
  [0x03, Buffer.from([0, 1]), "???", "bit string"],
  [0x30, "anything", "???", "sequence"],
  [0x1a, "visible", null, "Visible: not for names"],
  [0x1b, "general", null, "General: not for names"],
  [0x04, "octets", null, "octets: not for names"],
  [0x02, Buffer.from([1]), null, "integer: not for names"],
];

t.test("string_types", async (t) => {
  for (const [tag, value, shown, why] of SHOWN) {
    const parsed = name([["O", tag, value]]);
    t.equal(parsed === null ? null : readableName(parsed), shown, why);
  }
});

const cn: Attribute = ["CN", 0x0c, "the name"];
const mail: Attribute = ["mail", 0x16, "a@b"];
const o: Attribute = ["O", 0x0c, "Widgets"];
const ou: Attribute = ["OU", 0x0c, "Unit"];

const ORDERS: readonly [rdns: Attribute[][], shown: string, why: string][] = [
  [[], "", "an empty name"],
  [[[o], [ou]], "Unit, Widgets", "last one first"],
  [[[cn], [o], [ou]], "Unit, Widgets", "common name left out"],
  [[[o], [cn], [mail]], "Widgets", "e-mail left out"],
  [[[cn]], "the name", "nothing but a common name"],
  [[[mail]], "a@b", "nothing but an e-mail address"],
  [[[cn], [mail]], "the name", "both: only the first"],
  [[[mail], [cn]], "a@b", "both the other way round"],
  [[[cn], [cn], [cn]], "the name", "three common names"],
  [[[o, ou], [cn]], "Unit, Widgets", "several attributes in one part"],
  [[[o], []], "Widgets", "an empty part"],
  [[["CN", 0x12, "1"] as Attribute].map((a) => [a]), "???", "a common name that cannot be shown"],
];

t.test("order_of_parts", async (t) => {
  for (const [rdns, shown, why] of ORDERS) t.equal(readableName(name(...rdns) as Name), shown, why);
});

const SAME: readonly [one: Attribute, other: Attribute, same: boolean, why: string][] = [
  [["O", 0x0c, "Größe"], ["O", 0x14, latin1("Größe")], true, "types of string do not count"],
  [["O", 0x0c, "Größe"], ["O", 0x1e, bmp(71, 114, 246, 223, 101)], true, "nor BMP"],
  [["O", 0x0c, "  A   B "], ["O", 0x13, "a b"], true, "nor case of ASCII and blanks"],
  [["O", 0x0c, "Ä"], ["O", 0x0c, "ä"], false, "case of other letters does"],
  [["O", 0x0c, "ÄBC"], ["O", 0x0c, "Äbc"], true, "ASCII letters beside others"],
  [["O", 0x0c, "a"], ["OU", 0x0c, "a"], false, "other attribute"],
  [["O", 0x0c, "a,b"], ["O", 0x0c, "a"], false, "a comma is text"],
  [["O", 0x12, "1"], ["O", 0x0c, "1"], false, "Numeric is compared with its type"],
];

t.test("comparison", async (t) => {
  for (const [one, other, same, why] of SAME) {
    t.equal(sameName(name([one]) as Name, name([other]) as Name), same, why);
  }
  t.equal(sameName(name([o], [ou]) as Name, name([o, ou]) as Name), false, "parts count");
  const two = name([["O", 0x0c, "a"]], [["OU", 0x0c, "b"]]) as Name;
  for (const text of ["a,2.5.4.11=1:b", "a,2.5.4.11=b", "a,ou=b"]) {
    t.equal(sameName(two, name([["O", 0x0c, text]]) as Name), false, `${text} is one text`);
  }
  t.equal(
    sameName(name([o, ou]) as Name, name([ou, o]) as Name),
    true,
    "order inside a part does not",
  );
});

t.test("last_common_name_counts", async (t) => {
  const found = commonName(name([cn], [o], [["CN", 0x0c, "last"]], [ou]) as Name);
  t.equal(found === null ? null : entryText(found), "last");
  t.equal(commonName(name([o]) as Name), null);
});

t.test("hostile_names", async (t) => {
  const whole = nameDer([o], [cn], [mail]);
  for (let cut = 0; cut < whole.length; cut += 1) {
    t.equal(
      orNull(() => parseName(new Der(whole.subarray(0, cut)).element())),
      null,
      `cut ${cut}`,
    );
  }
  t.equal(name(...Array.from({ length: 1001 }, () => [o])), null, "more parts than any name has");
});

t.test("malformed: a million blanks cost linear time", async (t) => {
  const value = `a${" ".repeat(1_000_000)}b`;
  const long = name([["CN", 0x0c, value]]) as Name;
  t.ok(sameName(long, name([["CN", 0x0c, "A b"]]) as Name));
});

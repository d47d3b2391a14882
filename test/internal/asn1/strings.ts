// Text of every string type, as OpenSSL converts it, and bytes that are none of their type.
import t from "tap";
import { TAG } from "../../../lib/internal/asn1/der.js";
import { decodeBmp, decodeString } from "../../../lib/internal/asn1/strings.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

t.test("strings", async (t) => {
  const rows = [
    ["UTF-8", TAG.UTF8, "c3a4e282acf09f9880", "ä€😀"],
    ["UTF-8 cut off", TAG.UTF8, "c3", null],
    ["UTF-8, too long for its character", TAG.UTF8, "c080", null],
    ["UTF-8, half a pair", TAG.UTF8, "eda080", null],
    ["printable", TAG.PRINTABLE, "4142", "AB"],
    ["T61 is taken for Latin-1", TAG.T61, "41e4", "Aä"],
    ["IA5 with a high bit", TAG.IA5, "41e4", "Aä"],
    ["visible", TAG.VISIBLE, "4142", "AB"],
    ["BMP", TAG.BMP, "0041 20ac", "A€"],
    ["BMP of an odd length", TAG.BMP, "0041 20", null],
    ["BMP has no pairs", TAG.BMP, "d83d de00", null],
    ["universal", TAG.UNIVERSAL, "00000041 0001f600", "A😀"],
    ["universal of an odd length", TAG.UNIVERSAL, "000000", null],
    ["universal, no character", TAG.UNIVERSAL, "00110000", null],
    ["universal, the last character", TAG.UNIVERSAL, "0010ffff", "\u{10ffff}"],
    ["universal, half a pair", TAG.UNIVERSAL, "0000d800", null],
    ["universal, the other half", TAG.UNIVERSAL, "0000dfff", null],
    ["universal, behind the halves", TAG.UNIVERSAL, "0000e000", "\ue000"],
    ["numbers are no text of letters", TAG.NUMERIC, "3132", null],
    ["octets are none", TAG.OCTET_STRING, "4142", null],
    ["nothing", TAG.UTF8, "", ""],
  ] as const;
  for (const [name, tag, bytes, text] of rows) t.equal(decodeString(tag, hex(bytes)), text, name);
});

t.test("names of PKCS#12 may hold pairs, and the bytes stay as they are", async (t) => {
  const bytes = hex("0041 d83d de00");
  t.equal(decodeBmp(bytes), "A😀");
  t.same(bytes, hex("0041 d83d de00"));
  t.equal(decodeBmp(hex("00")), null);
  t.equal(decodeBmp(hex("")), "");
});

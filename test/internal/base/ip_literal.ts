// internal/base/ip_literal.ts: texts that are addresses, and texts that only look like them.
import net from "node:net";
import t from "tap";
import { parseIPv4, parseIPv6 } from "../../../lib/internal/base/ip_literal.js";

t.test("an address is its bytes", async (t) => {
  t.strictSame(parseIPv4("0.0.0.255"), Buffer.from([0, 0, 0, 255]));
  const mapped = Buffer.from("00000000000000000000ffff01020304", "hex");
  for (const text of ["::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:0102:0304"]) {
    t.strictSame(parseIPv6(text), mapped, text);
  }
});

t.test("texts that are not address literals", async (t) => {
  const rows: [text: string, why: string][] = [
    ["010.0.0.1", "octal to some"],
    ["1.2.3", "the short forms of inet_aton"],
    ["1.2.3.4.5", "too long"],
    ["1.2.3.256", "no byte"],
    ["1.2.3.4::", "IPv4 in front"],
    ["1::2::3", "two gaps"],
    ["1:2:3:4:5:6:7:8::", "a gap of nothing"],
    ["::12345", "more than two bytes"],
    ["::1%lo", "a scope"],
    ["[::1]", "brackets"],
    [":1:2:3:4:5:6:7", "a single colon first"],
    ["", "nothing"],
  ];
  for (const [text, why] of rows) t.strictSame([parseIPv4(text), parseIPv6(text)], [null, null], why);
});

t.test("Node thinks the same of any text", async (t) => {
  const pieces = ["0", "1", "::", ":", "ffff", "1.2.3.4", "01", "255", "256", ".", "G", "12345"];
  let seed = 11;
  const next = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return (seed >> 8) % below;
  };
  const odd: string[] = [];
  for (let i = 0; i < 5000; i++) {
    const between = [":", "", "."][next(3)];
    const text = Array.from({ length: 1 + next(9) }, () => pieces[next(pieces.length)]).join(between);
    if ((parseIPv4(text) !== null) !== net.isIPv4(text)) odd.push(text);
    if ((parseIPv6(text) !== null) !== net.isIPv6(text)) odd.push(text);
  }
  t.strictSame(odd, []);
});

// Times of certificates: both types, odd years, zones, and what is no time.
import t from "tap";
import { Der } from "../../../lib/internal/asn1/der.js";
import { parseTime } from "../../../lib/internal/asn1/time.js";

const UTC = 0x17;
const GENERALIZED = 0x18;

function time(tag: number, text: string): number | null {
  const bytes = Buffer.from(text, "latin1");
  return parseTime(new Der(Buffer.concat([Buffer.from([tag, bytes.length]), bytes])).element());
}

const ROWS: readonly [tag: number, text: string, seconds: number | null, reason: string][] = [
  [UTC, "700101000000Z", 0, "the epoch"],
  [UTC, "691231235959Z", -1, "the second before it"],
  [UTC, "500101000000Z", -631152000, "50 is 1950"],
  [UTC, "491231235959Z", 2524607999, "49 is 2049"],
  [UTC, "0001010000Z", 946684800, "without seconds"],
  [UTC, "000229000000Z", 951782400, "a leap day"],
  [UTC, "010229000000Z", null, "no leap day"],
  [UTC, "000101020000+0200", 946684800, "a zone east"],
  [UTC, "991231220000-0200", 946684800, "a zone west"],
  [UTC, "20000101000000Z", null, "four digits of a year"],
  [UTC, "000101000000", null, "no zone"],
  [UTC, "000101240000Z", null, "hour 24"],
  [UTC, "000101006000Z", null, "minute 60"],
  [UTC, "000101000060Z", null, "second 60"],
  [UTC, "001301000000Z", null, "month 13"],
  [UTC, "000001000000Z", null, "month 0"],
  [UTC, "000100000000Z", null, "day 0"],
  [UTC, "000431000000Z", null, "31 April"],
  [UTC, "00010100000\0Z", null, "a zero byte"],
  [UTC, "", null, "nothing"],
  [UTC, "9".repeat(60), null, "too long"],
  [GENERALIZED, "20500101000000Z", 2524608000, "from 2050 on"],
  [GENERALIZED, "99991231235959Z", 253402300799, "no end at all (RFC 5280 4.1.2.5)"],
  [GENERALIZED, "20000101000000.5Z", 946684800, "a fraction"],
  [GENERALIZED, "00000101000000Z", -62167219200, "the year 0"],
  [GENERALIZED, "00500101000000Z", -60589296000, "the year 50 is not 1950"],
  [GENERALIZED, "500101000000Z", null, "two digits of a year"],
  [0x04, "700101000000Z", null, "no time type"],
];

t.test("times", async (t) => {
  for (const [tag, text, seconds, reason] of ROWS) t.equal(time(tag, text), seconds, reason);
});

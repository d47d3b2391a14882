// Dates; every row was compared with neon's own reading, which is scanf's.
import t from "tap";
import {
  ne_asctime_parse,
  ne_httpdate_parse,
  ne_iso8601_parse,
  ne_rfc1036_parse,
  ne_rfc1123_date,
  ne_rfc1123_parse,
} from "../lib/ne_dates.js";

const WRITTEN: readonly [time: number, text: string | null][] = [
  [0, "Thu, 01 Jan 1970 00:00:00 GMT"],
  [784111777, "Sun, 06 Nov 1994 08:49:37 GMT"],
  [-1, "Wed, 31 Dec 1969 23:59:59 GMT"],
  [951782400, "Tue, 29 Feb 2000 00:00:00 GMT"], // a leap day
  [4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"], // 2100 has none
  [253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"],
  [253402300800, "Sat, 01 Jan 10000 00:00:00 GM"], // cut at 29 characters
  [99999999999999, "Sat, 07 Nov 3170843 09:46:39 "],
  [-61000000000, "Fri, 26 Dec   36 11:33:20 GMT"], // padded with blanks
  [-62167219201, "Fri, 31 Dec   -1 23:59:59 GMT"],
  [-99999999999, "Thu, 15 Feb -1199 14:13:21 GM"],
  [67767976233532800, "Wed, 01 Jan -2147483648 00:00"], // 1900 + tm_year overflows
  [67768036191676800, null], // tm_year overflows
  [-67768040609740800, "Thu, 01 Jan -2147481748 00:00"],
  [-67768040609740820, null],
  [1.9, "Thu, 01 Jan 1970 00:00:01 GMT"],
  [Infinity, null],
  [NaN, null],
];

t.test("rfc1123_date", async (t) => {
  for (const [time, text] of WRITTEN) t.equal(ne_rfc1123_date(time), text, String(time));
  t.throws(
    () => ne_rfc1123_date("0" as unknown as number),
    new TypeError("ne_rfc1123_date: the time must be a number"),
  );
});

const RFC1123: readonly [text: string, time: number][] = [
  ["Sun, 06 Nov 1994 08:49:37 GMT", 784111777],
  ["Sun, 06 Nov 1994 08:49:37", 784111777], // nothing is read after the seconds
  ["Sun, 06 Nov 1994 08:49:37 +0100", 784111777], // not even a zone
  ["Xyz, 06 Nov 1994 08:49:37 GMT", 784111777], // the weekday is any three characters
  [",,,, 06 Nov 1994 08:49:37", 784111777],
  ["Sunday, 06 Nov 1994 08:49:37 GMT", -1], // but no more
  ["Su, 06 Nov 1994 08:49:37 GMT", -1], // and no fewer
  ["Sun,06Nov1994 8:9:7", 784109347], // a blank of the format may be no blank
  ["Sun, 06\nNov\n1994\n08:49:37", 784111777], // or any white space
  ["  Sun, 06 Nov 1994 08: 49: 37 GMT", 784111777], // conversions skip white space
  ["Sun, 06 Nov 1994 08 :49:37 GMT", -1], // literals do not
  ["Sun, 31 Feb 2000 00:00:00 GMT", 951955200], // carries over to 2 March
  ["Sun, 99 Dec 9999 99:99:99", 253408452039],
  ["Sun, -6 Nov 1994 -8:-9:-7", 783013853],
  ["Sun, 06 Nov 94 08:49:37 GMT", -59174032223], // the year 94
  ["Sun, 06 Nov -994 08:49:37 GMT", -93508096223],
  ["Sun, 06 Nov 19945 08:49:37 GMT", -1], // four digits end the year
  ["Sun, 06 nov 1994 08:49:37 GMT", -1], // months in exact case
  ["Sun, 06 Foo 1994 08:49:37 GMT", -1],
  ["Wed, 31 Dec 1969 23:59:59 GMT", -1], // one second before 1970 looks like an error
  ["", -1],
];

t.test("rfc1123", async (t) => {
  for (const [text, time] of RFC1123) t.equal(ne_rfc1123_parse(text), time, text);
});

const RFC1036: readonly [text: string, time: number][] = [
  ["Sunday, 06-Nov-94 08:49:37 GMT", 784111777],
  ["Sunday, 06-Nov-49 08:49:37", 2519801377], // below 50: 20xx
  ["Sunday, 06-Nov-50 08:49:37", -604422623],
  ["Sunday, 06-Nov-1994 08:49:37", -1], // two digits end the year
  ["Sunday, 06-Nov-9408:49:37", 784111777],
  ["Sunday, 06-Nov--1 08:49:37", 941878177], // 99 years after 1900
  ["x 06-Nov-94 08:49:37", 784111777],
  ["abcdefghij06-Nov-94 08:49:37", 784111777], // ten characters end the weekday
  ["Wednesdays, 06-Nov-94 08:49:37", -1],
  ["Sunday, 06-Foo-94 08:49:37 GMT", -1],
];

t.test("rfc1036", async (t) => {
  for (const [text, time] of RFC1036) t.equal(ne_rfc1036_parse(text), time, text);
});

const ASCTIME: readonly [text: string, time: number][] = [
  ["Sun Nov  6 08:49:37 1994", 784111777],
  ["SunNov0608:49:371994", 784111777],
  ["SunNov608:49:371994", 788777377], // the 60th, 8 o'clock
  ["Sun Nov  6 08:49:37 19945", 784111777],
  ["Sun Nov  6 08:49:37", -1],
  ["Sun Nov  6 08:49:37 GMT 1994", -1],
  ["Sun Foo  6 08:49:37 1994", -1],
];

t.test("asctime", async (t) => {
  for (const [text, time] of ASCTIME) t.equal(ne_asctime_parse(text), time, text);
});

const ISO8601: readonly [text: string, time: number][] = [
  ["2001-08-29T02:30:00Z", 999052200],
  ["2001-08-29T02:30:00", 999052200], // Z may be missing
  ["2001-08-29T02:30:00 whatever", 999052200], // or anything
  ["2001-08-29T02:30:00+03:00", 999041400],
  ["2001-08-29T02:30:00-03:00", 999063000],
  ["2001-08-29T02:30:00+03:0", 999041400],
  ["2001-08-29T02:30:00+03", 999052200], // an offset without minutes is not one
  ["2001-08-29T02:30:00+0330", 999052200],
  ["2001-08-29T02:30:00 +03:00", 999052200],
  ["2001-08-29T02:30:00+-3:-3", 999063180],
  ["2001-08-29T02:30:00.9+01:00", 999048600], // the fraction is dropped
  ["2001-08-29T02:30:.5Z", 999052200],
  ["2001-08-29T02:30:.Z", -1],
  ["2001-08-29T02:30:5.Z", 999052205],
  ["2001-08-29T02:30:1e1Z", 999052210], // the seconds are a floating-point number
  ["2001-08-29T02:30:59e+03:00", 999111200],
  ["2001-08-29T02:30:5e", 999052205],
  ["2001-08-29T02:30:5e++03:00", 999041405],
  ["2001-08-29T02:30:0x1.8p3Z", 999052212],
  ["2001-08-29T02:30:-0x5Z", 999052195],
  ["2001-08-29T02:30:0xZ", -1],
  ["2001-08-29T02:30:0x.Z", 999052200],
  ["2001-08-29T02:30:nanZ", -1148431448], // the smallest int
  ["2001-08-29T02:30:INFINITY", -1148431448],
  ["2001-08-29T02:30:infin", -1],
  ["2001-08-29T02:30:2147483647", 3146535847],
  ["2001-08-29T02:30:2147483648", -1148431448],
  ["2001-8-9T2:3:4Z", 997322584],
  ["2001-00-00T00:00:00Z", 975542400],
  ["2001-13-32T25:61:61Z", 1012615321],
  ["20010-08-29T02:30:00Z", -1],
  ["0001-01-01T00:00:00Z", -62135596800],
  ["2001-08-29t02:30:00Z", -1],
  ["2001-08-29", -1],
  ["", -1],
];

t.test("iso8601", async (t) => {
  for (const [text, time] of ISO8601) t.equal(ne_iso8601_parse(text), time, text);
});

t.test("httpdate reads all three forms", async (t) => {
  t.equal(ne_httpdate_parse("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  t.equal(ne_httpdate_parse("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  t.equal(ne_httpdate_parse("Sun Nov  6 08:49:37 1994"), 784111777);
  t.equal(ne_httpdate_parse("yesterday"), -1);
});

t.test("a date must be a string", async (t) => {
  for (const parse of [
    ne_asctime_parse,
    ne_httpdate_parse,
    ne_iso8601_parse,
    ne_rfc1036_parse,
    ne_rfc1123_parse,
  ]) {
    t.throws(
      () => parse(null as unknown as string),
      new TypeError(`${parse.name}: the date must be a string, not null`),
    );
  }
});

t.test("malformed: a million digits cost linear time", async (t) => {
  t.equal(ne_iso8601_parse(`2001-08-29T02:30:${"0".repeat(1e6)}Z`), 999052200);
  t.equal(ne_rfc1123_parse(" ".repeat(1e6)), -1);
});

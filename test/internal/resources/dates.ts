// Dates as servers write them; one that is wrong by hours would cost files, so what is not
// understood is none.
import t from "tap";
import { parseDate } from "../../../lib/internal/resources/dates.js";

const MAY = Date.UTC(2024, 4, 3, 10, 0, 11);

t.test("forms of one moment", async (t) => {
  const forms = ["Fri, 03 May 2024 10:00:11 GMT", "2024-05-03T10:00:11Z", "03 May 2024 10:00:11 GMT",
    "Friday, 03-May-24 10:00:11 GMT", "Fri May  3 10:00:11 2024", "Fri May  3 10:00:11 UTC 2024",
    "Fri, 03 May 2024 12:00:11 +0200", "Fri, 03 May 2024 12:00:11 GMT+02:00",
    "2024-05-03T05:00:11-05:00", "20240503T100011Z", "2024-05-03 10:00:11", "2024-05-03T10:00:11",
    " 2024-05-03T10:00:11Z ", "fri, 3 may 2024 10:00:11 utc", "2024-05-03T15:30:11+0530"];
  for (const form of forms) t.equal(parseDate(form), MAY, form);
});

t.test("parts of a second, and none", async (t) => {
  t.equal(parseDate("2024-05-03T10:00:11.5Z"), MAY + 500);
  t.equal(parseDate("2024-05-03T10:00:11,250Z"), MAY + 250);
  t.equal(parseDate("2024-05-03T10:00Z"), MAY - 11_000);
  t.equal(parseDate("Fri, 03 May 2024 10:00 GMT"), MAY - 11_000);
});

t.test("the usual forms say the same as the engine", async (t) => {
  for (let day = Date.UTC(1000, 0, 1); day < Date.UTC(2401, 0, 1); day += 37 * 86_400_000 + 3_661_000) {
    const date = new Date(day);
    const iso = date.toISOString().replace(".000", "");
    if (parseDate(date.toUTCString()) !== day || parseDate(iso) !== day) t.fail(iso);
  }
  t.equal(parseDate("Sun, 29 Feb 2004 23:59:60 GMT"), Date.UTC(2004, 2, 1));
  for (const text of ["Fri, x3 May 2024 10:00:11 GMT", "Fri, 03 May 20x4 10:00:11 GMT",
    "Fri, 03 May x024 10:00:11 GMT", "Fri, 03 May 2024 10:0x:11 GMT", "2024-x5-03T10:00:11Z",
    "2024-05-0xT10:00:11Z", "2024-05-03T10:00:x1Z", "20x4-05-03T10:00:11Z", "x024-05-03T10:00:11Z"]) {
    t.ok(Number.isNaN(parseDate(text)), text);
  }
});

t.test("years of two digits", async (t) => {
  t.equal(parseDate("03-May-49 00:00:00 GMT"), Date.UTC(2049, 4, 3));
  t.equal(parseDate("03-May-50 00:00:00 GMT"), Date.UTC(1950, 4, 3));
});

t.test("days that a month does not have", async (t) => {
  const rows: [text: string, isDate: boolean][] = [
    ["Sat, 31 Feb 2024 10:00:11 GMT", false],
    ["Thu, 29 Feb 2024 10:00:11 GMT", true],
    ["Wed, 29 Feb 2023 10:00:11 GMT", false],
    ["2024-04-31T10:00:11Z", false],
    ["2024-04-31T10:00:11.5+02:00", false],
    ["2024-12-31T10:00:11Z", true],
    ["Fri Apr 31 10:00:11 2024", false],
    ["Fri, 00 May 2024 10:00:11 GMT", false],
  ];
  for (const [text, isDate] of rows) t.equal(!Number.isNaN(parseDate(text)), isDate, text);
});

t.test("no dates", async (t) => {
  const texts = ["", "yesterday", "Fri, 03 May 2024 10:00:11 CET", "2024-05-03T10:00:11+", "2024-05-03",
    "Fri, 00 May 2024 10:00:11 GMT", "Fri, 32 May 2024 10:00:11 GMT", "Fri, 03 Mai 2024 10:00:11 GMT",
    "2024-13-03T10:00:11Z", "2024-00-03T10:00:11Z", "2024-05-03T25:00:11Z", "2024-05-03T10:60:11Z",
    "2024-05-03T10:00:61Z", "1714730411", "Fri, 03 May 2024 1a:00:11 GMT", "0999-05-03T10:00:11.x"];
  for (const text of texts) t.ok(Number.isNaN(parseDate(text)), text);
});

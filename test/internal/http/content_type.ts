// Content-Type with neon's ideas of blanks and quotes.
import t from "tap";
import { isXmlType, parseContentType } from "../../../lib/internal/http/content_type.js";

type Row = [field: string, type: string, subtype: string, charset: string | null];

const ROWS: readonly Row[] = [
  ["text/html", "text", "html", null], // no charset is assumed
  ["TEXT/HTML; charset=UTF-8", "text", "html", "UTF-8"],
  ["text/html;charset=\"utf-8\"", "text", "html", "utf-8"],
  ["text/html; charset='utf-8'", "text", "html", "utf-8"],
  ["text/html ; a=b; charset=c", "text", "html", "c"],
  ["text/html; charset=a; charset=b", "text", "html", "b"], // the last one
  ["text/html; charset =a", "text", "html", "a"], // spaces around the name go
  ["text/html; charset= a", "text", "html", "a"], // and those of the value
  ["text/html; charset=a ; x=y", "text", "html", "a"],
  ["text/html; charset = \"a\" ; x=y", "text", "html", "a"],
  ["T\u00c4XT/H\u00d6ML", "t\u00c4xt", "h\u00d6ml", null], // only ASCII letters are lowered
  ["text/html; charset=\"a;b\"; x=y", "text", "html", "a;b"],
  ["text/html; charset=\"a; x=y; charset=z", "text", "html", null], // a quote never closed
  ["text/html; x=\"; charset=q", "text", "html", null],
  ["text/html; charset", "text", "html", null],
  ["text/html; charset=", "text", "html", ""],
  ["text / html", "text ", "html", null],
  ["text/x/y; charset=a", "text", "x/y", "a"],
  ["/html", "", "html", null],
];

t.test("parts", async (t) => {
  for (const [field, type, subtype, charset] of ROWS) {
    t.same(parseContentType(field), { type, subtype, charset }, field);
  }
  for (const field of ["", "text", "; charset=a"]) t.equal(parseContentType(field), null, field);
});

t.test("XML by its type", async (t) => {
  const rows: readonly [field: string, is: boolean][] = [
    ["text/xml", true],
    ["application/xml; charset=utf-8", true],
    ["image/svg+xml", true],
    ["model/xml", false],
    ["text/html", false],
    ["text/xml-external-parsed-entity", false],
  ];
  for (const [field, is] of rows) {
    const type = parseContentType(field);
    t.equal(type !== null && isXmlType(type), is, field);
  }
});

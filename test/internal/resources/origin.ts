// Where a URL leads: to the session's own server, in whatever spelling, or to another.
import t from "tap";
import { isSameOrigin, originOf } from "../../../lib/internal/resources/origin.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";

t.test("origins", async (t) => {
  const rows: [reference: string, origin: string | null][] = [
    ["/a", null],
    ["a", null],
    ["", null],
    ["http://H/a", "http://h"],
    ["HTTP://h:81", "http://h:81"],
    ["//h/a", "//h"],
    ["http://u:p@h/", "http://h"],
    ["http://a@b@h/", "http://h"],
    ["http://h?q=//x", "http://h"],
    ["mailto:a", null],
  ];
  for (const [reference, origin] of rows) t.equal(originOf(reference), origin, reference);
});

t.test("the session's own", async (t) => {
  const rows: [scheme: string, host: string, port: number, origin: string, same: boolean][] = [
    ["http", "h", 80, "http://h", true],
    ["http", "h", 80, "http://h:80", true],
    ["http", "h", 80, "http://h:", true],
    ["http", "H", 80, "//h", true],
    ["http", "h", 80, "https://h", false],
    ["http", "h", 80, "http://h:81", false],
    ["http", "h", 80, "http://hh", false],
    ["https", "h", 443, "https://h:443", true],
    ["https", "h", 443, "https://h:80", false],
    ["https", "h", 80, "https://h", false],
    ["http", "h", 81, "//h:81", true],
  ];
  for (const [scheme, host, port, origin, same] of rows) {
    const sess = ne_session_create(scheme, host, port);
    t.equal(isSameOrigin(sess, origin), same, `${scheme} ${port} ${origin}`);
    ne_session_destroy(sess);
  }
});

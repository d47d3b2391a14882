// What a URL says of a server: every spelling of one place, and what is none.
import t from "tap";
import { parseUrl } from "../../../lib/internal/script/url_parts.js";

t.test("places", async (t) => {
  const rows: [url: string | URL, origin: string, target: string][] = [
    ["http://h", "http://h:80", "/"],
    ["HTTPS://H.example", "https://h.example:443", "/"],
    ["http://h:8080/a?b#c", "http://h:8080", "/a?b"],
    ["http://h/a b/ä", "http://h:80", "/a%20b/%C3%A4"],
    ["http://h/a/../b", "http://h:80", "/b"],
    ["http://bücher.example/", "http://xn--bcher-kva.example:80", "/"],
    ["http://[::1]:81/x", "http://[::1]:81", "/x"],
    ["http://[fe80::1%lo]/x", "http://[fe80::1%lo]:80", "/x"],
    ["http://[fe80::1%lo]:81?q", "http://[fe80::1%lo]:81", "/?q"],
    [new URL("https://h/x"), "https://h:443", "/x"],
  ];
  for (const [url, origin, target] of rows) {
    t.match(parseUrl(url, "f"), { origin, target, hasUserinfo: false }, String(url));
  }
});

t.test("credentials are seen", async (t) => {
  for (const url of ["http://u@h/", "http://u:p@h/", "http://:p@h/", "http://u@[fe80::1%lo]/"]) {
    t.equal(parseUrl(url, "f")?.hasUserinfo, true, url);
  }
});

t.test("what is no http or https URL", async (t) => {
  const urls = ["", "/a", "h", "ftp://h/", "file:///a", "http:", "http://", "http://h:0/",
    "http://h:99999/", "http://[::1/", "javascript:alert(1)", "ldap://[fe80::1%lo]/", "http://a b/"];
  for (const url of urls) t.equal(parseUrl(url, "f"), null, url);
  t.throws(() => parseUrl(7 as unknown as string, "f"), new TypeError("f: the URL must be a string, not number"));
});

// What an href stands for, also where no grammar of URIs allows it.
import t from "tap";
import { healedPath, resolveHref } from "../../../lib/internal/multistatus/href.js";
import { ne_uri, ne_uri_parse, ne_uri_unparse } from "../../../lib/ne_uri.js";

const BASE = new ne_uri();
ne_uri_parse("http://h:8080/dav/dir/", BASE);

t.test("hrefs that are URIs", async (t) => {
  const rows: [href: string, found: string][] = [
    ["/a", "http://h:8080/a"],
    ["a", "http://h:8080/dav/dir/a"],
    ["../a", "http://h:8080/dav/a"],
    ["http://other/a", "http://other/a"],
    ["//other/a", "http://other/a"],
    ["", "http://h:8080/dav/dir/"],
  ];
  for (const [href, found] of rows) {
    const uri = resolveHref(BASE, href);
    t.equal(uri === null ? null : ne_uri_unparse(uri), found, href);
  }
  for (const href of ["/a b", "/ä", "http://[h/"]) t.equal(resolveHref(BASE, href), null, href);
});

t.test("paths, healed where they have to be", async (t) => {
  const rows: [href: string, path: string][] = [
    ["/a", "/a"],
    ["http://h:8080/a/b", "/a/b"],
    ["/a b", "/a%20b"],
    ["/ä", "/%c3%a4"],
    ["a", "/dav/dir/a"],
    ["a#b", "/dav/dir/a%23b"],
    ["/a#b", "/a%23b"],
    ["a:b", "/dav/dir/a:b"],
    ["12:30 Uhr", "/dav/dir/12:30%20Uhr"],
    ["/100%", "/100%"],
  ];
  for (const [href, path] of rows) t.equal(healedPath(BASE, href).toLowerCase(), path.toLowerCase(), href);
});

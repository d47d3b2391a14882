// What servers write into Location, and what was meant.
import t from "tap";
import { repairLocation } from "../../../lib/internal/http/location.js";

t.test("Locations", async (t) => {
  const rows: [location: string, repaired: string][] = [
    ["http://h/a?b#c", "http://h/a?b#c"],
    ["/a%20b%zz", "/a%20b%zz"],
    ["/a b", "/a%20b"],
    ["/[x]{y}|^`\"<>", "/%5Bx%5D%7By%7D%7C%5E%60%22%3C%3E"],
    ["?[x]{y}|^`\"<>\\", "?%5Bx%5D%7By%7D%7C%5E%60%22%3C%3E%5C"],
    ["/\u00c3\u00a4", "/%C3%A4"],
    ["http://[::1]:80/[a]", "http://[::1]:80/%5Ba%5D"],
    ["//[::1]/[a]", "//[::1]/%5Ba%5D"],
    ["\\a\\b?c\\d", "/a/b?c%5Cd"],
    ["http:\\\\h\\a", "http://h/a"],
    ["/a\tb", "/ab"],
    ["/a#b#c[", "/a#b%23c%5B"],
    ["/a#", "/a#"],
    ["[a]", "%5Ba%5D"],
    ["http://[::1/", "http://[::1/"],
    ["", ""],
  ];
  for (const [location, repaired] of rows) t.equal(repairLocation(location), repaired, location);
});

// What hrefs name: the quick way says the same as the thorough one.
import t from "tap";
import { HrefResolver } from "../../../lib/internal/resources/href_resolver.js";
import { Membership, type Place, placeKey } from "../../../lib/internal/uri/membership.js";

const HREFS = [
  "/dav/a/",
  "/dav/a/x",
  "/dav/a/x/",
  "/dav/a/b%20c.txt",
  "/dav/a/%C3%BC",
  "/dav/a/%FF",
  "/dav/a/50%25",
  "/dav/a/%2e%2e",
  "/dav/a/b%2Fc",
  "/dav/a/.hidden",
  "/dav/a/..",
  "/dav/a/x?view",
  "/dav/a/%",
  "/dav/a/%4",
  "/dav/a/%4g",
  "/dav/a/b%2",
  "/dav/a/%3f%25",
  "/dav/a/a b",
  "/dav/a/\u00fc",
  "/dav/a/x//",
  "/dav/a",
  "/dav/a/b/c",
  "/dav/ab",
  "//dav/a/x",
  "http://other.example/dav/a/x",
  "/",
  "",
];

function told(place: Place): object {
  const { kind, path, name } = place;
  return { kind, path, name, key: placeKey(place) };
}

t.test("a place of an href does not depend on those before it", async (t) => {
  const places = new HrefResolver("/dav/a/");
  const membership = new Membership("/dav/a/");
  // the first member tells that the server calls the collection as the request did
  for (const href of ["/dav/a/first", ...HREFS]) {
    t.strictSame(told(places.place(href)), told(membership.place(href)), href);
  }
});

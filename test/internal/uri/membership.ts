// What the hrefs of a response name, as seen from the collection that was asked for.
import t from "tap";
import { Membership, placeKey } from "../../../lib/internal/uri/membership.js";

type Seen = [href: string, kind: string, path: string];

const ANSWERS: Record<string, { asked: string; seen: readonly Seen[] }> = {
  "the usual": {
    asked: "/d/",
    seen: [
      ["/d/", "self", "/d/"],
      ["/d/a%20b", "member", "/d/a%20b"],
      ["/d/e/", "member", "/d/e/"],
      ["/d/e/f", "below", "/d/e/f"],
      ["/e/", "elsewhere", "/e/"],
      ["/", "elsewhere", "/"],
      ["/d/../x", "elsewhere", "/x"],
      ["/d/./x/", "member", "/d/x/"],
      ["/d/x?q", "member", "/d/x?q"],
    ],
  },
  "names in other spellings": {
    asked: "/A%20&%20B/at@home/par(a)'x/%c3%a4/",
    seen: [
      ["/A%20%26%20B/at%40home/par%28a%29%27x/%C3%A4/", "self",
        "/A%20%26%20B/at%40home/par%28a%29%27x/%C3%A4/"],
      ["/A & B/at@home/par(a)'x/ä/[1]#2", "member",
        "/A%20&%20B/at@home/par(a)'x/%c3%a4/%5b1%5d%232"],
    ],
  },
  "another host, port and scheme": {
    asked: "/d/",
    seen: [
      ["http://inner:8080/d/", "self", "/d/"],
      ["http://inner:8080/d/x", "member", "/d/x"],
    ],
  },
  "the authority left out": {
    asked: "/d/",
    seen: [
      ["//d/", "self", "/d/"],
      ["//d/x", "member", "/d/x"],
      ["//inner/d/y", "member", "/d/y"],
    ],
  },
  "a doubled slash between": {
    asked: "/d/",
    seen: [["/d//x", "member", "/d//x"]],
  },
  "relative to the collection": {
    asked: "/d/",
    seen: [
      ["x", "member", "/d/x"],
      ["a:b.vcf", "member", "/d/a:b.vcf"],
      ["urn:x", "member", "/d/urn:x"],
      ["./y", "member", "/d/y"],
    ],
  },
  "relative to a collection asked for without its slash": {
    asked: "/d",
    seen: [
      ["d/x", "member", "/d/x"],
      ["y", "member", "/d/y"],
    ],
  },
  "the beginning of the path stripped": {
    asked: "/dav/docs/",
    seen: [
      ["/docs/", "self", "/dav/docs/"],
      ["/docs/a%20b", "member", "/dav/docs/a%20b"],
      ["/docs/e/", "member", "/dav/docs/e/"],
      ["/docs/docs/", "member", "/dav/docs/docs/"],
    ],
  },
  "the whole path stripped": {
    asked: "/dav",
    seen: [
      ["/", "self", "/dav"],
      ["/x", "member", "/dav/x"],
      ["/x/y/", "below", "/dav/x/y/"],
    ],
  },
  "a member before the collection, stripped": {
    asked: "/dav/docs/",
    seen: [["/docs/x", "member", "/dav/docs/x"]],
  },
  "another beginning": {
    asked: "/dav/docs/",
    seen: [
      ["/remote/u/docs/", "self", "/dav/docs/"],
      ["/remote/u/docs/x", "member", "/dav/docs/x"],
    ],
  },
  "the name of the collection again, in itself": {
    asked: "/a/a/",
    seen: [
      ["/a/", "self", "/a/a/"],
      ["/a/a/", "member", "/a/a/a/"],
    ],
  },
  "nothing is guessed once a path was met": {
    asked: "/dav/docs/",
    seen: [
      ["/dav/docs/x", "member", "/dav/docs/x"],
      ["/docs/", "elsewhere", "/docs/"],
    ],
  },
  "another case": {
    asked: "/Docs/",
    seen: [
      ["/docs/", "self", "/docs/"],
      ["/docs/x", "member", "/docs/x"],
    ],
  },
  "slashes escaped": {
    asked: "/d/",
    seen: [["/d%2Fx", "member", "/d/x"]],
  },
  "the root": {
    asked: "/",
    seen: [
      ["/", "self", "/"],
      ["/x", "member", "/x"],
      ["http://h", "self", "/"],
    ],
  },
};

for (const [name, { asked, seen }] of Object.entries(ANSWERS)) {
  t.test(name, async (t) => {
    const membership = new Membership(asked);
    for (const [href, kind, path] of seen) {
      t.match(membership.place(href), { kind, path }, href);
    }
  });
}

t.test("names and keys", async (t) => {
  const membership = new Membership("/d/?x");
  t.match(membership.place("/d/%C3%A4%2Fb%e4?q"), { name: "ä/b\udce4" });
  const key = (href: string): string => placeKey(membership.place(href));
  t.equal(key("/d/%41"), key("/d/A/"));
  t.not(key("/d/A"), key("/d/A?q"));
  t.equal(placeKey(new Membership("/dav/d/").place("/d/x")), key("/dav/d/x"));
});

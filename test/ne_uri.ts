// URIs and paths; rows were compared with neon.
import t from "tap";
import {
  NE_PATH_NONPC,
  NE_PATH_NONRES,
  NE_PATH_NONURI,
  ne_path_childof,
  ne_path_compare,
  ne_path_escape,
  ne_path_escapef,
  ne_path_has_trailing_slash,
  ne_path_parent,
  ne_path_unescape,
  ne_uri,
  ne_uri_cmp,
  ne_uri_copy,
  ne_uri_defaultport,
  ne_uri_free,
  ne_uri_parse,
  ne_uri_resolve,
  ne_uri_unparse,
} from "../lib/ne_uri.js";

function parsed(text: string): ne_uri {
  const uri = new ne_uri();
  if (ne_uri_parse(text, uri) !== 0) throw new Error(`cannot parse ${text}`);
  return uri;
}

const ASCII = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");

t.test("escapes", async (t) => {
  t.equal(
    ne_path_escape(ASCII),
    "%20!%22%23$%25&'()*+,-./0123456789:;%3c=%3e%3f@ABCDEFGHIJKLMNOPQRSTUVWXYZ" +
      "%5b%5c%5d%5e_%60abcdefghijklmnopqrstuvwxyz%7b%7c%7d~",
    "pchar and slash stay",
  );
  t.equal(ne_path_escapef(ASCII, NE_PATH_NONPC), ne_path_escape(ASCII));
  t.equal(
    ne_path_escapef(ASCII, NE_PATH_NONRES),
    "%20%21%22%23%24%25%26%27%28%29%2a%2b%2c-./0123456789%3a%3b%3c%3d%3e%3f%40" +
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ%5b%5c%5d%5e_%60abcdefghijklmnopqrstuvwxyz%7b%7c%7d~",
    "unreserved and slash stay",
  );
  t.equal(
    ne_path_escapef(ASCII, NE_PATH_NONURI),
    "%20!%22#$%&'()*+,-./0123456789:;%3c=%3e?@ABCDEFGHIJKLMNOPQRSTUVWXYZ" +
      "[%5c]%5e_%60abcdefghijklmnopqrstuvwxyz%7b%7c%7d~",
    "what a URI may hold stays",
  );
  t.equal(
    ne_path_escapef(ASCII, NE_PATH_NONURI | NE_PATH_NONRES),
    ne_path_escapef(ASCII, NE_PATH_NONRES),
    "any flag may ask",
  );
  t.equal(ne_path_escapef("a b\u00e9", 0), "a b\u00e9");
  t.equal(ne_path_escape("\0\x7f\u00e9\u{1f600}"), "%00%7f%c3%a9%f0%9f%98%80");
});

const UNESCAPED: readonly [text: string, plain: string | null][] = [
  ["/a%20b", "/a b"],
  ["%c3%a9%E2%82%ac", "\u00e9\u20ac"],
  ["%e9", "\udce9"], // not UTF-8: the byte as a lone surrogate
  ["/d/%E4%c3%a4", "/d/\udce4\u00e4"],
  ["%ed%a0%80", "\udced\udca0\udc80"], // a surrogate is no UTF-8
  ["%c0%af", "\udcc0\udcaf"], // nor is what is longer than it need be
  ["\u00e9%c3%a9", "\u00e9\u00e9"],
  ["a+b", "a+b"],
  ["%2f%25", "/%"],
  ["a%00b", null], // no name holds a NUL; cut there, two names would be one
  ["%", null],
  ["%4", null],
  ["%4g", null],
  ["%zz", null],
  ["% 1", null],
  ["a%%41", null],
  ["", ""],
];

t.test("unescape", async (t) => {
  for (const [text, plain] of UNESCAPED) t.equal(ne_path_unescape(text), plain, text);
});

t.test("no byte of a name is lost on the way there and back", async (t) => {
  const hex = (byte: number): string => `%${byte.toString(16).padStart(2, "0")}`;
  const seen = new Set<string>();
  for (let first = 1; first < 256; first++) {
    for (const second of [0x2f, 0x80, 0x9f, 0xa0, 0xbf, 0xc3, 0xe4, 0xff]) {
      const path = `/d/${hex(first)}${hex(second)}`;
      const plain = ne_path_unescape(path)!;
      seen.add(plain);
      for (const flags of [NE_PATH_NONURI, NE_PATH_NONPC, NE_PATH_NONRES]) {
        // a percent sign is left alone by NONURI
        if (flags === NE_PATH_NONURI && first === 0x25) continue;
        const back = ne_path_escapef(plain, flags);
        t.equal(ne_path_unescape(back), plain, path);
        t.notMatch(back, /[^!-~]/, path);
      }
    }
  }
  t.equal(seen.size, 255 * 8, "and no two become one");
  t.equal(ne_path_escape(ne_path_unescape("/d/%E4")!), "/d/%e4");
  t.equal(ne_path_escape(ne_path_unescape("/d/%C3%A4%e4")!), "/d/%c3%a4%e4");
  t.equal(ne_path_escapef("/d/\udce4", 0), "/d/\udce4");
});

t.test("a surrogate that stands for no byte", async (t) => {
  const error = {
    name: "TypeError",
    message: "ne_path_escape: the path has a lone surrogate that stands for no byte",
  };
  for (const path of ["/\ud800", "/\udc00x", "/\udc7f", "/\udd00"]) {
    t.throws(() => ne_path_escape(path), error);
  }
  t.equal(ne_path_escape("\ud83d\udc80"), "%f0%9f%92%80", "half of a character is none");
});

const PARENTS: readonly [path: string, parent: string | null][] = [
  ["/a/b/c", "/a/b/"],
  ["/a/b/", "/a/"],
  ["/a", "/"],
  ["/a/", "/"],
  ["/", null],
  ["", null],
  ["a", null],
  ["a/", null],
  ["a/b", "a/"],
  ["//", "/"],
  ["/a//", "/a/"],
];

t.test("parents", async (t) => {
  for (const [path, parent] of PARENTS) t.equal(ne_path_parent(path), parent, path);
});

const COMPARED: readonly [p1: string, p2: string, sign: number][] = [
  ["/a", "/a/", 0],
  ["", "/", 0],
  ["/A/b", "/a/B", 0],
  ["/a", "/a//", -1], // one slash, not two
  ["/", "//", -1],
  ["/a", "/b", -1],
  ["/ab", "/a/", 1],
  ["/a/", "/b", -1],
];

t.test("compares", async (t) => {
  for (const [p1, p2, sign] of COMPARED) {
    t.equal(ne_path_compare(p1, p2), sign, `${p1} ${p2}`);
    t.equal(ne_path_compare(p2, p1), sign === 0 ? 0 : -sign, `${p2} ${p1}`);
  }
});

const CHILDREN: readonly [parent: string, child: string, is: number][] = [
  ["/foo/", "/foo/bar", 1],
  ["/FOO/", "/foo/bar", 1],
  ["/foo", "/foobar", 1], // a test of text
  ["/foo/", "/foobar", 0],
  ["", "/", 1],
  ["/a", "/a", 0],
  ["/a/b", "/a", 0],
];

t.test("children", async (t) => {
  for (const [parent, child, is] of CHILDREN) {
    t.equal(ne_path_childof(parent, child), is, `${parent} ${child}`);
  }
});

t.test("slash", async (t) => {
  t.same(["/", "a/", "", "a"].map(ne_path_has_trailing_slash), [1, 1, 0, 0]);
});

t.test("default_port", async (t) => {
  const schemes = ["http", "HTTPS", "Http", "ftp", ""];
  t.same(schemes.map(ne_uri_defaultport), [80, 443, 80, 0, 0]);
});

type Parts = [
  text: string,
  scheme: string | null,
  userinfo: string | null,
  host: string | null,
  port: number,
  path: string,
  query: string | null,
  fragment: string | null,
];

const PARSED: readonly Parts[] = [
  ["http://h:80/a?b#c", "http", null, "h", 80, "/a", "b", "c"],
  ["HTTP://u:p@H/", "HTTP", "u:p", "H", 0, "/", null, null], // all kept as written
  ["http://h", "http", null, "h", 0, "/", null, null], // an authority has a path
  ["http:", "http", null, null, 0, "", null, null], // nothing else does
  ["//h", null, null, "h", 0, "/", null, null],
  ["http:///x", "http", null, "", 0, "/x", null, null],
  ["http://h:/", "http", null, "h", 0, "/", null, null], // an empty port
  ["http://h:00080/", "http", null, "h", 80, "/", null, null],
  ["http://[::1]:8080/", "http", null, "[::1]", 8080, "/", null, null],
  ["http://[::1]", "http", null, "[::1]", 0, "/", null, null],
  ["http://u@v@h/", "http", "u", "v@h", 0, "/", null, null], // ends at the first @
  ["http://h?q", "http", null, "h", 0, "/", "q", null],
  ["http://h:80?q#f", "http", null, "h", 80, "/", "q", "f"],
  ["http://h#f", "http", null, "h", 0, "/", null, "f"],
  ["http://u?x@h/y", "http", null, "u", 0, "/", "x@h/y", null],
  ["http://a b\u00e9/", "http", null, "a b\u00e9", 0, "/", null, null],
  ["http://h:1:2/", "http", null, "h:1", 2, "/", null, null], // the last colon
  ["http://:80/", "http", null, ":80", 0, "/", null, null], // but not the first character
  ["mailto:a@b", "mailto", null, null, 0, "a@b", null, null],
  ["1a:b", null, null, null, 0, "1a:b", null, null], // no scheme
  ["a_b:c", null, null, null, 0, "a_b:c", null, null],
  ["", null, null, null, 0, "", null, null],
  ["*", null, null, null, 0, "*", null, null],
  ["?q", null, null, null, 0, "", "q", null],
  ["/a?", null, null, null, 0, "/a", "", null],
  ["/a#", null, null, null, 0, "/a", null, ""],
  ["/a?b?c", null, null, null, 0, "/a", "b?c", null],
  ["/a#b#c", null, null, null, 0, "/a", null, "b"], // dropped after the valid characters
  ["/a#b c", null, null, null, 0, "/a", null, "b"],
  ["/a%zz", null, null, null, 0, "/a%zz", null, null], // escapes are not looked at
];

t.test("parse", async (t) => {
  for (const [text, scheme, userinfo, host, port, path, query, fragment] of PARSED) {
    const uri = { scheme: "old", fragment: "old" } as ne_uri;
    t.equal(ne_uri_parse(text, uri), 0, text);
    t.same(uri, { scheme, userinfo, host, port, path, query, fragment }, text);
  }
});

const FAILING: readonly string[] = [
  "/a b",
  " /a",
  "/a\n",
  "/a[b]",
  "/a|b",
  '/a"b',
  "/a\u00e9",
  "/a?b c",
  "/a?[",
  "http://[::1",
  "http://[::1]x/",
  "http://[::1]]/",
  "http://[a/b]",
  "http://h:65536/",
  "http://h:99999999999999999999/",
  "http://h:8a/",
  "http://h:-1/",
];

t.test("failparse", async (t) => {
  for (const text of FAILING) t.equal(ne_uri_parse(text, new ne_uri()), -1, text);
});

t.test("unparse", async (t) => {
  const texts = [
    "http://u:p@h:8080/a?b#c",
    "http://h/",
    "//h:80/",
    "/a?#",
    "x:y",
    "http://[::1]:81/",
    "",
  ];
  for (const text of texts) t.equal(ne_uri_unparse(parsed(text)), text);
  t.equal(ne_uri_unparse(parsed("http://h:80/")), "http://h/", "the default port");
  t.equal(ne_uri_unparse(parsed("HTTPS://h:443/")), "HTTPS://h/");
  t.equal(ne_uri_unparse({ ...new ne_uri(), host: "h", path: "p" }), "//hp", "put together only");
  t.equal(ne_uri_unparse({ ...new ne_uri(), userinfo: "u", port: 1, path: "/p" }), "/p");
  t.equal(ne_uri_unparse({ path: "/p" } as ne_uri), "/p", "a plain object");
  t.throws(
    () => ne_uri_unparse(new ne_uri()),
    new TypeError("ne_uri_unparse: uri.path must be a string, not null"),
  );
});

// RFC 3986 section 5.4, then cases of its section 5.2.4
const RESOLVED: readonly [relative: string, result: string][] = [
  ["g:h", "g:h"],
  ["g", "http://a/b/c/g"],
  ["./g", "http://a/b/c/g"],
  ["g/", "http://a/b/c/g/"],
  ["/g", "http://a/g"],
  ["//g", "http://g/"],
  ["?y", "http://a/b/c/d;p?y"],
  ["g?y", "http://a/b/c/g?y"],
  ["#s", "http://a/b/c/d;p?q#s"],
  ["g#s", "http://a/b/c/g#s"],
  ["g?y#s", "http://a/b/c/g?y#s"],
  [";x", "http://a/b/c/;x"],
  ["", "http://a/b/c/d;p?q"],
  [".", "http://a/b/c/"],
  ["./", "http://a/b/c/"],
  ["..", "http://a/b/"],
  ["../g", "http://a/b/g"],
  ["../..", "http://a/"],
  ["../../g", "http://a/g"],
  ["../../../g", "http://a/g"],
  ["/./g", "http://a/g"],
  ["/../g", "http://a/g"],
  ["g.", "http://a/b/c/g."],
  ["..g", "http://a/b/c/..g"],
  ["./g/.", "http://a/b/c/g/"],
  ["g/../h", "http://a/b/c/h"],
  ["g;x=1/../y", "http://a/b/c/y"],
  ["g?y/../x", "http://a/b/c/g?y/../x"],
  ["g#s/../x", "http://a/b/c/g#s/../x"],
  ["http:g", "http:g"], // strict
  ["x//y/../z", "http://a/b/c/x//z"], // an empty segment is a segment
  ["..//x", "http://a/b//x"],
  ["g:a/../b", "g:/b"],
  ["g:../a", "g:a"],
];

t.test("resolve", async (t) => {
  const base = parsed("http://a/b/c/d;p?q");
  for (const [relative, expected] of RESOLVED) {
    const result = new ne_uri();
    t.equal(ne_uri_resolve(base, parsed(relative), result), result);
    t.equal(ne_uri_unparse(result), expected, relative);
  }
});

const OTHER_BASES: readonly [base: string, relative: string, result: string][] = [
  ["http://a", "g", "http://a/g"],
  ["http://u@a:81/x?q#f", "y", "http://u@a:81/y"],
  ["http://u@a:81/x?q#f", "//b", "http://b/"],
  ["http://a/b/../c/./d", "?x", "http://a/b/../c/./d?x"], // the base's path as it is
  ["a/b", "../..", "/"],
  ["", "../b", "b"],
  ["mailto:a@b", "c", "mailto:c"],
];

t.test("resolve: other bases", async (t) => {
  for (const [base, relative, expected] of OTHER_BASES) {
    const result = ne_uri_resolve(parsed(base), parsed(relative), new ne_uri());
    t.equal(ne_uri_unparse(result), expected, `${base} ${relative}`);
  }
  const base = parsed("/a");
  t.throws(
    () => ne_uri_resolve(base, parsed("b"), base),
    new TypeError("ne_uri_resolve: result must be an object of its own"),
  );
});

t.test("malformed: a hundred thousand dot segments", async (t) => {
  const path = "/a".repeat(1e5) + "/..".repeat(1e5) + "/./b";
  const result = ne_uri_resolve(parsed("http://h/"), parsed(path), new ne_uri());
  t.equal(result.path, "/b");
});

const ORDERED: readonly [u1: string, u2: string, order: number][] = [
  ["http://A/x", "HTTP://a/x", 0],
  ["http://a/x", "http://a/y", -1],
  ["http://a/X", "http://a/x", -1], // paths know case
  ["http://b/a", "http://a/b", -1], // the path comes first
  ["http://a/", "https://a/", -1],
  ["http://a/", "/", -1], // only the first has a host
  ["/a", "/a?x", 1],
  ["/a?x", "/a?y", -1],
  ["/a#x", "/a", -1],
  ["http://u@a/", "http://U@a/", 1],
  ["http://a:80/", "http://a/", -80], // the other way round, no default ports
  ["http://a:80/", "http://a:81/", 1],
];

t.test("cmp", async (t) => {
  for (const [u1, u2, order] of ORDERED) {
    t.equal(ne_uri_cmp(parsed(u1), parsed(u2)), order, `${u1} ${u2}`);
    t.equal(ne_uri_cmp(parsed(u2), parsed(u1)), order === 0 ? 0 : -order, `${u2} ${u1}`);
  }
  t.equal(ne_uri_cmp(new ne_uri(), new ne_uri()), 0);
});

t.test("copy and free", async (t) => {
  const source = parsed("http://u@h:1/a?b#c");
  const copy = new ne_uri();
  t.equal(ne_uri_copy(copy, source), copy);
  t.same(copy, source);
  ne_uri_free(copy);
  t.same(copy, new ne_uri());
  t.equal(source.host, "h");
});

t.test("a string must be a string, a struct a struct", async (t) => {
  const nothing = null as unknown as string & ne_uri;
  const calls: readonly [name: string, call: () => unknown][] = [
    ["ne_path_escape", () => ne_path_escape(nothing)],
    ["ne_path_escapef", () => ne_path_escapef(nothing, 1)],
    ["ne_path_unescape", () => ne_path_unescape(nothing)],
    ["ne_path_parent", () => ne_path_parent(nothing)],
    ["ne_path_compare", () => ne_path_compare("a", nothing)],
    ["ne_path_childof", () => ne_path_childof(nothing, "a")],
    ["ne_path_has_trailing_slash", () => ne_path_has_trailing_slash(nothing)],
    ["ne_uri_defaultport", () => ne_uri_defaultport(nothing)],
    ["ne_uri_parse", () => ne_uri_parse(nothing, new ne_uri())],
    ["ne_uri_parse", () => ne_uri_parse("/", nothing)],
    ["ne_uri_cmp", () => ne_uri_cmp(nothing, new ne_uri())],
    ["ne_uri_copy", () => ne_uri_copy(new ne_uri(), nothing)],
    ["ne_uri_free", () => ne_uri_free(nothing)],
  ];
  for (const [name, call] of calls) {
    t.throws(call, { name: "TypeError", message: new RegExp(`^${name}: `) }, name);
  }
});

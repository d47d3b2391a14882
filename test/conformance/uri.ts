// References resolved: the examples of RFC 3986 section 5.4, and generated ones beside Node's URL,
// which follows the WHATWG standard; the two differ by design in the ways named here.
import { ne_uri, ne_uri_parse, ne_uri_resolve, ne_uri_unparse } from "../../lib/ne_uri.js";
import { seeded } from "../fixtures/feed.js";
import { Tally, type Suite } from "./suite.js";

const BASE = "http://a/b/c/d;p?q";

/** Sections 5.4.1 and 5.4.2, in their order. */
const EXAMPLES: readonly [reference: string, target: string][] = [
  ["g:h", "g:h"],
  ["g", "http://a/b/c/g"],
  ["./g", "http://a/b/c/g"],
  ["g/", "http://a/b/c/g/"],
  ["/g", "http://a/g"],
  ["//g", "http://g"],
  ["?y", "http://a/b/c/d;p?y"],
  ["g?y", "http://a/b/c/g?y"],
  ["#s", "http://a/b/c/d;p?q#s"],
  ["g#s", "http://a/b/c/g#s"],
  ["g?y#s", "http://a/b/c/g?y#s"],
  [";x", "http://a/b/c/;x"],
  ["g;x", "http://a/b/c/g;x"],
  ["g;x?y#s", "http://a/b/c/g;x?y#s"],
  ["", "http://a/b/c/d;p?q"],
  [".", "http://a/b/c/"],
  ["./", "http://a/b/c/"],
  ["..", "http://a/b/"],
  ["../", "http://a/b/"],
  ["../g", "http://a/b/g"],
  ["../..", "http://a/"],
  ["../../", "http://a/"],
  ["../../g", "http://a/g"],
  ["../../../g", "http://a/g"],
  ["../../../../g", "http://a/g"],
  ["/./g", "http://a/g"],
  ["/../g", "http://a/g"],
  ["g.", "http://a/b/c/g."],
  [".g", "http://a/b/c/.g"],
  ["g..", "http://a/b/c/g.."],
  ["..g", "http://a/b/c/..g"],
  ["./../g", "http://a/b/g"],
  ["./g/.", "http://a/b/c/g/"],
  ["g/./h", "http://a/b/c/g/h"],
  ["g/../h", "http://a/b/c/h"],
  ["g;x=1/./y", "http://a/b/c/g;x=1/y"],
  ["g;x=1/../y", "http://a/b/c/y"],
  ["g?y/./x", "http://a/b/c/g?y/./x"],
  ["g?y/../x", "http://a/b/c/g?y/../x"],
  ["g#s/./x", "http://a/b/c/g#s/./x"],
  ["g#s/../x", "http://a/b/c/g#s/../x"],
  ["http:g", "http:g"],
];

function parse(text: string): ne_uri | null {
  const uri = new ne_uri();
  return ne_uri_parse(text, uri) === 0 ? uri : null;
}

/** Our answer; `null` where one of the two cannot be read. */
function resolve(base: string, reference: string): string | null {
  const [from, to] = [parse(base), parse(reference)];
  if (from === null || to === null) return null;
  return ne_uri_unparse(ne_uri_resolve(from, to, new ne_uri()));
}

function whatwg(base: string, reference: string): string | null {
  return URL.canParse(reference, base) ? new URL(reference, base).href : null;
}

/** Mostly what a URI may hold, so that the two standards speak about the same thing. */
const PIECES = [
  ...["a", "b", "cd", ".", "..", "...", ".a", "b..", "./", "../", "/", "/", "/", "//", "?", "#"],
  ...[";", "=", "&", "@", ":", "%41", "%2f", "~", "!", "$", "(", ")", "*", "+", ",", "-", "_"],
] as const;

/** Pieces about which they differ, each in a few references. */
const ODD = [
  ...["%2e", "%2E%2e", "'", "[", "]", "|", "\\", " ", "\u00e4", "{", "^", '"', "<", "`", "%"],
  ...["%zz", "http:", "HTTP://H", "urn:x", "https://h.example:443", "//[::1]", "//127.1"],
] as const;

function generated(count: number): string[] {
  const random = seeded(3986);
  const pick = (): string => {
    const list = random() < 0.02 ? ODD : PIECES;
    return list[Math.floor(random() * list.length)] ?? "";
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + Math.floor(random() * 7) }, pick).join(""),
  );
}

interface Difference {
  readonly reason: string;
  /** Whether a reference is one of those about which the standards differ. */
  applies(reference: string): boolean;
}

/** Where the standards part, in the order in which they are asked. */
const DIFFERENCES: readonly Difference[] = [
  {
    reason: "no URI (RFC 3986 section 2): WHATWG escapes, drops or corrects these characters",
    applies: (text) => /[^\x21-\x7e]|[\\{}|^"<>`]|%(?![0-9a-f]{2})/i.test(text),
  },
  {
    reason: "no URI: brackets stand around an address only (RFC 3986 section 3.2.2)",
    applies: (text) => /[[\]]/.test(text.replace(/^([a-z]+:)?\/\/\[::1\]/i, "")),
  },
  {
    reason: "no URI: a second `#` (RFC 3986 section 3.5)",
    applies: (text) => text.indexOf("#") !== text.lastIndexOf("#"),
  },
  {
    reason: "escaped dots are dots for WHATWG; RFC 3986 resolves before anything is unescaped",
    applies: (text) => /%2e/i.test(text),
  },
  {
    reason:
      "hosts and ports that WHATWG checks and brings into one form; RFC 3986 resolves without that",
    applies: (text) => /^(https?:)?\/\//i.test(text),
  },
  {
    reason:
      "a reference with a scheme: RFC 3986 section 5.4.2 takes `http:g` as it stands, WHATWG " +
      "as `g`, and a path of unknown schemes as opaque",
    applies: (text) => /^[a-z][a-z0-9+.-]*:/i.test(text),
  },
  {
    reason: "no URI: a colon in the first segment of a relative path (RFC 3986 section 4.2)",
    applies: (text) => text.split(/[/?#]/, 1)[0]?.includes(":") === true,
  },
  {
    reason: "an apostrophe in a query is escaped by WHATWG",
    applies: (text) => /\?[^#]*'/.test(text),
  },
];

export const URIS: Suite = {
  name: "URIs",
  async run(_t, extent) {
    const tally = new Tally(`RFC 3986 section 5.4; WHATWG's URL of Node ${process.versions.node}`);
    for (const [reference, target] of EXAMPLES) {
      const found = resolve(BASE, reference);
      if (reference === "//g" && found === "http://g/") {
        const reason = "an empty path of http is `/` (section 6.2.3), as in neon";
        tally.explain(`RFC 3986: ${reference}`, reason);
      } else {
        tally.equal(`RFC 3986: ${JSON.stringify(reference)}`, found, target);
      }
    }
    for (const reference of generated(extent === "full" ? 5000 : 500)) {
      const [ours, theirs] = [resolve(BASE, reference), whatwg(BASE, reference)];
      const name = `WHATWG: ${JSON.stringify(reference)}`;
      const known = DIFFERENCES.find(({ applies }) => applies(reference));
      if (ours === theirs) tally.pass();
      else if (known !== undefined) tally.explain(name, known.reason);
      else tally.equal(name, ours, theirs);
    }
    return tally;
  },
};

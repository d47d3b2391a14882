// Cookies by RFC 6265: each row is a rule of sections 5.1 to 5.4, with what a jar would send.
import { CookieStore, parseCookieDate, type CookieHost } from "../../lib/internal/http/cookies.js";
import { Tally, type Suite } from "./suite.js";

const NOW = 1_000_000_000;

/** What is set from where, and what is then sent to where; `null` for no Cookie field. */
type Row = readonly [
  rule: string,
  sets: readonly (readonly [url: string, field: string])[],
  to: string,
  wanted: string | null,
];

const PAST = "Expires=Thu, 01 Jan 1970 00:00:01 GMT";
const FUTURE = "Expires=Fri, 01 Jan 2100 00:00:00 GMT";
const BELOW = "http://x.example.com/";
const A = "http://example.com/";
const DEEP = "http://example.com/dir/page";
const SSL = "https://example.com/";

const ROWS: readonly Row[] = [
  // section 5.2: Set-Cookie
  ["5.2 name and value", [[A, "a=b"]], A, "a=b"],
  ["5.2 blanks around name and value", [[A, " \ta\t = \tb \t"]], A, "a=b"],
  ["5.2 attributes end at a semicolon", [[A, "a=b; unknown=x; Path=/"]], A, "a=b"],
  ["5.2 a value keeps its equals signs", [[A, "a=b=c=="]], A, "a=b=c=="],
  ["5.2 a value keeps its quotes", [[A, 'a="b"']], A, 'a="b"'],
  ["5.2 an empty value", [[A, "a="]], A, "a="],
  ["5.2 no equals sign: ignored", [[A, "a"]], A, null],
  ["5.2 an empty name: ignored", [[A, "=b"]], A, null],
  ["5.2 an unknown attribute is ignored", [[A, "a=b; x; y=z"]], A, "a=b"],
  ["5.2 a comma is part of the value", [[A, "a=b, c=d"]], A, "a=b, c=d"],
  ["5.2 the last of two attributes", [[A, "a=b; Path=/x; Path=/"]], A, "a=b"],
  ["5.2.1 Expires in the past", [[A, `a=b; ${PAST}`]], A, null],
  ["5.2.1 Expires in the future", [[A, `a=b; ${FUTURE}`]], A, "a=b"],
  ["5.2.1 Expires unreadable: ignored", [[A, "a=b; Expires=soon"]], A, "a=b"],
  ["5.2.2 Max-Age zero", [[A, "a=b; Max-Age=0"]], A, null],
  ["5.2.2 Max-Age negative", [[A, "a=b; Max-Age=-1"]], A, null],
  ["5.2.2 Max-Age positive", [[A, "a=b; Max-Age=1"]], A, "a=b"],
  ["5.2.2 Max-Age not a number: ignored", [[A, "a=b; Max-Age=1x"]], A, "a=b"],
  ["5.2.2 Max-Age beats Expires", [[A, `a=b; Max-Age=9; ${PAST}`]], A, "a=b"],
  ["5.2.3 Domain's leading dot", [[A, "a=b; Domain=.example.com"]], BELOW, "a=b"],
  ["5.2.3 Domain in any case", [[A, "a=b; dOMAIN=EXAMPLE.com"]], BELOW, "a=b"],
  ["5.2.3 Domain empty: ignored", [[A, "a=b; Domain="]], A, "a=b"],
  [
    "5.2.4 Path without slash: the default",
    [[DEEP, "a=b; Path=x"]],
    "http://example.com/dir",
    "a=b",
  ],
  ["5.2.4 Path empty: the default", [[DEEP, "a=b; Path="]], A, null],
  ["5.2.5 Secure, over http", [[SSL, "a=b; Secure"]], A, null],
  ["5.2.5 Secure, over https", [[SSL, "a=b; Secure"]], SSL, "a=b"],
  ["5.2.5 Secure with a value", [[SSL, "a=b; Secure=no"]], A, null],
  ["5.2.6 HttpOnly is for scripts", [[A, "a=b; HttpOnly"]], A, "a=b"],
  // section 5.1.3: domains
  ["5.1.3 host only", [[A, "a=b"]], BELOW, null],
  [
    "5.1.3 the same end without a dot",
    [[A, "a=b; Domain=example.com"]],
    "http://badexample.com/",
    null,
  ],
  [
    "5.1.3 several labels below",
    [[A, "a=b; Domain=example.com"]],
    "http://x.y.example.com/",
    "a=b",
  ],
  [
    "5.1.3 an address has no domains",
    [["http://192.0.2.1/", "a=b; Domain=2.1"]],
    "http://192.0.2.1/",
    null,
  ],
  ["5.1.2 hosts in any case", [["http://EXAMPLE.com/", "a=b"]], A, "a=b"],
  // section 5.1.4: paths
  ["5.1.4 the default is the folder", [[DEEP, "a=b"]], "http://example.com/dir/other", "a=b"],
  ["5.1.4 and not above it", [[DEEP, "a=b"]], A, null],
  ["5.1.4 the default of `/x` is `/`", [["http://example.com/x", "a=b"]], A, "a=b"],
  ["5.1.4 a prefix ends at a slash", [[A, "a=b; Path=/dir"]], "http://example.com/dirt", null],
  ["5.1.4 the path itself", [[A, "a=b; Path=/dir"]], "http://example.com/dir", "a=b"],
  ["5.1.4 a slash at the end is meant", [[A, "a=b; Path=/dir/"]], "http://example.com/dir", null],
  ["5.1.4 paths have a case", [[A, "a=b; Path=/dir"]], "http://example.com/DIR", null],
  [
    "5.1.4 a query is no path",
    [["http://example.com/d/p?q=/x/y", "a=b"]],
    "http://example.com/d/",
    "a=b",
  ],
  // section 5.3: what a jar keeps
  ["5.3 step 5, a public suffix", [[A, "a=b; Domain=com"]], A, null],
  ["5.3 step 6, a host below", [[A, "a=b; Domain=x.example.com"]], BELOW, null],
  ["5.3 step 6, another host", [[A, "a=b; Domain=example.org"]], "http://example.org/", null],
  ["5.3 step 11, replaced", [[A, "a=b"], [A, "a=c"]], A, "a=c"],
  ["5.3 step 11, in its place", [[A, "a=b"], [A, "c=d"], [A, "a=e"]], A, "a=e; c=d"],
  ["5.3 step 11, another path is another", [[A, "a=b"], [A, "a=c; Path=/dir"]], DEEP, "a=c; a=b"],
  ["5.3 names have a case", [[A, "a=b"], [A, "A=c"]], A, "a=b; A=c"],
  ["5.3 taken back", [[A, "a=b"], [A, "a=; Max-Age=0"]], A, null],
  ["5.3 not taken back from another path", [[A, "a=b"], [A, "a=; Max-Age=0; Path=/x"]], A, "a=b"],
  // section 5.4: Cookie
  ["5.4 longer paths first", [[A, "a=b"], [A, "c=d; Path=/dir"]], DEEP, "c=d; a=b"],
  ["5.4 then the older", [[A, "b=1"], [A, "a=2"]], A, "b=1; a=2"],
  ["8.5 ports are not told apart", [["http://example.com:8080/", "a=b"]], A, "a=b"],
];

/** Section 5.1.1, dates; seconds, or `null` for a date that fails. */
const DATES: readonly [text: string, seconds: number | null][] = [
  ["Sun, 06 Nov 1994 08:49:37 GMT", 784111777],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 784111777],
  ["Sun Nov  6 08:49:37 1994", 784111777],
  ["1994 NOVEMBER 6; 8:49:37", 784111777],
  ["06 Nov 1994 08:49:37 UTC+0200", 784111777],
  ["01 Jan 69 00:00:00", 3124224000],
  ["01 Jan 70 00:00:00", 0],
  ["32 Jan 2001 00:00:00", null],
  ["00 Jan 2001 00:00:00", null],
  ["30 Feb 2001 00:00:00", null],
  ["01 Jan 1600 00:00:00", null],
  ["01 Jan 2001 24:00:00", null],
  ["01 Jan 2001 00:60:00", null],
  ["01 Jan 2001 00:00:60", null],
  ["01 Jan 2001", null],
  ["Jan 2001 00:00:00", null],
  ["01 2001 00:00:00", null],
  ["01 Jan 00:00:00", null],
];

function hostOf(url: string): CookieHost {
  const { hostname, pathname, protocol } = new URL(url);
  return { host: hostname, path: pathname, secure: protocol === "https:" };
}

export const COOKIES: Suite = {
  name: "Cookies",
  async run() {
    const tally = new Tally("RFC 6265 sections 5.1 to 5.4, as rows");
    for (const [rule, sets, to, wanted] of ROWS) {
      const store = new CookieStore();
      for (const [url, field] of sets) store.set(field, hostOf(url), NOW);
      tally.equal(rule, store.header(hostOf(to), NOW), wanted);
    }
    for (const [text, seconds] of DATES) {
      tally.equal(`5.1.1 ${text}`, String(parseCookieDate(text)), String(seconds));
    }
    return tally;
  },
};

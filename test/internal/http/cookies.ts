// Cookies by RFC 6265, in tables with reasons: reading, setting, choosing, forgetting, saving.
import t from "tap";
import {
  CookieStore,
  cookieFrom,
  defaultPath,
  domainMatches,
  isPublicSuffix,
  MAX_ATTRIBUTE,
  MAX_COOKIE,
  MAX_COOKIES,
  MAX_FIELD,
  MAX_PER_DOMAIN,
  parseCookieDate,
  parseSetCookie,
  pathMatches,
  type CookieHost,
} from "../../../lib/internal/http/cookies.js";

const NOW = 1_000_000_000;

/** Who speaks: the parts of an http or https URL. */
function at(url: string): CookieHost {
  const match = /^(https?):\/\/(\[[^\]]*\]|[^/:]*)(?::\d+)?(\/.*)?$/.exec(url);
  return { host: match?.[2] ?? "", path: match?.[3] ?? "/", secure: match?.[1] === "https" };
}

const HERE = at("https://www.example.com/shop/cart");

t.test("names and values", async (t) => {
  const rows: [reason: string, field: string, name: string | null, value?: string][] = [
    ["plain", "a=b", "a", "b"],
    ["blanks around both", "  a \t=  b  ", "a", "b"],
    ["an empty value", "a=", "a", ""],
    ["more equals signs belong to the value", "a=b=c==", "a", "b=c=="],
    ["quotes belong to the value", 'a="b c"', "a", '"b c"'],
    ["attributes end it", "a=b; Path=/", "a", "b"],
    ["bytes above ASCII", "a=\xe4\xff", "a", "\xe4\xff"],
    ["UTF-8 that ends in 0xA0, which is no blank", "a=voil\xc3\xa0; Path=/", "a", "voil\xc3\xa0"],
    ["a tab inside", "a=b\tc", "a", "b\tc"],
    ["no name", "=b", null],
    ["no equals sign", "a", null],
    ["nothing", "", null],
    ["attributes alone", "; Path=/", null],
    ["NUL", "a=b\0c", null],
    ["CR", "a=b\rX-Evil: 1", null],
    ["LF", "a=b\nc", null],
    ["a control character in an attribute", "a=b; Path=/\x01", null],
    ["at the limit of size", `a=${"x".repeat(MAX_COOKIE - 1)}`, "a", "x".repeat(MAX_COOKIE - 1)],
    ["above it", `a=${"x".repeat(MAX_COOKIE)}`, null],
    ["a name of Object.prototype", "__proto__=1", "__proto__", "1"],
  ];
  for (const [reason, field, name, value] of rows) {
    const cookie = parseSetCookie(field, HERE, NOW);
    if (name === null) t.equal(cookie, null, reason);
    else t.match(cookie, { name, value }, reason);
  }
});

t.test("attributes", async (t) => {
  const rows: [reason: string, attributes: string, wanted: object][] = [
    ["none", "", { domain: "www.example.com", hostOnly: true, path: "/shop", expires: null,
      secure: false, httpOnly: false }],
    ["names in any case", "; SECURE; httponly", { secure: true, httpOnly: true }],
    ["flags with values", "; Secure=no; HttpOnly=0", { secure: true, httpOnly: true }],
    ["unknown ones", "; SameSite=None; Priority=High; x", { secure: false }],
    ["a path", "; Path=/x", { path: "/x" }],
    ["blanks around it", ";  path  =  /x  ", { path: "/x" }],
    ["a path that is none", "; Path=x", { path: "/shop" }],
    ["an empty path", "; Path=", { path: "/shop" }],
    ["the last path counts", "; Path=/x; Path=/y", { path: "/y" }],
    ["a path above the limit", `; Path=/${"x".repeat(MAX_ATTRIBUTE)}`, { path: "/shop" }],
    ["an age", "; Max-Age=60", { expires: NOW + 60 }],
    ["no age", "; Max-Age=0", { expires: 0 }],
    ["a negative age", "; Max-Age=-1", { expires: 0 }],
    ["an age that is none", "; Max-Age=1h", { expires: null }],
    ["an age with a sign", "; Max-Age=+5", { expires: null }],
    ["an age without end", `; Max-Age=${"9".repeat(30)}`, { expires: 2 ** 52 }],
    ["a date", "; Expires=Sun, 06 Nov 1994 08:49:37 GMT", { expires: 784111777 }],
    ["the age beats the date", "; Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
      { expires: NOW + 60 }],
    ["a date that is none", "; Expires=never", { expires: null }],
    ["and leaves the one before", "; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Expires=never",
      { expires: 784111777 }],
    ["an empty attribute", ";;;Secure", { secure: true }],
  ];
  for (const [reason, attributes, wanted] of rows) {
    t.match(parseSetCookie(`a=b${attributes}`, HERE, NOW), wanted, reason);
  }
});

t.test("domains", async (t) => {
  const rows: [reason: string, host: string, wanted: string,
    found: [domain: string, hostOnly: boolean] | null][] = [
    ["none", "www.example.com", "", ["www.example.com", true]],
    ["the host itself", "www.example.com", "www.example.com", ["www.example.com", false]],
    ["above", "www.example.com", "example.com", ["example.com", false]],
    ["a leading dot", "www.example.com", ".example.com", ["example.com", false]],
    ["two leading dots", "www.example.com", "..example.com", null],
    ["upper case", "WWW.example.com", "EXAMPLE.com", ["example.com", false]],
    ["below", "example.com", "www.example.com", null],
    ["beside", "www.example.com", "ftp.example.com", null],
    ["the same end without a dot", "badexample.com", "example.com", null],
    ["another one", "www.example.com", "example.org", null],
    ["a top level", "www.example.com", "com", null],
    ["a top level with dots", "www.example.com", ".com.", null],
    ["a trailing dot", "www.example.com", "example.com.", null],
    ["a registry of a country", "shop.co.uk", "co.uk", null],
    ["another registry", "www.shop.com.au", "com.au", null],
    ["below a registry", "www.shop.co.uk", "shop.co.uk", ["shop.co.uk", false]],
    ["a dot alone", "www.example.com", ".", ["www.example.com", true]],
    ["a host of one label", "localhost", "localhost", ["localhost", true]],
    ["IPv4", "192.0.2.1", "", ["192.0.2.1", true]],
    ["IPv4 itself", "192.0.2.1", "192.0.2.1", ["192.0.2.1", true]],
    ["a part of IPv4", "192.0.2.1", "2.1", null],
    ["the end of IPv4", "192.0.2.1", "1", null],
    ["IPv6", "[2001:db8::1]", "", ["[2001:db8::1]", true]],
    ["a part of IPv6", "[2001:db8::1]", ":1]", null],
    ["a name that ends like an address", "example.10", "10", null],
  ];
  for (const [reason, host, wanted, found] of rows) {
    const field = wanted === "" ? "a=b" : `a=b; Domain=${wanted}`;
    const cookie = parseSetCookie(field, { host, path: "/", secure: true }, NOW);
    if (found === null) t.equal(cookie, null, reason);
    else t.match(cookie, { domain: found[0], hostOnly: found[1] }, reason);
  }
});

t.test("promises of names", async (t) => {
  const rows: [reason: string, field: string, secure: boolean, kept: boolean][] = [
    ["__Secure- kept", "__Secure-a=b; Secure", true, true],
    ["__Secure- without Secure", "__Secure-a=b", true, false],
    ["__Host- kept", "__Host-a=b; Secure; Path=/", true, true],
    ["__host- in any case", "__hOST-a=b; Secure; Path=/", true, true],
    ["__Host- with a domain", "__Host-a=b; Secure; Path=/; Domain=example.com", true, false],
    ["__Host- without path", "__Host-a=b; Secure", true, false],
    ["__Host- with a path", "__Host-a=b; Secure; Path=/shop", true, false],
    ["Secure over plain http", "a=b; Secure", false, false],
    ["nothing promised", "a=b", false, true],
  ];
  for (const [reason, field, secure, kept] of rows) {
    t.equal(parseSetCookie(field, { ...HERE, secure }, NOW) !== null, kept, reason);
  }
});

t.test("domain match", async (t) => {
  const rows: [host: string, domain: string, matches: boolean][] = [
    ["example.com", "example.com", true],
    ["a.example.com", "example.com", true],
    ["a.b.example.com", "example.com", true],
    ["aexample.com", "example.com", false],
    ["example.com", "a.example.com", false],
    ["1.2.3.4", "3.4", false],
    ["1.2.3.4", "1.2.3.4", true],
    ["[::1]", "[::1]", true],
  ];
  for (const [host, domain, matches] of rows) t.equal(domainMatches(host, domain), matches, host);
});

t.test("path match, and the path by default", async (t) => {
  const rows: [path: string, cookie: string, matches: boolean][] = [
    ["/", "/", true],
    ["/a", "/", true],
    ["/a", "/a", true],
    ["/a/", "/a", true],
    ["/a/b", "/a", true],
    ["/a/b", "/a/", true],
    ["/ab", "/a", false],
    ["/a", "/a/", false],
    ["/", "/a", false],
    ["/A", "/a", false],
    ["*", "/", true],
  ];
  for (const [path, cookie, matches] of rows) {
    t.equal(pathMatches(path, cookie), matches, `${cookie} for ${path}`);
  }
  const defaults: [path: string, wanted: string][] = [
    ["/", "/"],
    ["/a", "/"],
    ["/a/", "/a"],
    ["/a/b", "/a"],
    ["/a/b/", "/a/b"],
    ["", "/"],
    ["*", "/"],
  ];
  for (const [path, wanted] of defaults) t.equal(defaultPath(path), wanted, path);
});

t.test("public suffixes, as far as can be told", async (t) => {
  for (const name of ["com", "localhost", "co.uk", "com.au", "ne.jp", "gov.br", "com."]) {
    t.ok(isPublicSuffix(name), name);
  }
  for (const name of ["example.com", "go.com", "t.co", "example.co.uk", "bbc.uk", "com.com"]) {
    t.notOk(isPublicSuffix(name), name);
  }
});

t.test("dates", async (t) => {
  const wanted = 784111777;
  const rows: [text: string, seconds: number | null][] = [
    ["Sun, 06 Nov 1994 08:49:37 GMT", wanted],
    ["Sunday, 06-Nov-94 08:49:37 GMT", wanted],
    ["Sun Nov  6 08:49:37 1994", wanted],
    ["6 nov 1994 8:49:37", wanted],
    ["1994 November 6, 08:49:37", wanted],
    ["08:49:37 6 Nov 94 and more", wanted],
    ["Nov 6 08:49:37 1994 Dec 7 09:50:38 1995", wanted],
    ["01 Jan 70 00:00:00", 0],
    ["01 Jan 69 00:00:00", 3124224000],
    ["31 Dec 9999 23:59:59", 253402300799],
    ["29 Feb 2000 00:00:00", 951782400],
    ["29 Feb 2001 00:00:00", null],
    ["31 Apr 2001 00:00:00", null],
    ["00 Jan 2001 00:00:00", null],
    ["01 Jan 1600 00:00:00", null],
    ["01 Jan 2001 24:00:00", null],
    ["01 Jan 2001 00:60:00", null],
    ["01 Jan 2001 00:00:60", null],
    ["01 Jan 2001", null],
    ["Jan 2001 00:00:00", null],
    ["01 2001 00:00:00", null],
    ["", null],
  ];
  for (const [text, seconds] of rows) t.equal(parseCookieDate(text), seconds, text);
});

/** What a store sends after these fields were set. */
function sent(
  sets: readonly [url: string, field: string][],
  to: string,
  now: number = NOW,
): string | null {
  const store = new CookieStore();
  for (const [url, field] of sets) store.set(field, at(url), NOW);
  return store.header(at(to), now);
}

t.test("which cookies are sent", async (t) => {
  const shop = "http://www.example.com/shop/cart";
  const rows: [reason: string, sets: [url: string, field: string][], to: string,
    wanted: string | null][] = [
    ["back to where it came from", [[shop, "a=1"]], shop, "a=1"],
    ["below its path", [[shop, "a=1"]], "http://www.example.com/shop/x/y", "a=1"],
    ["not above it", [[shop, "a=1"]], "http://www.example.com/", null],
    ["not to hosts below", [[shop, "a=1"]], "http://a.www.example.com/shop/", null],
    ["not to the host above", [[shop, "a=1; Path=/"]], "http://example.com/", null],
    ["over the whole domain", [[shop, "a=1; Path=/; Domain=example.com"]],
      "http://ftp.example.com/", "a=1"],
    ["another port", [[shop, "a=1"]], "http://www.example.com:8080/shop/", "a=1"],
    ["http to https", [[shop, "a=1"]], "https://www.example.com/shop/", "a=1"],
    ["Secure to https", [["https://a.example/", "a=1; Secure"]], "https://a.example/", "a=1"],
    ["Secure not to http", [["https://a.example/", "a=1; Secure"]], "http://a.example/", null],
    ["HttpOnly says nothing", [[shop, "a=1; HttpOnly"]], shop, "a=1"],
    ["SameSite says nothing", [[shop, "a=1; SameSite=Strict"]], shop, "a=1"],
    ["several in their order", [[shop, "b=1"], [shop, "a=2"]], shop, "b=1; a=2"],
    ["longer paths first", [[shop, "a=1; Path=/"], [shop, "b=2; Path=/shop"]], shop, "b=2; a=1"],
    ["one name on two paths", [[shop, "a=1; Path=/"], [shop, "a=2"]], shop, "a=2; a=1"],
    ["the last value", [[shop, "a=1"], [shop, "a=2"]], shop, "a=2"],
    ["in the place of the first", [[shop, "a=1"], [shop, "b=2"], [shop, "a=3"]], shop, "a=3; b=2"],
    ["names differ by case", [[shop, "a=1"], [shop, "A=2"]], shop, "a=1; A=2"],
    ["taken back by an age", [[shop, "a=1"], [shop, "a=; Max-Age=0"]], shop, null],
    ["taken back by a date", [[shop, "a=1"], [shop, "a=; Expires=Thu, 01-Jan-1970 00:00:01 GMT"]],
      shop, null],
    ["not taken back elsewhere", [[shop, "a=1"], [shop, "a=; Max-Age=0; Path=/"]], shop, "a=1"],
    ["hosts in any case", [["http://WWW.Example.com/", "a=1"]], "http://www.EXAMPLE.COM/", "a=1"],
    ["IPv4", [["http://192.0.2.1/", "a=1"]], "http://192.0.2.1/", "a=1"],
    ["IPv4 beside", [["http://192.0.2.1/", "a=1"]], "http://5.192.0.2.1/", null],
    ["IPv6", [["http://[::1]/", "a=1"]], "http://[::1]/", "a=1"],
    ["http does not replace Secure",
      [["https://a.example/", "a=1; Secure"], ["http://a.example/", "a=2"]],
      "https://a.example/", "a=1"],
    ["nor from beside it",
      [["https://a.example.com/", "a=1; Secure; Domain=example.com"],
        ["http://b.example.com/", "a=2; Domain=example.com; Path=/x"]],
      "https://b.example.com/x", "a=1"],
    ["another name is free",
      [["https://a.example/", "a=1; Secure"], ["http://a.example/", "b=2"]],
      "https://a.example/", "a=1; b=2"],
  ];
  for (const [reason, sets, to, wanted] of rows) t.equal(sent(sets, to), wanted, reason);
});

t.test("time passes", async (t) => {
  const set: [string, string][] = [["http://a.example/", "a=1; Max-Age=60"]];
  t.equal(sent(set, "http://a.example/", NOW + 59), "a=1");
  t.equal(sent(set, "http://a.example/", NOW + 60), null);
});

t.test("sizes are bounded", async (t) => {
  await t.test("of a domain: what was used longest ago goes", async (t) => {
    const store = new CookieStore();
    const host = at("http://a.example/");
    for (let i = 0; i < MAX_PER_DOMAIN; i++) store.set(`n${i}=1; Path=/p${i}`, host, NOW);
    store.header(at("http://a.example/p0"), NOW);
    store.set("new=1", host, NOW);
    t.equal(store.size, MAX_PER_DOMAIN);
    t.equal(store.header(at("http://a.example/p0"), NOW), "n0=1; new=1", "was just used");
    t.equal(store.header(at("http://a.example/p1"), NOW), "new=1");
  });
  await t.test("of a domain: the expired go first", async (t) => {
    const store = new CookieStore();
    const host = at("http://a.example/");
    for (let i = 0; i < MAX_PER_DOMAIN; i++) {
      store.set(`n${i}=1${i === 30 ? "; Max-Age=1" : ""}`, host, NOW);
    }
    store.set("new=1", host, NOW + 5);
    t.equal(store.size, MAX_PER_DOMAIN);
    t.match(store.header(host, NOW + 5), /^n0=1; .*n29=1; n31=1; .*new=1$/);
  });
  await t.test("of a jar", async (t) => {
    const store = new CookieStore();
    for (let i = 0; i <= MAX_COOKIES + 10; i++) store.set("a=1", at(`http://h${i}.example/`), NOW);
    t.equal(store.size, MAX_COOKIES);
    t.equal(store.header(at("http://h0.example/"), NOW), null);
    t.equal(store.header(at("http://h11.example/"), NOW), "a=1");
  });
  await t.test("of a field", async (t) => {
    const store = new CookieStore();
    const host = at("http://a.example/");
    for (let i = 0; i < 5; i++) store.set(`n${i}=${"x".repeat(4000)}`, host, NOW);
    const field = store.header(host, NOW) ?? "";
    t.ok(field.length <= MAX_FIELD);
    t.match(field, /^n0=x+; n1=x+$/);
  });
});

t.test("as JSON", async (t) => {
  const store = new CookieStore();
  store.set("a=1; Max-Age=60; Domain=example.com; Secure", HERE, NOW);
  store.set("b=2", HERE, NOW);
  const saved = JSON.parse(JSON.stringify(store.list(NOW, true))) as unknown[];
  t.equal(saved.length, 2);
  t.equal(store.list(NOW, false).length, 1, "those of the session left out");
  t.equal(store.list(NOW + 60, true).length, 1, "expired ones too");
  const again = new CookieStore();
  for (const entry of saved) again.put(cookieFrom(entry)!, true, NOW);
  t.strictSame(again.list(NOW, true), store.list(NOW, true));
  const good = saved[0] as Record<string, unknown>;
  t.ok(cookieFrom(good));
  const bad: [string, unknown][] = [
    ["name", ""], ["name", "a;b"], ["name", "a\r\n"], ["name", "\u263a"], ["name", 5],
    ["value", "a;b"], ["value", "a\nb"], ["value", "x".repeat(5000)], ["value", undefined],
    ["domain", ""], ["domain", "EXAMPLE.com"], ["domain", "a b"], ["domain", "com"],
    ["path", "x"], ["path", "/;"], ["path", null],
    ["expires", "soon"], ["expires", undefined], ["expires", Infinity],
    ["secure", 1], ["hostOnly", undefined], ["httpOnly", null],
  ];
  for (const [field, value] of bad) {
    t.equal(cookieFrom({ ...good, [field]: value }), null, `${field}: ${String(value)}`);
  }
  for (const value of [null, 5, "a=b", []]) t.equal(cookieFrom(value), null);
});

t.test("a jar that is full takes no more time for each cookie", async (t) => {
  const store = new CookieStore();
  const from = { host: "h", path: "/", secure: true };
  const begun = process.cpuUsage().user;
  for (let i = 0; i < 30_000; i++) {
    const host = `h${i % 2500}.example.org`;
    store.set(`c${i}=v; Max-Age=1000`, { ...from, host }, 0);
  }
  t.equal(store.size, 3000);
  t.ok(process.cpuUsage().user - begun < 10_000_000);
});

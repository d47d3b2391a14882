// Where redirects lead, what goes along, and why one is not followed: tables with reasons.
import t from "tap";
import {
  isSameOrigin,
  redirectAfter,
  redirectFields,
  type Redirected,
  type Redirecting,
} from "../../../lib/internal/script/redirect.js";

const FROM = "https://example.com/a/b?q=1";

/** The response to a GET that may be redirected once. */
function after(
  code: number,
  fields: Redirecting["fields"],
  more: Partial<Redirecting> = {},
): Redirected | string | null {
  const first = { from: FROM, method: "GET", body: "none", taken: 0, limit: 1 } as const;
  return redirectAfter({ ...first, code, fields, ...more });
}

t.test("places", async (t) => {
  const rows: [reason: string, location: string, scheme: string, host: string, port: number,
    target: string][] = [
    ["absolute", "https://other.net/x?y=1", "https", "other.net", 443, "/x?y=1"],
    ["a port of its own", "https://example.com:8443/", "https", "example.com", 8443, "/"],
    ["no path", "https://example.com", "https", "example.com", 443, "/"],
    ["a path", "/c", "https", "example.com", 443, "/c"],
    ["a relative path", "c", "https", "example.com", 443, "/a/c"],
    ["up", "../c", "https", "example.com", 443, "/c"],
    ["a query alone", "?z=2", "https", "example.com", 443, "/a/b?z=2"],
    ["another host, same scheme", "//cdn.example.com/x", "https", "cdn.example.com", 443, "/x"],
    ["the fragment stays here", "/c#part", "https", "example.com", 443, "/c"],
    ["credentials in the URL are not used", "https://u:p@other.net/", "https", "other.net", 443,
      "/"],
    ["an address", "https://[::1]:444/", "https", "[::1]", 444, "/"],
    ["UTF-8 that should have been escaped", "/\u00c3\u00a9 x", "https", "example.com", 443,
      "/%C3%A9%20x"],
    ["upper case", "HTTPS://Example.COM/", "https", "Example.COM", 443, "/"],
  ];
  for (const [reason, location, scheme, host, port, target] of rows) {
    const destination = { scheme, host, port, target };
    const expected = { destination, method: "GET", withBody: false };
    t.strictSame(after(302, [["Location", location]]), expected, reason);
  }
});

t.test("what is no redirect", async (t) => {
  for (const code of [200, 201, 204, 304, 306, 399, 404, 503]) {
    t.equal(after(code, [["Location", "/a"]]), null, `${code}`);
  }
  t.equal(after(300, []), null, "300 without a preferred choice");
});

t.test("what is not followed", async (t) => {
  const rows: [code: number, fields: [string, string][], reason: string][] = [
    [302, [], "the response has no Location"],
    [302, [["Location", "/a"], ["location", "/b"]], "the response has different Locations"],
    [300, [["Location", "/a"]], "300 leaves the choice to the program"],
    [305, [["Location", "http://proxy/"]], "305 names a proxy"],
    [302, [["Location", "http://example.com/"]],
      'the Location "http://example.com/" leads from https to http'],
    [302, [["Location", "file:///etc/passwd"]],
      'the Location "file:///etc/passwd" is neither http nor https'],
    [302, [["Location", "javascript:alert(1)"]],
      'the Location "javascript:alert(1)" is neither http nor https'],
    [302, [["Location", "unix:/run/docker.sock"]],
      'the Location "unix:/run/docker.sock" is neither http nor https'],
    [302, [["Location", "https:///a"]], 'the Location "https:///a" names no host'],
    [302, [["Location", "https:a"]], 'the Location "https:a" names no host'],
    [302, [["Location", "https:/a"]], 'the Location "https:/a" names no host'],
    [302, [["Location", "https://a b/"]], 'the Location "https://a b/" names no host'],
    [302, [["Location", "https://example.com:65536/"]],
      'the Location "https://example.com:65536/" cannot be read'],
    [302, [["Location", "https://[::1/"]], 'the Location "https://[::1/" cannot be read'],
    [302, [["Location", "http://u:p@h/?sig=1"]],
      'the Location "http://…@h/?sig=…" leads from https to http'],
  ];
  for (const [code, fields, reason] of rows) t.equal(after(code, fields), reason);
  const twice: [string, string][] = [["Location", "/a"], ["Location", "/a"]];
  t.match(after(302, twice), { destination: { target: "/a" } }, "twice the same is one");
});

t.test("limits and bodies", async (t) => {
  const to: [string, string][] = [["Location", "/c"]];
  t.equal(after(302, to, { limit: 0 }), "no redirects are to be followed");
  t.equal(after(302, to, { limit: 1, taken: 1 }), "1 redirect was followed");
  t.equal(after(302, to, { limit: 5, taken: 5 }), "5 redirects were followed");
  t.match(after(302, to, { limit: 5, taken: 4 }), { method: "GET" });
  const once = { method: "PUT", body: "once" } as const;
  for (const code of [301, 302, 307, 308]) {
    t.equal(after(code, to, once), "the request body cannot be sent again", `${code}`);
  }
  t.match(after(303, to, once), { method: "GET", withBody: false });
  const post = { method: "POST", body: "once" } as const;
  t.match(after(302, to, post), { method: "GET", withBody: false });
});

t.test("methods", async (t) => {
  const rows: [code: number, method: string, then: string, withBody: boolean][] = [
    [301, "POST", "GET", false],
    [302, "POST", "GET", false],
    [303, "POST", "GET", false],
    [303, "PUT", "GET", false],
    [303, "GET", "GET", false],
    [303, "HEAD", "HEAD", false],
    [301, "PUT", "PUT", true],
    [302, "PROPFIND", "PROPFIND", true],
    [307, "POST", "POST", true],
    [308, "POST", "POST", true],
    [308, "DELETE", "DELETE", true],
  ];
  for (const [code, method, then, withBody] of rows) {
    const next = after(code, [["Location", "/c"]], { method, body: "repeatable" });
    t.match(next, { method: then, withBody }, `${code} to ${method}`);
  }
});

t.test("fields", async (t) => {
  const body = ["Content-Type", "content-language", "Content-Encoding"];
  const harmless = ["Accept", "accept-language", "Accept-Encoding", "Depth", "If-Match",
    "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range", "Overwrite",
    "Prefer", "Cache-Control", "Pragma", "User-Agent"];
  const own = ["Authorization", "cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "DPoP",
    "X-JWT-Assertion", "X-OTP", "X-Amz-Signature", "Session-Id", "If", "Lock-Token", "Destination",
    "Referer", "Origin", "Host", "X-Requested-With", "X-Anything", "Accepted", "Ranged", "Via"];
  const ofTheBody = ["Content-Disposition", "Content-MD5"];
  const all = [...body, ...harmless, ...own, ...ofTheBody].map((name) => [name, "v"] as const);
  const names = (withBody: boolean, sameOrigin: boolean, ...allowed: string[]): string[] =>
    redirectFields(all, withBody, sameOrigin, new Set(allowed)).map(([name]) => name);
  t.strictSame(names(true, true), all.map(([name]) => name));
  t.strictSame(names(false, true), [...harmless, ...own]);
  t.strictSame(names(true, false), [...body, ...harmless]);
  t.strictSame(names(false, false), harmless);
  const more = names(false, false, "x-anything", "authorization", "host", "content-md5");
  t.strictSame(more, [...harmless, "Authorization", "X-Anything"], "what the program allows");
});

t.test("origins", async (t) => {
  const here = { scheme: "http", host: "example.com", port: 80 };
  t.ok(isSameOrigin(here, { ...here, host: "EXAMPLE.com" }));
  t.notOk(isSameOrigin(here, { ...here, host: "www.example.com" }));
  t.notOk(isSameOrigin(here, { ...here, port: 8080 }));
  t.notOk(isSameOrigin(here, { scheme: "https", host: "example.com", port: 80 }));
});

t.test("from http it leads to both, whatever the port", async (t) => {
  const rows: [location: string, scheme: string, port: number, target: string][] = [
    ["http://example.com", "http", 80, "/"],
    ["http://example.com:1/", "http", 1, "/"],
    ["https://example.com/a?", "https", 443, "/a?"],
    ["?", "http", 8080, "/a?"],
  ];
  for (const [location, scheme, port, target] of rows) {
    const next = after(307, [["LOCATION", location]], { from: "http://example.com:8080/a?b" });
    t.match(next, { destination: { scheme, host: "example.com", port, target } }, location);
  }
  t.equal(after(305, []), null, "305 without a proxy");
  t.equal(after(302, [["Location", "/a"]], { from: "no URL" }), 'the Location "/a" cannot be read');
});

t.test("a long Location is shown by its beginning", async (t) => {
  const location = `file:///${"x".repeat(300)}`;
  const reason = `the Location "${location.slice(0, 200)}" is neither http nor https`;
  t.equal(after(302, [["Location", location]]), reason);
});

// Where redirects lead, and what goes along: tables with reasons.
import t from "tap";
import {
  isSameOrigin,
  redirectFields,
  redirectMethod,
  redirectTarget,
} from "../../../lib/internal/script/redirect.js";

const FROM = "https://example.com/a/b?q=1";

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
    const place = redirectTarget(302, [["Location", location]], FROM);
    t.strictSame(place, { scheme, host, port, target }, reason);
  }
});

t.test("what is not followed", async (t) => {
  const rows: [reason: string, code: number, fields: [string, string][]][] = [
    ["no Location", 302, []],
    ["two of them", 302, [["Location", "/a"], ["location", "/b"]]],
    ["300 leaves the choice", 300, [["Location", "/a"]]],
    ["304 is none", 304, [["Location", "/a"]]],
    ["305 would be a proxy", 305, [["Location", "http://proxy/"]]],
    ["201 is a success", 201, [["Location", "/a"]]],
    ["plain http after https", 302, [["Location", "http://example.com/"]]],
    ["a file", 302, [["Location", "file:///etc/passwd"]]],
    ["a script", 302, [["Location", "javascript:alert(1)"]]],
    ["a socket", 302, [["Location", "unix:/run/docker.sock"]]],
    ["no host", 302, [["Location", "https:///a"]]],
    ["a host with a blank", 302, [["Location", "https://a b/"]]],
    ["a port too large", 302, [["Location", "https://example.com:65536/"]]],
    ["no URI", 302, [["Location", "https://[::1/"]]],
  ];
  for (const [reason, code, fields] of rows) {
    t.equal(redirectTarget(code, fields, FROM), null, reason);
  }
  const twice: [string, string][] = [["Location", "/a"], ["Location", "/a"]];
  t.match(redirectTarget(302, twice, FROM), { target: "/a" }, "twice the same is one");
});

t.test("methods", async (t) => {
  const rows: [code: number, method: string, then: string][] = [
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [301, "PUT", "PUT"],
    [302, "PROPFIND", "PROPFIND"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [308, "DELETE", "DELETE"],
  ];
  for (const [code, method, then] of rows) {
    t.equal(redirectMethod(code, method), then, `${code} to ${method}`);
  }
});

t.test("fields", async (t) => {
  const body = ["Content-Type", "content-language"];
  const secret = ["Authorization", "cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token",
    "X-CSRF-Token", "X-Amz-Signature", "Session-Id", "If", "Referer", "Host"];
  const plain = ["Accept", "Depth", "X-Requested-With", "If-None-Match", "Range", "Overwrite"];
  const all = [...body, ...secret, ...plain].map((name) => [name, "v"] as const);
  const names = (keepsBody: boolean, sameOrigin: boolean): string[] =>
    redirectFields(all, keepsBody, sameOrigin).map(([name]) => name);
  t.strictSame(names(true, true), [...body, ...secret, ...plain]);
  t.strictSame(names(false, true), [...secret, ...plain]);
  t.strictSame(names(true, false), [...body, ...plain]);
  t.strictSame(names(false, false), plain);
});

t.test("origins", async (t) => {
  const here = { scheme: "http", host: "example.com", port: 80 };
  t.ok(isSameOrigin(here, { ...here, host: "EXAMPLE.com" }));
  t.notOk(isSameOrigin(here, { ...here, host: "www.example.com" }));
  t.notOk(isSameOrigin(here, { ...here, port: 8080 }));
  t.notOk(isSameOrigin(here, { scheme: "https", host: "example.com", port: 80 }));
});

// The proxy that the environment names.
import t from "tap";
import { bypassFromEnv, parseProxyUrl, proxyFromEnv } from "../../../lib/internal/proxy/env.js";

const at = (host: string, port = 1080) => ({ scheme: "http" as const, host, port });

t.test("which variable counts", async (t) => {
  const rows: [string, Record<string, string>, string | null, string][] = [
    ["http", {}, null, "none"],
    ["http", { http_proxy: "a:1" }, "a", "by scheme"],
    ["https", { http_proxy: "a:1" }, null, "not of the other scheme"],
    ["https", { https_proxy: "b:1" }, "b", "by scheme"],
    ["HTTPS", { https_proxy: "b:1" }, "b", "scheme in any case"],
    ["http", { HTTP_PROXY: "A:1" }, "A", "upper case"],
    ["http", { HTTP_PROXY: "A:1", http_proxy: "a:1" }, "a", "lower case first"],
    ["http", { HTTP_PROXY: "A:1", REQUEST_METHOD: "GET" }, null, "a CGI program (httpoxy)"],
    ["http", { http_proxy: "a:1", REQUEST_METHOD: "GET" }, "a", "lower case is safe there"],
    ["https", { HTTPS_PROXY: "B:1", REQUEST_METHOD: "GET" }, "B", "and so is the other"],
    ["http", { all_proxy: "c:1" }, "c", "for all"],
    ["http", { ALL_PROXY: "C:1" }, "C", "for all, upper case"],
    ["http", { all_proxy: "c:1", http_proxy: "a:1" }, "a", "its own first"],
    ["http", { all_proxy: "c:1", HTTP_PROXY: "A:1" }, "A", "also in upper case"],
    ["http", { http_proxy: "", all_proxy: "c:1" }, "c", "empty is none"],
    ["dav", { http_proxy: "a:1", dav_proxy: "d:1" }, "d", "another scheme"],
    ["http", { http_proxy: "a:1", no_proxy: "server" }, null, "no_proxy"],
    ["http", { http_proxy: "a:1", NO_PROXY: "server" }, null, "NO_PROXY"],
    ["http", { http_proxy: "a:1", no_proxy: "x", NO_PROXY: "server" }, "a", "lower case first"],
    ["http", { http_proxy: "a:1", no_proxy: "", NO_PROXY: "server" }, null, "empty is none"],
    ["http", { http_proxy: "a:1", no_proxy: "x,, y\tserver:80" }, null, "a list"],
    ["http", { http_proxy: "a:1", no_proxy: "x,server:81" }, "a", "another port"],
    ["http", { http_proxy: "a:1", no_proxy: "*" }, null, "everything"],
    ["http", { http_proxy: "a:1", no_proxy: "a/b [x ::" }, "a", "what is no entry is passed over"],
    ["http", { http_proxy: "ftp://a:1", no_proxy: "server" }, null, "no_proxy counts first"],
    ["https", { http_proxy: "ftp://a:1", https_proxy: "b:1" }, "b", "another variable's fault"],
    ["http", { HTTP_PROXY: ":", REQUEST_METHOD: "GET" }, null, "a CGI program, no use"],
  ];
  for (const [scheme, env, host, name] of rows) {
    t.equal(proxyFromEnv(scheme, "server", 80, env)?.host ?? null, host, name);
  }
});

t.test("an unusable variable is not the same as an unset one", async (t) => {
  const rows: [string, Record<string, string>, string][] = [
    ["http", { http_proxy: "ftp://a:1", all_proxy: "c:1" }, "http_proxy"],
    ["http", { HTTP_PROXY: "ftp://a:1" }, "HTTP_PROXY"],
    ["https", { https_proxy: "ftp://a:1", http_proxy: "a:1" }, "https_proxy"],
    ["https", { all_proxy: "ftp://a:1" }, "all_proxy"],
    ["https", { ALL_PROXY: "ftp://a:1", no_proxy: "other" }, "ALL_PROXY"],
    ["http", { http_proxy: " " }, "http_proxy"],
  ];
  for (const [scheme, env, variable] of rows) {
    const from = (): unknown => proxyFromEnv(scheme, "server", 80, env);
    t.throws(from, { message: new RegExp(`^Could not use ${variable}: it`) }, variable);
  }
});

t.test("only own variables count", async (t) => {
  const polluted = Object.create({ http_proxy: "evil:1" }) as Record<string, string>;
  t.equal(proxyFromEnv("http", "server", 80, polluted), null);
  t.equal(proxyFromEnv("__proto__", "server", 80, {}), null);
});

t.test("values", async (t) => {
  const rows: [string, unknown][] = [
    ["proxy:3128", at("proxy", 3128)],
    ["proxy", at("proxy", 80)],
    ["http://proxy:3128/", at("proxy", 3128)],
    ["HTTP://proxy:3128/path?x#y", at("proxy", 3128)],
    ["http://proxy", at("proxy", 80)],
    ["http://proxy:", at("proxy", 80)],
    ["https://proxy", { scheme: "https", host: "proxy", port: 443 }],
    ["socks5://proxy", { scheme: "socks5", host: "proxy", port: 1080 }],
    ["socks5h://proxy", { scheme: "socks5", host: "proxy", port: 1080 }],
    ["socks://proxy", { scheme: "socks5", host: "proxy", port: 1080 }],
    ["socks4://proxy:1", { scheme: "socks4", host: "proxy", port: 1 }],
    ["socks4a://proxy:1", { scheme: "socks4a", host: "proxy", port: 1 }],
    ["http://[::1]:3128", at("[::1]", 3128)],
    ["[fe80::1%25eth0]", at("[fe80::1%25eth0]", 80)],
    [" http://proxy ", at("proxy", 80)],
    ["http://u:p@proxy:1", { ...at("proxy", 1), username: "u", password: "p" }],
    ["http://u@proxy:1", { ...at("proxy", 1), username: "u", password: "" }],
    ["http://u:p@ss@proxy:1", { ...at("proxy", 1), username: "u", password: "p@ss" }],
    ["http://u:p:q@proxy:1", { ...at("proxy", 1), username: "u", password: "p:q" }],
    ["http://u%40d:%2F%25@proxy:1", { ...at("proxy", 1), username: "u@d", password: "/%" }],
    ["http://u:%zz@proxy:1", { ...at("proxy", 1), username: "u", password: "%zz" }],
    ["http://u:50%off%40@proxy:1", { ...at("proxy", 1), username: "u", password: "50%off@" }],
    ["http://u:%ff%2F@proxy:1", { ...at("proxy", 1), username: "u", password: "%ff%2F" }],
    ["http://@proxy:1", { ...at("proxy", 1), username: "", password: "" }],
    ["proxy:1/", at("proxy", 1)],
  ];
  for (const [text, proxy] of rows) t.strictSame(parseProxyUrl(text), proxy, text);
});

t.test("values that name no proxy, and what is said of them", async (t) => {
  const scheme = /^its scheme is none of http, https, socks4, socks4a, socks5$/;
  const host = /^its host is no name or address$/;
  const none = /^it names no host$/;
  const port = /^its port is no number from 1 to 65535$/;
  const unescaped = /^its user name or password holds "\/", "\?" or "#" unescaped$/;
  const rows: [string, RegExp][] = [
    ["ftp://proxy", scheme],
    ["htp://proxy:1", scheme],
    ["quic://proxy:1", scheme],
    ["http://", none],
    ["http://:80", none],
    ["http:///", none],
    ["http://u:secret@", none],
    ["//proxy:1", none],
    ["http:/proxy:1", none],
    ["://", none],
    ["://proxy", none],
    ["", none],
    ["http://proxy:0", port],
    ["http://proxy:99999", port],
    ["http://proxy:65536", port],
    ["http://proxy:8x", port],
    ["http://proxy:http", port],
    ["http://proxy:-1", port],
    ["http://a:1:2", port],
    ["http://proxy: 80", port],
    ["http://pro xy:80", host],
    ["http://[::1", host],
    ["http://[proxy]:80", host],
    ["http://proxy\u0000:1", host],
    ["http://::1", none],
    ["http://u:se#cret@proxy:1", unescaped],
    ["http://u:se/cret@proxy:1", unescaped],
    ["http://u:se?cret@proxy:1", unescaped],
    ["http://user:12#secret@proxy:1", unescaped],
    ["user:12/secret@proxy:1", unescaped],
  ];
  for (const [text, reason] of rows) {
    const why = parseProxyUrl(text);
    t.match(why, reason, text);
    t.notMatch(why, "cret");
  }
});

t.test("a list of a hundred thousand entries is no burden", async (t) => {
  const list = Array.from({ length: 100_000 }, (_, i) => `h${i}.example`).join(",");
  t.equal(bypassFromEnv({ no_proxy: list })("www.h99999.example", 80), true);
  parseProxyUrl("@".repeat(100_000));
  parseProxyUrl(`http://${"[".repeat(100_000)}`);
});

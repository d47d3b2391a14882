// Which servers are reached without the proxy: rows of an entry, a server, and the verdict in the
// two dialects (no_proxy of the environment, bypass list of nx_proxy).
import t from "tap";
import { bypassBy, parseRule, regexpRule } from "../../../lib/internal/proxy/bypass.js";
import { normalHost } from "../../../lib/internal/proxy/host.js";

type Row = [entry: string, host: string, port: number, direct: boolean];

const decide = (entry: string, host: string, port: number, dotMeansBelow = false): boolean => {
  const rule = parseRule(entry, dotMeansBelow);
  if (rule === null) throw new Error(`no entry: ${entry}`);
  return bypassBy([rule])(host, port);
};

const ROWS: Record<string, readonly Row[]> = {
  names: [
    ["example.com", "example.com", 80, true],
    ["example.com", "www.example.com", 80, true],
    ["example.com", "a.b.example.com", 80, true],
    ["example.com", "notexample.com", 80, false],
    ["example.com", "example.com.evil.org", 80, false],
    ["example.com", "com", 80, false],
    ["EXAMPLE.com", "www.Example.COM", 80, true],
    ["example.com.", "example.com", 80, true],
    ["example.com", "example.com.", 80, true],
    ["example.com.", "www.example.com.", 80, true],
    [".example.com", "www.example.com", 80, true],
    ["*.example.com", "www.example.com", 80, true],
    ["*.example.com", "wwwexample.com", 80, false],
    ["localhost", "localhost", 80, true],
    ["localhost", "127.0.0.1", 80, false],
    ["b\u00fccher.example", "www.B\u00dcCHER.example", 80, true],
    ["*", "anything", 1, true],
    ["*", "[::1]", 1, true],
  ],
  ports: [
    ["example.com:80", "example.com", 80, true],
    ["example.com:80", "www.example.com", 80, true],
    ["example.com:80", "example.com", 8080, false],
    ["127.0.0.1:80", "127.0.0.1", 80, true],
    ["127.0.0.1:80", "127.0.0.1", 81, false],
    ["[::1]:80", "[::1]", 80, true],
    ["[::1]:80", "[::1]", 81, false],
    ["10.0.0.0/8:80", "10.1.2.3", 80, true],
    ["10.0.0.0/8:80", "10.1.2.3", 81, false],
    ["[fe80::]/10:80", "[fe80::1]", 80, true],
  ],
  addresses: [
    ["127.0.0.1", "127.0.0.1", 80, true],
    ["127.0.0.1", "127.0.0.2", 80, false],
    ["0.0.1", "127.0.0.1", 80, false],
    [".0.0.1", "127.0.0.1", 80, false],
    ["1", "127.0.0.1", 80, false],
    ["127.0.0.1", "127.0.0.1.", 80, true],
    ["127.0.0.1", "www.127.0.0.1", 80, false],
    ["::1", "[::1]", 80, true],
    ["[::1]", "[::1]", 80, true],
    ["[::1]", "::1", 80, true],
    ["::1", "[0:0:0:0:0:0:0:1]", 80, true],
    ["::1", "[0::0001]", 80, true],
    ["FE80::A", "[fe80::a%25eth0]", 80, true],
    ["127.0.0.1", "[::ffff:127.0.0.1]", 80, true],
    ["127.0.0.1", "[::ffff:7f00:1]", 80, true],
    ["::ffff:127.0.0.1", "127.0.0.1", 80, true],
    ["::127.0.0.1", "127.0.0.1", 80, false],
  ],
  ranges: [
    ["10.0.0.0/8", "10.255.0.1", 80, true],
    ["10.0.0.0/8", "11.0.0.1", 80, false],
    ["10.1.2.3/8", "10.9.9.9", 80, true],
    ["192.168.0.0/17", "192.168.127.255", 80, true],
    ["192.168.0.0/17", "192.168.128.0", 80, false],
    ["1.2.3.4/32", "1.2.3.4", 80, true],
    ["1.2.3.4/32", "1.2.3.5", 80, false],
    ["0.0.0.0/0", "8.8.8.8", 80, true],
    ["0.0.0.0/0", "[2001:db8::1]", 80, false],
    ["0.0.0.0/0", "[::ffff:8.8.8.8]", 80, true],
    ["fe80::/10", "[febf::1]", 80, true],
    ["fe80::/10", "[fec0::1]", 80, false],
    ["::/0", "[2001:db8::1]", 80, true],
    ["::/0", "1.2.3.4", 80, false],
    ["::1/128", "[::1]", 80, true],
    ["127.0.0.0/8", "[::ffff:127.9.9.9]", 80, true],
    ["10.0.0.0/8", "010.0.0.1", 80, false], // the resolver takes it for 8.0.0.1
    ["10.0.0.0/8", "10.example.com", 80, false],
    ["10.0.0.0/8", "ten.example.com", 80, false],
  ],
};

for (const [name, rows] of Object.entries(ROWS)) {
  t.test(name, async (t) => {
    for (const [entry, host, port, direct] of rows) {
      t.equal(decide(entry, host, port), direct, `${entry} and ${host}:${port}`);
      if (entry.startsWith(".")) continue;
      t.equal(decide(entry, host, port, true), direct, `the same in nx_proxy`);
    }
  });
}

t.test(
  "a leading dot means the same as none in no_proxy, only what is below in nx_proxy",
  async (t) => {
    t.equal(decide(".example.com", "example.com", 80), true);
    t.equal(decide(".example.com", "example.com", 80, true), false);
    t.equal(decide(".example.com", "www.example.com", 80, true), true);
    t.equal(decide("*.example.com", "example.com", 80, true), false);
  },
);

t.test("what can be no entry", async (t) => {
  const entries = [
    "",
    ".",
    "*.",
    ":80",
    "a b",
    "a:b",
    "a:0",
    "a:65536",
    "a:123456",
    "[a]",
    "[::1",
    "[::1]x",
    "10.0.0.0/33",
    "10.0.0/8",
    "::1/129",
    "x/8",
    "10.0.0.0/",
    "a/b",
    "user@host",
    "**",
    "a*",
    "host?",
    "a\u0000",
    "a".repeat(256),
  ];
  for (const entry of entries) t.equal(parseRule(entry, false), null, JSON.stringify(entry));
});

t.test("regular expressions", async (t) => {
  const test = (re: RegExp, host: string): boolean => bypassBy([regexpRule(re)])(host, 80);
  t.equal(test(/^intra\d+$/, "intra7"), true);
  t.equal(test(/^intra\d+$/, "INTRA7."), true, "the name in normal form");
  t.equal(test(/^intra\d+$/, "extra7"), false);
  t.equal(test(/^::1$/, "[::1]"), true, "no brackets");
  t.equal(test(/x/i, "X"), true);
  const sticky = regexpRule(/a/gy);
  const host = normalHost("a");
  t.strictSame(
    [sticky(host, 1), sticky(host, 1), sticky(host, 1)],
    [true, true, true],
    "no memory",
  );
  t.equal(test(/^(a+)+$/, `${"a".repeat(60)}!`), false, "one that takes for ever does not match");
  t.equal(test(/a/, "a".repeat(256)), false, "no name is so long");
});

t.test("a list is any of its entries", async (t) => {
  const rules = ["a.example", "10.0.0.0/8", "b.example:81"].map((entry) => parseRule(entry, false));
  const bypass = bypassBy(rules.filter((rule) => rule !== null));
  t.strictSame(
    [
      bypass("a.example", 1),
      bypass("10.1.1.1", 1),
      bypass("b.example", 81),
      bypass("b.example", 80),
    ],
    [true, true, true, false],
  );
});

t.test("malformed: any entry and any host end in a verdict", async (t) => {
  let seed = 5;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const words = [
    "a",
    ".",
    ":",
    "::",
    "/",
    "*",
    "[",
    "]",
    "%",
    "1",
    "255",
    "ffff",
    "-",
    "\x00",
    "\u00e9",
  ];
  const make = (): string => {
    let text = "";
    for (let i = next(12); i > 0; i--) text += words[next(words.length)];
    return text;
  };
  for (let round = 0; round < 10_000; round++) {
    const verdict = parseRule(make(), next(2) === 0)?.(normalHost(make()), 80);
    if (verdict !== undefined && typeof verdict !== "boolean") t.fail("no verdict");
  }
  normalHost("[".repeat(1e5));
  parseRule("1.".repeat(1e5), false);
  parseRule("a:".repeat(1e5), false);
  normalHost(":".repeat(1e5));
});

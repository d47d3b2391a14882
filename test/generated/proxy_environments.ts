// Proxy variables and no_proxy lists put together from parts whose meaning is known, by fixed
// seeds: what is good is read as it was meant. Of what is not, no part of a login is repeated, and
// no request goes out without the proxy. NEON_FUZZ_SECONDS, if set, makes it go on with new seeds
// for so long.
import t from "tap";
import {
  NE_ERROR,
  ne_session_create,
  ne_session_destroy,
  ne_session_system_proxy,
} from "../../lib/index.js";
import { bypassFromEnv, proxyFromEnv } from "../../lib/internal/proxy/env.js";
import { send } from "../fixtures/conversation.js";
import { scripted } from "../fixtures/server.js";

const BATCH = 2000;
const seconds = Number(process.env["NEON_FUZZ_SECONDS"] ?? 0);

/** Picks that a seed decides (mulberry32). */
function picker(seed: number): <T>(list: readonly T[]) => T {
  let state = seed;
  return (list) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return list[((mixed ^ (mixed >>> 14)) >>> 0) % list.length] as (typeof list)[number];
  };
}

/** How a part is written, and what it means; `null` where it can mean nothing. */
type Part<T> = readonly [written: string, meant: T | null];

const SCHEMES: readonly Part<string>[] = [
  ["", "http"],
  ["http://", "http"],
  ["HTTP://", "http"],
  ["https://", "https"],
  ["socks://", "socks5"],
  ["socks5h://", "socks5"],
  ["socks4a://", "socks4a"],
  ["htp://", null],
  ["quic://", null],
  ["file://", null],
  ["http:/", null],
  ["//", null],
];
const SECRET = "Zq9w";
const LOGINS: readonly Part<readonly [string, string] | undefined>[] = [
  ["", undefined],
  [`me:${SECRET}@`, ["me", SECRET]],
  [`me@`, ["me", ""]],
  [`:${SECRET}@`, ["", SECRET]],
  [`me:${SECRET}@at@`, ["me", `${SECRET}@at`]],
  [`me:${SECRET}:x@`, ["me", `${SECRET}:x`]],
  [`d%5Cme:${SECRET}%2f%C3%A4@`, ["d\\me", `${SECRET}/ä`]],
  [`me:50%off${SECRET}%40@`, ["me", `50%off${SECRET}@`]],
  [`me:${SECRET}%ff@`, ["me", `${SECRET}%ff`]],
  [`me:${SECRET}/x@`, null],
  [`me:${SECRET}?x@`, null],
  [`me:${SECRET}#x@`, null],
];
const HOSTS: readonly Part<string>[] = [
  ["proxy", "proxy"],
  ["proxy.example.", "proxy.example."],
  ["10.0.0.1", "10.0.0.1"],
  ["[::1]", "[::1]"],
  ["", null],
  ["[::1", null],
  ["[x]", null],
  ["pro xy", null],
  ["pr\u0000y", null],
];
const PORTS: readonly Part<number | undefined>[] = [
  ["", undefined],
  [":", undefined],
  [":1", 1],
  [":03128", 3128],
  [":65535", 65535],
  [":0", null],
  [":65536", null],
  [":99999", null],
  [":http", null],
  [":80:80", null],
  [":-1", null],
  [":1e3", null],
];
const DEFAULTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

function variable(seed: number): { text: string; meant: object | null } {
  const pick = picker(seed);
  const parts = [pick(SCHEMES), pick(LOGINS), pick(HOSTS), pick(PORTS)] as const;
  const [[, scheme], [, login], [host, isHost], [, port]] = parts;
  const tail = pick(["", "", "/"]);
  const text = parts.map(([written]) => written).join("") + tail;
  const isGood = scheme !== null && login !== null && isHost !== null && port !== null;
  if (!isGood) return { text, meant: null };
  const place = { scheme, host, port: port ?? DEFAULTS[scheme] ?? 1080 };
  if (login === undefined) return { text, meant: place };
  return { text, meant: { ...place, username: login[0], password: login[1] } };
}

function readVariable(text: string): object | string | null {
  try {
    return proxyFromEnv("http", "server.example", 80, { http_proxy: text });
  } catch (error) {
    return (error as Error).message;
  }
}

const isOver = (from: number, until: number): boolean => from >= BATCH && Date.now() > until;

t.test("a variable is read as it was meant, or refused without its login", async (t) => {
  const until = Date.now() + seconds * 500;
  let wrong = 0;
  for (let seed = 1; !isOver(seed, until) && wrong < 5; seed++) {
    const { text, meant } = variable(seed);
    // as good as not set
    if (text === "") continue;
    const read = readVariable(text);
    const isRight =
      meant === null
        ? typeof read === "string" &&
          read.startsWith("Could not use http_proxy: ") &&
          !read.includes(SECRET) &&
          /^[\x20-\x7e]+$/.test(read)
        : JSON.stringify(read) === JSON.stringify(meant);
    if (isRight) continue;
    wrong++;
    t.fail(`seed ${seed}: ${JSON.stringify(text)}`, { read, meant });
  }
  t.equal(wrong, 0);
});

/** Entries, and whether they name `db.example.org:8080`. */
const ABOUT_A_NAME: readonly (readonly [string, boolean])[] = [
  ["db.example.org", true],
  ["DB.Example.ORG", true],
  ["db.example.org.", true],
  [".db.example.org", true],
  ["example.org", true],
  [".example.org", true],
  ["*.example.org", true],
  ["org:8080", true],
  ["*", true],
  ["db.example.org:8081", false],
  ["example.org:0", false],
  ["b.example.org", false],
  ["xample.org", false],
  ["db.example.org.evil", false],
  ["evildb.example.org", false],
  ["db", false],
  ["db.example.org/", false],
  ["http://db.example.org", false],
  ["10.0.0.0/0", false],
  ["::/0", false],
  ["d?.example.org", false],
  [".*", false],
];
/** The same for `192.0.2.77:8080`, however it is written. */
const ABOUT_AN_ADDRESS: readonly (readonly [string, boolean])[] = [
  ["192.0.2.77", true],
  ["192.0.2.77:8080", true],
  ["::ffff:192.0.2.77", true],
  ["[::ffff:c000:24d]:8080", true],
  ["192.0.2.0/24", true],
  ["192.0.2.64/26", true],
  ["192.0.2.77/32", true],
  ["0.0.0.0/0", true],
  ["192.0.2.77:80", false],
  ["192.0.2.7", false],
  ["2.77", false],
  [".2.77", false],
  ["92.0.2.77", false],
  ["192.0.2.0/26", false],
  ["192.0.2.77/33", false],
  ["192.0.3.0/24", false],
  ["::/0", false],
  ["192.0.2.*", false],
];
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  name: ["db.example.org", "DB.example.org", "db.example.org."],
  address: ["192.0.2.77", "[::ffff:192.0.2.77]", "[::FFFF:C000:024D]"],
};

t.test("a server is reached directly where an entry names it, and else never", async (t) => {
  const until = Date.now() + seconds * 500;
  let wrong = 0;
  for (let seed = 1; !isOver(seed, until) && wrong < 5; seed++) {
    const pick = picker(seed);
    const kind = pick(["name", "address"]);
    const table = kind === "name" ? ABOUT_A_NAME : ABOUT_AN_ADDRESS;
    const misses = table.filter(([, names]) => !names);
    const entries = [pick(misses), pick(misses), pick(table), pick(misses)];
    const list = entries.map(([entry]) => entry).join(pick([",", " ", ", ", "\t", ",,"]));
    const host = pick(SPELLINGS[kind] as readonly string[]);
    const direct = bypassFromEnv({ [pick(["no_proxy", "NO_PROXY"])]: list })(host, 8080);
    if (direct === entries.some(([, names]) => names)) continue;
    wrong++;
    t.fail(`seed ${seed}: ${host} and ${JSON.stringify(list)}: ${direct}`);
  }
  t.equal(wrong, 0);
});

t.test("a session whose variable is of no use sends nothing", async (t) => {
  const saved = process.env["http_proxy"];
  t.teardown(() => {
    if (saved === undefined) delete process.env["http_proxy"];
    else process.env["http_proxy"] = saved;
  });
  const server = await scripted(t, [], { fewer: true });
  for (let seed = 1; seed <= 60; seed++) {
    const { text, meant } = variable(seed);
    if (meant !== null || text === "" || text.includes("\0")) continue;
    process.env["http_proxy"] = text;
    const sess = ne_session_create("http", "127.0.0.1", server.port);
    ne_session_system_proxy(sess, 0);
    const { code, error } = await send(sess);
    t.equal(code, NE_ERROR, text);
    t.match(error, /^Could not use http_proxy: /, text);
    t.notMatch(error, SECRET, text);
    ne_session_destroy(sess);
  }
  t.equal(server.connections, 0);
});

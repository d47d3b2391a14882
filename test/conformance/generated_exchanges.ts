// Exchanges made from a seed: requests of many kinds, and servers that answer well, oddly or badly.
// They are played by the clients of exchange_client.ts and neon.c.
import { seeded } from "../fixtures/feed.js";

/** In the words of test/fixtures/exchanges.ts. */
export interface GeneratedExchange {
  readonly requests: readonly string[];
  /** The server's steps, one list a connection; further connections get plain answers. */
  readonly connections: readonly (readonly string[])[];
}

type Pick = <T>(list: readonly T[]) => T;

const STATUS_LINES = [
  ...["HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"],
  ...["HTTP/1.1 207 Multi-Status", "HTTP/1.1 500 Oh", "HTTP/1.1 301 Moved", "HTTP/1.0 200 OK"],
];
const ODD_STATUS_LINES = [
  ...["HTTP/1.1 204 None", "HTTP/1.1 304 Same", "HTTP/1.1 205 Reset", "HTTP/1.1 408 Slow"],
  ...["HTTP/1.1 200 ", "HTTP/1.1 200  two", "HTTP/1.1 200 a\tb", "HTTP/1.2 200 OK"],
  ...["HTTP/1.1 099 x", "HTTP/1.1 599 x", "HTTP/1.1 200 \xe4\xf6", "HTTP/1.0 404 No"],
  ...["HTTP/1.1 413 Large"],
];
const BAD_STATUS_LINES = [
  ...["HTTP/1.1 200", "HTTP/1.1 20 x", "HTTP/1.1 2000 x", "HTTP/1.1 6xx x", "HTTP/2.0 200 OK"],
  ...["http/1.1 200 OK", "ICY 200 OK", "HTTP/1.1  200 OK", " HTTP/1.1 200 OK", "", "<html>"],
  ...["HTTP/1.1 999 x", "HTTP/0.9 200 OK", "HTTP/1. 200 OK", "HTTP/1.1\t200 OK", "\0"],
];
const FIELDS = [
  ...["X-A: b", "Server: x", "Set-Cookie: a=1", "Set-Cookie: b=2", "Vary: *", "X-A: c"],
  ...["Content-Type: text/plain", "ETag: \"x\"", "Date: Sun, 06 Nov 1994 08:49:37 GMT"],
];
const ODD_FIELDS = [
  ...["X-Fold: a\r\n b", "X-Fold: a\r\n\tb\r\n  c", "no colon", ": none", "X-Blank : y"],
  ...["X-Empty:", "X-Ctl: a\x01b", "X-High: \xe4", "x-a:d", "X-Blanks: \t y \t", "X\tY: z"],
  ...["X-Colon: a:b"],
  ...["Connection: close", "Connection: keep-alive", "Connection: x-a", "Keep-Alive: timeout=5"],
  ...["Connection: X-A, close", "Proxy-Connection: close", "Connection: Close", "Upgrade: h2c"],
  `X-Long: ${"y".repeat(3000)}`,
];
const BAD_LENGTHS = ["+2", "-1", "2x", "", "0x2", "2 2", "a", "1.0", "99999999999999999999", "2,2"];
const BAD_CODINGS = [
  "identity", "gzip", "chunked, x", "x, chunked", "CHUNKED", "chunked ", "chunke",
];

interface Framed {
  readonly fields: readonly string[];
  readonly body: string;
  /** The response is over only when the connection is. */
  readonly ends: boolean;
}

function chunked(next: () => number, pick: Pick, body: string): Framed {
  const isOdd = next() < 0.3;
  let text = "";
  for (let at = 0; at < body.length; ) {
    const size = 1 + Math.floor(next() * body.length);
    const part = body.slice(at, at + size);
    at += size;
    const digits = part.length.toString(16);
    const odd = [`0${digits}`, `${digits};x=y`, digits.toUpperCase(), `${digits} `, `${digits};`];
    const bad = [`-${digits}`, `${digits}g`, "", "zz", ` ${digits}`, `0x${digits}`];
    const written = isOdd ? pick(next() < 0.6 ? odd : bad) : digits;
    text += `${written}\r\n${part}${isOdd && next() < 0.1 ? pick(["", "\n", "xx"]) : "\r\n"}`;
  }
  const ending = ["0\r\n\r\n", "0\r\n\r\n", "0\r\n\r\n", "0\r\nX-T: u\r\n\r\n", "00;x\r\n\r\n"];
  const cut = ["", "0", "0\r\n", "0\r\nX-T: u\r\n", "0\r\nbad\r\n\r\n"];
  text += pick(isOdd && next() < 0.4 ? cut : ending);
  return { fields: ["Transfer-Encoding: chunked"], body: text, ends: isOdd };
}

/** How a body is framed: well, oddly or badly. */
function framed(next: () => number, pick: Pick): Framed {
  const body = "0123456789".repeat(1 + Math.floor(next() * 40)).slice(Math.floor(next() * 10));
  const length = `Content-Length: ${body.length}`;
  const kind = next();
  if (kind < 0.35) return { fields: [length], body, ends: false };
  if (kind < 0.6) return chunked(next, pick, body);
  if (kind < 0.7) return { fields: [], body, ends: true };
  if (kind < 0.75) return { fields: ["Content-Length: 0"], body: "", ends: false };
  if (kind < 0.82) {
    return { fields: [`Content-Length: ${pick(BAD_LENGTHS)}`], body: "ab", ends: true };
  }
  if (kind < 0.88) return { fields: [length], body: body.slice(0, 3), ends: true };
  if (kind < 0.93) {
    const coding = `Transfer-Encoding: ${pick(BAD_CODINGS)}`;
    return { fields: [coding], body: "2\r\nab\r\n0\r\n\r\n", ends: true };
  }
  const both = chunked(next, pick, body);
  const fields = pick([
    [length, ...both.fields],
    [...both.fields, length],
    [length, length],
  ]);
  return { fields, body: both.body, ends: true };
}

/** The steps with which one request is answered; `true` where the connection is over then. */
function answered(
  next: () => number,
  pick: Pick,
  method: string,
): [steps: string[], over: boolean] {
  const kind = next();
  if (kind < 0.03) return [[pick(["c", "x"])], true];
  const line = pick(kind < 0.65 ? STATUS_LINES : kind < 0.87 ? ODD_STATUS_LINES : BAD_STATUS_LINES);
  const { fields, body, ends } = framed(next, pick);
  const more = Array.from({ length: Math.floor(next() * 4) }, () =>
    pick(next() < 0.7 ? FIELDS : ODD_FIELDS),
  );
  const lines = [line, ...(next() < 0.5 ? [...more, ...fields] : [...fields, ...more])];
  const end = next() < 0.03 ? "\n" : "\r\n";
  const interim = next() < 0.12 ? pick(["100 Continue", "102 Wait", "103 Hints", "199 What"]) : "";
  const prefix = interim === "" ? "" : `HTTP/1.1 ${interim}${end}X: y${end}${end}`;
  const isEmpty = method === "HEAD" || /^HTTP\/1.. (204|304|205)/.test(line);
  const head = `${prefix}${lines.join(end)}${end}${end}`;
  const text = head + (isEmpty ? "" : body);
  const cut = next() < 0.06 ? text.slice(0, Math.floor(next() * text.length)) : text;
  const over =
    ends ||
    cut !== text ||
    line.startsWith("HTTP/1.0") ||
    BAD_STATUS_LINES.includes(line) ||
    more.some((field) => /^(Connection|X-Blank|no colon)/.test(field));
  return [[`w:${cut}`, ...(over ? ["c"] : [])], over];
}

const KINDS = [
  ...["g", "g", "g", "h", "m", "n", "b", "b"],
  ...["p", "k", "bn", "kn", "be", "ke", "mb", "hn"],
];
const METHODS = ["GET", "GET", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"];
const SIZES = [0, 1, 10, 2999, 3000, 5000];

/** The exchange of one seed. */
export function generateExchange(seed: number): GeneratedExchange {
  const next = seeded(seed);
  const pick: Pick = (list) => list[Math.floor(next() * list.length)] as never;
  const requests: string[] = [];
  if (next() < 0.05) requests.push("persist,0");
  if (next() < 0.05) requests.push("ua,agent/1.0");
  const connections: string[][] = [[]];
  const count = 1 + Math.floor(next() * 3);
  for (let at = 0; at < count; at++) {
    const method = pick(METHODS);
    const kind = pick(KINDS);
    requests.push(`${kind},${method},/${at},${pick(SIZES)}`);
    const tries = next() < 0.06 ? 2 : 1;
    for (let one = 0; one < tries; one++) {
      const [steps, over] = answered(next, pick, method);
      const asks = kind.includes("e") ? ["E"] : ["R"];
      connections.at(-1)?.push(...asks, ...steps);
      if (over) connections.push([]);
    }
  }
  return { requests, connections };
}

// internal/wire/address.ts: literals, and what becomes of them.
import os from "node:os";
import t from "tap";
import {
  connectText,
  hasInterface,
  parseLiteral,
  printAddress,
  resolveHost,
  reverseLookup,
} from "../../../lib/internal/wire/address.js";
import { parseIPv6 } from "../../../lib/internal/base/ip_literal.js";

const LO = Object.keys(os.networkInterfaces())[0] as string;

t.test("literals in hosts", async (t) => {
  // the text to connect to; null: brackets around something else; undefined: a name
  const table: [string, string | null | undefined][] = [
    ["1.2.3.4", "1.2.3.4"],
    ["01.2.3.4", undefined],
    ["1.2.3", undefined],
    ["example.com", undefined],
    ["", undefined],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["[::1]:80", "::1"],
    ["[::1", null],
    ["[1.2.3.4]", null],
    ["[]", null],
    [`[fe80::1%25${LO}]`, `fe80::1%${LO}`],
    [`[fe80::1%${LO}]`, `fe80::1%${LO}`],
    [`fe80::1%${LO}`, `fe80::1%${LO}`],
    ["[fe80::1%25nosuchif]", null],
    ["[fe80::1%]", null],
    [`::1%${LO}`, `::1%${LO}`],
    [`ff02::1%${LO}`, `ff02::1%${LO}`],
    ["::1%1", "::1"],
    ["fe80::1%99999", "fe80::1"],
    ["[fe80::1%2599999]", "fe80::1"],
    ["fe80::1%1x", null],
    ["[name%25lo]", null],
  ];
  for (const [host, expected] of table) {
    const address = parseLiteral(host);
    t.equal(
      address === null || address === undefined ? address : connectText(address),
      expected,
      host,
    );
  }
});

t.test("every form of the same bytes is printed alike", async (t) => {
  for (const text of ["::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:0102:0304"]) {
    const bytes = parseIPv6(text) as Buffer;
    t.equal(printAddress({ kind: "ipv6", bytes, scope: null }), "::ffff:1.2.3.4", text);
  }
});

t.test("what is printed is read as the same bytes", async (t) => {
  let seed = 7;
  const next = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) >> 16;
  for (let i = 0; i < 500; i++) {
    const bytes = Buffer.alloc(16);
    for (let at = 0; at < 16; at += 2) if (next() % 3 > 0) bytes.writeUInt16BE(next() & 0xffff, at);
    const text = printAddress({ kind: "ipv6", bytes, scope: null });
    t.ok(parseIPv6(text)?.equals(bytes), text);
  }
});

t.test("interfaces by name", async (t) => {
  t.ok(hasInterface(LO));
  for (const name of ["nosuchif", "", "__proto__", "constructor"])
    t.notOk(hasInterface(name), name);
});

// Node warns once in a process, so this comes first.
t.test("a lookup of nothing gives no warning", async (t) => {
  const warned = new Promise((resolve) => process.once("warning", resolve));
  t.equal((await resolveHost("")).ok, false);
  const silent = new Promise((resolve) => setImmediate(() => resolve("silent")));
  t.equal(await Promise.race([warned, silent]), "silent");
});

t.test("lookups never reject", async (t) => {
  t.match(await resolveHost("127.0.0.1", true), { ok: true, canonical: "127.0.0.1" });
  t.match(await resolveHost("localhost"), { ok: true, canonical: null });
  for (const host of ["[foo]", "nonexistent.invalid", "", "a..b", "x".repeat(300)]) {
    const found = await resolveHost(host, true);
    t.equal(found.ok, false, host);
    if (!found.ok)
      t.match(found.error, /^(Host not found|Temporary failure in name resolution)$/, host);
  }
});

t.test("what a lookup says of a literal", async (t) => {
  t.match(await resolveHost("[::1]:80", true), { ok: true, canonical: "::1" });
  const wrongKind = await resolveHost("[127.0.0.1]");
  t.match(wrongKind, { ok: false, error: "Address family for hostname not supported" });
  for (const host of ["[::1", "[]", "[foo]", "::1%lo0x"]) {
    t.match(await resolveHost(host), { ok: false, error: "Host not found" }, host);
  }
});

t.test("the name of an address, or its text", async (t) => {
  const bytes = Buffer.from([127, 0, 0, 1]);
  t.match(await reverseLookup({ kind: "ipv4", bytes, scope: null }), /./);
});

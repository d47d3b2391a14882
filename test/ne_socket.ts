// ne_socket.h over TCP: names, addresses, sockets. What a socket does was compared with the C
// library step by step. TLS on sockets is in internal/wire/tls.ts and ne_ssl.ts.
import net from "node:net";
import os from "node:os";
import t from "tap";
import type { Test } from "tap";
import * as neon from "../lib/index.js";
import {
  NE_ADDR_CANON,
  NE_SOCK_BOTH,
  NE_SOCK_CLOSED,
  NE_SOCK_ERROR,
  NE_SOCK_RECV,
  NE_SOCK_RESET,
  NE_SOCK_RETRY,
  NE_SOCK_SEND,
  NE_SOCK_SOCKSV4,
  NE_SOCK_SOCKSV4A,
  NE_SOCK_SOCKSV5,
  NE_SOCK_TIMEOUT,
  NE_SOCK_TRUNC,
  NE_SSL_PROTO_UNSPEC,
  ne_addr_canonical,
  ne_addr_destroy,
  ne_addr_error,
  ne_addr_first,
  ne_addr_next,
  ne_addr_resolve,
  ne_addr_result,
  ne_iaddr_cmp,
  ne_iaddr_free,
  ne_iaddr_get_scope,
  ne_iaddr_ipv4,
  ne_iaddr_ipv6,
  ne_iaddr_make,
  ne_iaddr_parse,
  ne_iaddr_print,
  ne_iaddr_put,
  ne_iaddr_raw,
  ne_iaddr_reverse,
  ne_iaddr_set_scope,
  ne_iaddr_typeof,
  ne_iovec,
  ne_sock_accept,
  ne_sock_block,
  ne_sock_cipher,
  ne_sock_close,
  ne_sock_connect,
  ne_sock_connect_timeout,
  ne_sock_create,
  ne_sock_error,
  ne_sock_exit,
  ne_sock_fd,
  ne_sock_fullread,
  ne_sock_fullwrite,
  ne_sock_fullwritev,
  ne_sock_getcert,
  ne_sock_getproto,
  ne_sock_init,
  ne_sock_peek,
  ne_sock_peer,
  ne_sock_prebind,
  ne_sock_proxy,
  ne_sock_read,
  ne_sock_read_timeout,
  ne_sock_readline,
  ne_sock_sessid,
  ne_sock_set_error,
  ne_sock_shutdown,
  ne_ssl_context_create,
  ne_ssl_context_destroy,
} from "../lib/index.js";
import type { ne_iaddr_type, ne_inet_addr, ne_socket } from "../lib/index.js";
import { failureOf, mistake, settled } from "./fixtures/conversation.js";
import { hasIpv6, refusedPort, scripted, type Peer } from "./fixtures/server.js";

const LOOPBACK = Buffer.from([127, 0, 0, 1]);
const loopback = (): ne_inet_addr => ne_iaddr_make(ne_iaddr_ipv4, LOOPBACK) as ne_inet_addr;

/** A socket that is closed at the end of the test. */
function openSocket(t: Test): ne_socket {
  const sock = ne_sock_create();
  t.teardown(() => failureOf(() => ne_sock_close(sock)));
  return sock;
}

/** A socket connected to a peer that follows a script. */
async function connected(
  t: Test,
  script: (peer: Peer) => void | Promise<void>,
): Promise<ne_socket> {
  const server = await scripted(t, [script]);
  const sock = openSocket(t);
  ne_sock_read_timeout(sock, 5);
  t.equal(await ne_sock_connect(sock, loopback(), server.port), 0);
  return sock;
}

t.test("the numbers", async (t) => {
  t.strictSame(
    [NE_SOCK_ERROR, NE_SOCK_TIMEOUT, NE_SOCK_CLOSED, NE_SOCK_RESET, NE_SOCK_TRUNC, NE_SOCK_RETRY],
    [-1, -2, -3, -4, -5, -6],
  );
  t.strictSame([NE_SOCK_RECV, NE_SOCK_SEND, NE_SOCK_BOTH], [1, 2, 3]);
  t.strictSame([NE_SOCK_SOCKSV4, NE_SOCK_SOCKSV4A, NE_SOCK_SOCKSV5], [0, 1, 2]);
  t.strictSame([NE_ADDR_CANON, ne_iaddr_ipv4, ne_iaddr_ipv6], [1, 0, 1]);
});

t.test("ne_sock_init and ne_sock_exit do no harm, however often", async (t) => {
  ne_sock_exit();
  t.strictSame([ne_sock_init(), ne_sock_init()], [0, 0]);
  for (let i = 0; i < 5; i++) ne_sock_exit();
});

// ---- addresses ----

t.test("addresses in text form, parsed and printed", async (t) => {
  const table: [ne_iaddr_type, string, string | null][] = [
    [0, "127.0.0.1", "127.0.0.1"],
    [0, "255.255.255.255", "255.255.255.255"],
    [0, "256.0.0.1", null],
    [0, "127.1", null],
    [0, "127.0.0.1 ", null],
    [0, "::1", null],
    [0, "", null],
    [1, "::1", "::1"],
    [1, "::", "::"],
    [1, "[::1]", null],
    [1, "127.0.0.1", null],
    [1, "fe80::1%eth0", null],
    [1, "FEDC:BA98:7654:3210:FEDC:BA98:7654:3210", "fedc:ba98:7654:3210:fedc:ba98:7654:3210"],
    [1, "2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    [1, "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    [1, "::1:2", "::0.1.0.2"],
    [1, "::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    [1, "::1.2.3.4", "::1.2.3.4"],
    [1, "1::", "1::"],
    [1, "0:0:1::", "0:0:1::"],
    [1, "12345::", null],
    [1, "1::2::3", null],
  ];
  for (const [type, text, expected] of table) {
    const address = ne_iaddr_parse(text, type);
    t.equal(address === null ? null : ne_iaddr_print(address), expected, text);
    if (address === null) continue;
    t.equal(ne_iaddr_typeof(address), type);
    t.equal(ne_iaddr_get_scope(address), null);
    ne_iaddr_free(address);
  }
});

t.test("addresses from bytes", async (t) => {
  const six = Buffer.alloc(16, 1);
  const a = loopback();
  const b = ne_iaddr_make(ne_iaddr_ipv6, six) as ne_inet_addr;
  six.fill(2);
  t.equal(ne_iaddr_print(b), "101:101:101:101:101:101:101:101", "the bytes are copied");
  const room = Buffer.alloc(20, "-");
  t.equal(ne_iaddr_raw(a, room), room);
  t.equal(room.toString("latin1"), `\x7f\0\0\x01${"-".repeat(16)}`);
  t.strictSame(ne_iaddr_raw(b, new Uint8Array(16)), new Uint8Array(16).fill(1));
  t.equal(ne_iaddr_put(b, ne_iaddr_ipv4, LOOPBACK), b);
  t.equal(ne_iaddr_typeof(b), ne_iaddr_ipv4);
  t.equal(ne_iaddr_cmp(a, b), 0);
  t.not(ne_iaddr_cmp(a, ne_iaddr_make(0, Buffer.from([127, 0, 0, 2])) as ne_inet_addr), 0);
  t.not(ne_iaddr_cmp(a, ne_iaddr_parse("::ffff:127.0.0.1", 1) as ne_inet_addr), 0);
  t.not(ne_iaddr_cmp(ne_iaddr_parse("::1", 1) as ne_inet_addr, a), 0);
  t.equal(ne_iaddr_make(7 as never, LOOPBACK), null, "of no known kind");
  t.equal(ne_iaddr_put(a, 7 as never, LOOPBACK), null);
  for (const [type, length] of [
    [0, 16],
    [1, 4],
    [0, 0],
  ] as const) {
    t.match(
      await mistake(() => ne_iaddr_make(type, Buffer.alloc(length))),
      "ne_iaddr_make: an address of this kind",
    );
    t.match(
      await mistake(() => ne_iaddr_put(a, type, Buffer.alloc(length))),
      "ne_iaddr_put: an address of this kind",
    );
  }
  t.match(await mistake(() => ne_iaddr_make(0, "127.0.0.1" as never)), "ne_iaddr_make: raw");
  t.match(await mistake(() => ne_iaddr_raw(a, Buffer.alloc(3))), "ne_iaddr_raw: the buffer");
  t.match(await mistake(() => ne_iaddr_parse(null as never, 0)), "ne_iaddr_parse: addr");
});

t.test("the scope of an address", async (t) => {
  const { EINVAL, ENODEV } = os.constants.errno;
  const lo = Object.keys(os.networkInterfaces())[0] as string;
  const six = ne_iaddr_parse("fe80::1", 1) as ne_inet_addr;
  t.equal(ne_iaddr_set_scope(loopback(), lo), EINVAL);
  t.equal(ne_iaddr_set_scope(six, "nosuchif"), ENODEV);
  t.equal(ne_iaddr_get_scope(six), null);
  t.equal(ne_iaddr_set_scope(six, lo), 0);
  t.equal(ne_iaddr_get_scope(six), lo);
  t.equal(ne_iaddr_print(six), "fe80::1", "not printed");
  t.equal(ne_iaddr_cmp(six, ne_iaddr_parse("fe80::1", 1) as ne_inet_addr), 0, "not compared");
  ne_iaddr_put(six, 1, Buffer.alloc(16));
  t.equal(ne_iaddr_get_scope(six), null, "cleared");
  t.equal(ne_iaddr_get_scope(loopback()), null);
});

t.test("destroyed and foreign addresses are refused by name", async (t) => {
  const address = loopback();
  ne_iaddr_free(address);
  const calls: Record<string, (ia: ne_inet_addr) => unknown> = {
    ne_iaddr_put: (ia) => ne_iaddr_put(ia, 0, LOOPBACK),
    ne_iaddr_cmp: (ia) => ne_iaddr_cmp(loopback(), ia),
    ne_iaddr_typeof,
    ne_iaddr_print,
    ne_iaddr_raw: (ia) => ne_iaddr_raw(ia, Buffer.alloc(16)),
    ne_iaddr_reverse: (ia) => ne_iaddr_reverse(ia, { value: "" }),
    ne_iaddr_set_scope: (ia) => ne_iaddr_set_scope(ia, "lo"),
    ne_iaddr_get_scope,
    ne_iaddr_free,
    ne_sock_connect: (ia) => ne_sock_connect(ne_sock_create(), ia, 1),
    ne_sock_prebind: (ia) => ne_sock_prebind(ne_sock_create(), ia, 1),
  };
  for (const [name, call] of Object.entries(calls)) {
    t.equal(await mistake(() => call(address)), `${name}: the ne_inet_addr was destroyed already`);
    t.match(await mistake(() => call({} as never)), `${name}: expected a ne_inet_addr, got object`);
  }
});

t.test("an address's name", async (t) => {
  const name = { value: "untouched" };
  t.equal(await ne_iaddr_reverse(loopback(), name), 0);
  t.match(name.value, /localhost|127\.0\.0\.1/);
  const nowhere = ne_iaddr_make(0, Buffer.from([192, 0, 2, 77])) as ne_inet_addr;
  const other = { value: "untouched" };
  const code = await ne_iaddr_reverse(nowhere, other);
  t.ok(code === 0 ? other.value !== "untouched" : other.value === "untouched", other.value);
});

// ---- names ----

t.test("literals need no lookup", async (t) => {
  const table: [string, string | null][] = [
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["[::1]:80", "::1"],
    ["[127.0.0.1]", null],
    ["[localhost]", null],
    ["[]", null],
    ["[::1", null],
  ];
  for (const [text, expected] of table) {
    const addr = await ne_addr_resolve(text, 0);
    const found = ne_addr_result(addr) === 0 ? ne_iaddr_print(ne_addr_first(addr)) : null;
    t.equal(found, expected, text);
    if (expected === null) {
      const isIPv4 = text === "[127.0.0.1]";
      const error = isIPv4 ? "Address family for hostname not supported" : "Host not found";
      t.equal(ne_addr_error(addr), error, text);
      t.equal(ne_addr_next(addr), null);
      t.equal(await mistake(() => ne_addr_first(addr)), "ne_addr_first: the lookup failed");
    } else {
      t.equal(ne_addr_next(addr), null, "the only one");
    }
    t.equal(ne_addr_canonical(addr), null, "not asked for");
    ne_addr_destroy(addr);
  }
});

t.test("going through the addresses of a name", async (t) => {
  const addr = await ne_addr_resolve("localhost", 0);
  t.equal(ne_addr_result(addr), 0);
  t.equal(ne_addr_next(addr), null, "ne_addr_first was not called");
  const all = (): ne_inet_addr[] => {
    const list = [ne_addr_first(addr)];
    for (let next; (next = ne_addr_next(addr)) !== null;) list.push(next);
    return list;
  };
  const first = all();
  t.strictSame(
    all().map((ia, i) => ia === first[i]),
    first.map(() => true),
    "the same handles again",
  );
  t.ok(first.some((ia) => ["127.0.0.1", "::1"].includes(ne_iaddr_print(ia))));
  const [borrowed] = first as [ne_inet_addr];
  t.match(
    await mistake(() => ne_iaddr_free(borrowed)),
    "ne_iaddr_free: this ne_inet_addr is borrowed",
  );
  ne_addr_destroy(addr);
  t.match(await mistake(() => ne_iaddr_print(borrowed)), "was destroyed already");
  for (const [name, call] of Object.entries({
    ne_addr_result,
    ne_addr_first,
    ne_addr_next,
    ne_addr_error,
    ne_addr_canonical,
    ne_addr_destroy,
  })) {
    t.equal(await mistake(() => call(addr)), `${name}: the ne_sock_addr was destroyed already`);
  }
});

t.test("names that cannot be found, canonical names", async (t) => {
  const lost = await ne_addr_resolve("nonexistent.invalid", NE_ADDR_CANON);
  t.not(ne_addr_result(lost), 0);
  t.match(ne_addr_error(lost), /^(Host not found|Temporary failure in name resolution)$/);
  t.equal(ne_addr_canonical(lost), null);
  ne_addr_destroy(lost);
  const found = await ne_addr_resolve("localhost", NE_ADDR_CANON);
  t.type(ne_addr_canonical(found), "string");
  ne_addr_destroy(found);
  t.match(await mistake(() => ne_addr_resolve(null as never, 0)), "ne_addr_resolve: hostname");
});

// ---- connecting ----

t.test("connecting, and who is at the other end", async (t) => {
  const server = await scripted(t, [(peer) => peer.readEof()]);
  const sock = openSocket(t);
  const port = { value: 7 };
  t.equal(ne_sock_fd(sock), -1);
  t.equal(ne_sock_error(sock), "");
  t.equal(ne_sock_peer(sock, port), null);
  t.strictSame([ne_sock_error(sock), port.value], ["Transport endpoint is not connected", 7]);
  t.equal(await ne_sock_connect(sock, loopback(), server.port), 0);
  t.ok(ne_sock_fd(sock) > 2);
  const peer = ne_sock_peer(sock, port) as ne_inet_addr;
  t.strictSame([ne_iaddr_print(peer), port.value], ["127.0.0.1", server.port]);
  ne_iaddr_free(peer);
  t.match(
    await mistake(() => ne_sock_connect(sock, loopback(), server.port)),
    "ne_sock_connect: the socket is connected already",
  );
  t.equal(await ne_sock_close(sock), 0);
  await server.done();
});

t.test("over IPv6", async (t) => {
  if (!(await hasIpv6())) {
    t.pass("no IPv6 here");
    return;
  }
  const server = await scripted(t, [(peer) => peer.readEof()], { host: "::1" });
  const sock = openSocket(t);
  t.equal(await ne_sock_connect(sock, ne_iaddr_parse("::1", 1) as ne_inet_addr, server.port), 0);
  const port = { value: 0 };
  t.equal(ne_iaddr_print(ne_sock_peer(sock, port) as ne_inet_addr), "::1");
  await ne_sock_close(sock);
});

t.test("connections that fail, and another try", async (t) => {
  const sock = openSocket(t);
  t.equal(await ne_sock_connect(sock, loopback(), await refusedPort()), NE_SOCK_ERROR);
  t.equal(ne_sock_error(sock), "Connection refused");
  const server = await scripted(t, [(peer) => peer.readEof()]);
  t.equal(await ne_sock_connect(sock, loopback(), server.port), 0);
  await ne_sock_close(sock);
});

t.test("the local end", async (t) => {
  const server = await scripted(
    t,
    Array.from({ length: 3 }, () => (peer: Peer) => peer.readEof()),
  );
  const four = ne_iaddr_parse("127.0.0.7", 0);
  const six = ne_iaddr_parse("::1", 1);
  const port = await refusedPort();
  const table: [ne_inet_addr | null, number, string, number | null][] = [
    [four, 0, "127.0.0.7", null],
    [null, port, "127.0.0.1", port],
    [six, 0, "127.0.0.1", null],
  ];
  for (const [address, local, from, expected] of table) {
    const sock = openSocket(t);
    ne_sock_prebind(sock, address, local);
    t.equal(await ne_sock_connect(sock, loopback(), server.port), 0);
    const stream = server.peers.at(-1)?.stream;
    t.equal(stream?.remoteAddress, from);
    if (expected !== null) t.equal(stream?.remotePort, expected);
    await ne_sock_close(sock);
  }
  const sock = openSocket(t);
  ne_sock_prebind(sock, ne_iaddr_parse("192.0.2.1", 0), 0);
  t.equal(await ne_sock_connect(sock, loopback(), server.port), NE_SOCK_ERROR);
  t.equal(ne_sock_error(sock), "Cannot assign requested address");
});

t.test("the connect timeout", async (t) => {
  const sock = openSocket(t);
  ne_sock_connect_timeout(sock, 0.05);
  const nowhere = ne_iaddr_make(0, Buffer.from([192, 0, 2, 1])) as ne_inet_addr;
  const code = await ne_sock_connect(sock, nowhere, 9);
  // a machine without a route says so at once
  t.ok(code === NE_SOCK_TIMEOUT || code === NE_SOCK_ERROR);
  t.match(
    ne_sock_error(sock),
    code === NE_SOCK_TIMEOUT
      ? "Connection timed out"
      : /unreachable|timed out|refused|denied|not permitted/,
  );
  ne_sock_connect_timeout(sock, 0);
  t.match(
    await mistake(() => ne_sock_connect_timeout(sock, -1)),
    "ne_sock_connect_timeout: the timeout",
  );
  t.match(await mistake(() => ne_sock_read_timeout(sock, 0)), "ne_sock_read_timeout: the timeout");
});

// ---- reading ----

/** What a step gave: the bytes as text, or the code with the error string. */
async function step(sock: ne_socket, what: string): Promise<string> {
  const kind = what.charAt(0);
  const n = Number(what.slice(1));
  const buffer = Buffer.alloc(n, "-");
  const text = (count: number): string =>
    count < 0 ? `${count} ${ne_sock_error(sock)}` : buffer.toString("latin1", 0, count);
  if (kind === "r") return text(await ne_sock_read(sock, buffer));
  if (kind === "p") return text(await ne_sock_peek(sock, buffer));
  if (kind === "l") return text(await ne_sock_readline(sock, buffer));
  if (kind === "b") return text(await ne_sock_block(sock, n));
  if (kind === "f") {
    const code = await ne_sock_fullread(sock, buffer);
    return text(code < 0 ? code : n);
  }
  if (kind === "w") {
    const code = await ne_sock_fullwrite(sock, Buffer.alloc(n, "w"));
    return text(code);
  }
  const code = await ne_sock_shutdown(sock, n);
  return text(code);
}

const CLOSED = "-3 Connection closed";
const PIPE = "-3 Broken pipe";
const LONG = "-1 Line too long";

const READS: [string, string | ((peer: Peer) => Promise<void>), string[], string[]][] = [
  ["lines", "hello\nworld\n", ["l100", "l100"], ["hello\n", "world\n"]],
  [
    "peeking",
    "hello\nworld\n",
    ["p3", "p100", "l100", "r2", "r100"],
    ["hel", "hello\nworld\n", "hello\n", "wo", "rld\n"],
  ],
  ["the end", "abc", ["r100", "r10", "r10"], ["abc", CLOSED, CLOSED]],
  ["an unfinished line, which stays", "abc", ["l100", "l100", "p5"], [CLOSED, CLOSED, "abc"]],
  ["filling a buffer", "abc", ["f2", "f5"], ["ab", CLOSED]],
  [
    "a line that is too long, and stays",
    "0123456789\n",
    ["l5", "l12", "r9"],
    [LONG, "0123456789\n", CLOSED],
  ],
  ["a line without room for its zero byte", "0123456789\n", ["l11"], [LONG]],
  [
    "4095 bytes and a line end",
    "x".repeat(4095) + "\nab\n",
    ["l5000", "l10"],
    ["x".repeat(4095) + "\n", "ab\n"],
  ],
  ["4096 bytes and a line end", "x".repeat(4096) + "\nab\n", ["l5000"], [LONG]],
  ["empty lines", "\n\n", ["l10", "l2"], ["\n", "\n"]],
  ["a line of other bytes", "a\0\r\xff\n", ["l10"], ["a\0\r\xff\n"]],
  [
    "waiting for bytes, or the end",
    "abc",
    ["b1", "b1", "r9", "b1", "b0", "r9"],
    ["", "", "abc", "", "", CLOSED],
  ],
  [
    "a reset, told once",
    async (peer) => {
      await peer.readBytes(5);
      peer.reset();
    },
    ["w5", "b1", "r9", "r9", "w5"],
    ["", "", "-4 Connection reset by peer", CLOSED, PIPE],
  ],
  ["no more receiving", "abc", ["r1", "s1", "r9", "r9", "w5"], ["a", "", "bc", CLOSED, ""]],
  ["no more sending", "abc", ["s2", "r9", "w5", "s2"], ["", "abc", PIPE, ""]],
  ["neither", "abc", ["s3", "r9", "w5"], ["", "abc", PIPE]],
  ["nothing to shut down", "", ["s0"], ["-1 Missing flags for socket shutdown"]],
];

for (const [name, script, steps, expected] of READS) {
  t.test(`reading: ${name}`, async (t) => {
    let arrived = (): void => {};
    const ready = new Promise<void>((resolve) => (arrived = resolve));
    const sock = await connected(t, async (peer) => {
      if (typeof script !== "string") {
        arrived();
        return await script(peer);
      }
      await peer.write(script);
      await peer.end();
      arrived();
    });
    await ready;
    await settled();
    const seen: string[] = [];
    for (const what of steps) seen.push(await step(sock, what));
    t.strictSame(seen, expected);
    t.equal(await ne_sock_close(sock), 0);
  });
}

t.test("a read that times out says nothing in the error string", async (t) => {
  const sock = await connected(t, (peer) => peer.readEof());
  ne_sock_set_error(sock, "as %s", "before");
  ne_sock_read_timeout(sock, 0.02);
  t.equal(await ne_sock_read(sock, Buffer.alloc(1)), NE_SOCK_TIMEOUT);
  t.equal(await ne_sock_peek(sock, Buffer.alloc(1)), NE_SOCK_TIMEOUT);
  t.equal(await ne_sock_readline(sock, Buffer.alloc(9)), NE_SOCK_TIMEOUT);
  t.equal(await ne_sock_fullread(sock, Buffer.alloc(1)), NE_SOCK_TIMEOUT);
  t.equal(await ne_sock_block(sock, 0.02), NE_SOCK_TIMEOUT);
  t.equal(ne_sock_error(sock), "as before");
});

t.test("a read that waits takes what comes first", async (t) => {
  let go = (): void => {};
  const asked = new Promise<void>((resolve) => (go = resolve));
  const sock = await connected(t, async (peer) => {
    await asked;
    await peer.write("ab");
    await peer.readEof();
  });
  const read = ne_sock_read(sock, Buffer.alloc(10));
  const busy = "ne_sock_read is still pending on this socket";
  t.equal(await mistake(() => ne_sock_read(sock, Buffer.alloc(1))), `ne_sock_read: ${busy}`);
  t.equal(
    await mistake(() => ne_sock_fullwrite(sock, Buffer.alloc(1))),
    `ne_sock_fullwrite: ${busy}`,
  );
  t.equal(await mistake(() => ne_sock_shutdown(sock, 3)), `ne_sock_shutdown: ${busy}`);
  go();
  t.equal(await read, 2);
});

t.test("closing ends a read that waits", async (t) => {
  const sock = await connected(t, (peer) => peer.readEof());
  const read = ne_sock_read(sock, Buffer.alloc(10));
  const closed = ne_sock_close(sock);
  t.ok((await read) < 0);
  t.equal(await closed, 0);
});

// ---- writing ----

t.test("all that is written arrives, in order", async (t) => {
  const size = 3_000_000;
  let got: Buffer = Buffer.alloc(0);
  let arrived = (): void => {};
  const whole = new Promise<void>((resolve) => (arrived = resolve));
  const sock = await connected(t, async (peer) => {
    got = await peer.readBytes(4 * size + 7);
    arrived();
  });
  const letters = ["a", "b", "c"].map((letter) => Buffer.alloc(size, letter));
  const [a, b, c] = letters as [Buffer, Buffer, Buffer];
  t.equal(await ne_sock_fullwrite(sock, a), 0);
  t.equal(await ne_sock_fullwrite(sock, Buffer.alloc(0)), 0);
  const empty = new ne_iovec();
  t.strictSame([empty.base, empty.len], [null, 0]);
  const vector = [
    { base: b, len: size },
    empty,
    { base: c, len: size },
    { base: a, len: 7 },
    { base: b, len: size },
  ];
  t.equal(await ne_sock_fullwritev(sock, vector), 0);
  await whole;
  t.ok(got.equals(Buffer.concat([a, b, c, a.subarray(0, 7), b])));
});

t.test("a write that nobody takes times out", async (t) => {
  const sock = await connected(t, async (peer) => {
    peer.pause();
    await peer.closed();
  });
  ne_sock_read_timeout(sock, 0.05);
  t.equal(await ne_sock_fullwrite(sock, Buffer.alloc(50_000_000)), NE_SOCK_TIMEOUT);
  t.equal(ne_sock_error(sock), "Connection timed out");
});

t.test("arguments that cannot be meant are refused by name", async (t) => {
  const sock = await connected(t, (peer) => peer.readEof());
  const table: [string, () => unknown][] = [
    ["ne_sock_read: the buffer is empty", () => ne_sock_read(sock, Buffer.alloc(0))],
    ["ne_sock_peek: the buffer is empty", () => ne_sock_peek(sock, Buffer.alloc(0))],
    ["ne_sock_readline: the buffer is empty", () => ne_sock_readline(sock, Buffer.alloc(0))],
    ["ne_sock_fullread: buffer", () => ne_sock_fullread(sock, "x" as never)],
    ["ne_sock_fullwrite: data", () => ne_sock_fullwrite(sock, "x" as never)],
    ["ne_sock_fullwritev: there is no block", () => ne_sock_fullwritev(sock, [])],
    ["ne_sock_fullwritev: base", () => ne_sock_fullwritev(sock, [{ base: null, len: 1 }])],
    ["ne_sock_block: the timeout", () => ne_sock_block(sock, -1)],
    ["ne_sock_block: the timeout", () => ne_sock_block(sock, NaN)],
    ["ne_sock_shutdown: unknown flags", () => ne_sock_shutdown(sock, 4)],
    ["ne_sock_prebind: the port", () => ne_sock_prebind(sock, null, 65536)],
    ["ne_sock_accept: the socket is connected already", () => ne_sock_accept(sock, 3)],
    ["ne_sock_proxy: unknown SOCKS version", () => ne_sock_proxy(sock, 9 as never, null, "h", 1)],
    [
      "ne_sock_proxy: SOCKS version 4 needs an IPv4",
      () => ne_sock_proxy(sock, 0, null, "h", 1, "u"),
    ],
    ["ne_sock_proxy: version 4A needs a host", () => ne_sock_proxy(sock, 1, null, null, 1, "u")],
    ["ne_sock_proxy: SOCKS version 4 needs a user", () => ne_sock_proxy(sock, 1, null, "h", 1)],
    ["ne_sock_proxy: version 5 needs an address", () => ne_sock_proxy(sock, 2, null, null, 1)],
    ["ne_sock_proxy: a user name needs", () => ne_sock_proxy(sock, 2, null, "h", 1, "u")],
    ["ne_sock_proxy: the port", () => ne_sock_proxy(sock, 2, null, "h", 1.5)],
  ];
  for (const [message, call] of table) t.match(await mistake(call), message);
  t.equal(await ne_sock_fullwrite(sock, Buffer.alloc(1)), 0, "no mistake did harm");
});

t.test("destroyed, foreign and unconnected sockets are refused by name", async (t) => {
  const buffer = Buffer.alloc(9);
  const context = ne_ssl_context_create(0);
  t.teardown(() => ne_ssl_context_destroy(context));
  const waiting: Record<string, (sock: ne_socket) => unknown> = {
    ne_sock_read: (sock) => ne_sock_read(sock, buffer),
    ne_sock_peek: (sock) => ne_sock_peek(sock, buffer),
    ne_sock_readline: (sock) => ne_sock_readline(sock, buffer),
    ne_sock_fullread: (sock) => ne_sock_fullread(sock, buffer),
    ne_sock_block: (sock) => ne_sock_block(sock, 1),
    ne_sock_fullwrite: (sock) => ne_sock_fullwrite(sock, buffer),
    ne_sock_fullwritev: (sock) => ne_sock_fullwritev(sock, [{ base: buffer, len: 1 }]),
    ne_sock_shutdown: (sock) => ne_sock_shutdown(sock, 3),
    ne_sock_handshake: (sock) => neon.ne_sock_handshake(sock, context, null, 0),
    ne_sock_accept_ssl: (sock) => neon.ne_sock_accept_ssl(sock, context),
    ne_sock_proxy: (sock) => ne_sock_proxy(sock, 2, null, "host", 1),
  };
  const others: Record<string, (sock: ne_socket) => unknown> = {
    ne_sock_connect: (sock) => ne_sock_connect(sock, loopback(), 1),
    ne_sock_prebind: (sock) => ne_sock_prebind(sock, null, 0),
    ne_sock_accept: (sock) => ne_sock_accept(sock, 3),
    ne_sock_fd,
    ne_sock_peer: (sock) => ne_sock_peer(sock, { value: 0 }),
    ne_sock_error,
    ne_sock_set_error: (sock) => ne_sock_set_error(sock, "x"),
    ne_sock_read_timeout: (sock) => ne_sock_read_timeout(sock, 1),
    ne_sock_connect_timeout: (sock) => ne_sock_connect_timeout(sock, 1),
    ne_sock_sessid: (sock) => ne_sock_sessid(sock, null, { value: 0 }),
    ne_sock_cipher,
    ne_sock_getproto,
    ne_sock_getcert: (sock) => ne_sock_getcert(sock, context),
    ne_sock_close,
  };
  const unconnected = ne_sock_create();
  for (const [name, call] of Object.entries(waiting)) {
    t.equal(await mistake(() => call(unconnected)), `${name}: the socket is not connected`);
  }
  t.equal(await ne_sock_close(unconnected), 0);
  for (const [name, call] of Object.entries({ ...waiting, ...others })) {
    t.equal(await mistake(() => call(unconnected)), `${name}: the ne_socket was destroyed already`);
    t.equal(await mistake(() => call(null as never)), `${name}: expected a ne_socket, got null`);
  }
});

t.test("without TLS there is nothing of TLS", async (t) => {
  const sock = await connected(t, (peer) => peer.readEof());
  const context = ne_ssl_context_create(0);
  const length = { value: 9 };
  t.equal(ne_sock_sessid(sock, Buffer.alloc(9), length), -1);
  t.equal(length.value, 9);
  t.equal(ne_sock_cipher(sock), null);
  t.equal(ne_sock_getproto(sock), NE_SSL_PROTO_UNSPEC);
  t.equal(ne_sock_getcert(sock, context), null);
  ne_ssl_context_destroy(context);
});

t.test("the error string", async (t) => {
  const sock = openSocket(t);
  ne_sock_set_error(sock, "%s-%d", "a\r\nb", 5);
  t.equal(ne_sock_error(sock), "a  b-5");
  ne_sock_set_error(sock, "%s", "y".repeat(300));
  t.equal(ne_sock_error(sock).length, 191);
});

// ---- accepting ----

async function listening(t: Test): Promise<[net.Server, number]> {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return [server, (server.address() as net.AddressInfo).port];
}

t.test("accepting from a listening server", async (t) => {
  const [server, port] = await listening(t);
  const ours = [openSocket(t), openSocket(t)] as const;
  const theirs = [openSocket(t), openSocket(t)] as const;
  const first = ne_sock_accept(ours[0], server);
  t.match(await mistake(() => ne_sock_accept(ours[0], server)), "ne_sock_accept is still pending");
  for (const sock of theirs) t.equal(await ne_sock_connect(sock, loopback(), port), 0);
  t.equal(await first, 0);
  await settled();
  t.equal(await ne_sock_accept(ours[1], server), 0, "the one that came meanwhile");
  for (const [i, sock] of ours.entries()) {
    const other = theirs[i] as ne_socket;
    t.equal(await ne_sock_fullwrite(sock, Buffer.from("hello\n")), 0);
    const line = Buffer.alloc(10);
    t.equal(await ne_sock_readline(other, line), 6);
    await ne_sock_close(other);
    t.equal(await ne_sock_read(sock, line), NE_SOCK_CLOSED);
    t.equal(await ne_sock_close(sock), 0);
  }
});

t.test("accepting from a descriptor", async (t) => {
  const [server, port] = await listening(t);
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const ours = openSocket(t);
  const accepted = ne_sock_accept(ours, fd);
  const theirs = openSocket(t);
  t.equal(await ne_sock_connect(theirs, loopback(), port), 0);
  // the server in this process listens on the same socket and may be the one to get it
  const winner = await Promise.race([
    accepted.then(() => "accepted"),
    new Promise<string>((resolve) => server.once("connection", () => resolve("server"))),
  ]);
  t.ok(["accepted", "server"].includes(winner));
  if (winner === "server") {
    await ne_sock_close(theirs);
    const again = openSocket(t);
    void ne_sock_connect(again, loopback(), port);
  }
});

t.test("what cannot be accepted from", async (t) => {
  const idle = net.createServer();
  const sock = openSocket(t);
  t.equal(await ne_sock_accept(sock, idle), -1);
  t.equal(ne_sock_error(sock), "Invalid argument");
  t.equal(await ne_sock_accept(sock, 987_654), -1);
  t.not(ne_sock_error(sock), "");
  const [server] = await listening(t);
  const waiting = ne_sock_accept(sock, server);
  server.close();
  t.equal(await waiting, -1);
  t.equal(ne_sock_error(sock), "the listening socket was closed");
});

// ---- closing ----

t.test("closing sends what was written, and frees the descriptor", async (t) => {
  let got = "";
  let over = (): void => {};
  const ended = new Promise<void>((resolve) => (over = resolve));
  const sock = await connected(t, async (peer) => {
    got = (await peer.readBytes(5)).toString();
    await peer.readEof();
    over();
  });
  await ne_sock_fullwrite(sock, Buffer.from("hello"));
  t.equal(await ne_sock_close(sock), 0);
  await ended;
  t.equal(got, "hello");
});

t.test("a socket may be left to its scope", async (t) => {
  const server = await scripted(t, [(peer) => peer.readEof()]);
  {
    using sock = ne_sock_create();
    t.equal(await ne_sock_connect(sock, loopback(), server.port), 0);
  }
  await server.done();
});

// ---- SOCKS ----

t.test("asking a SOCKS proxy to connect onward", async (t) => {
  const four = ne_iaddr_parse("192.0.2.1", 0);
  const table: [string, string, (sock: ne_socket) => Promise<number>][] = [
    [
      "\x04\x01\x00\x50\xc0\x00\x02\x01me\0",
      "\0\x5a\0\0\0\0\0\0",
      (sock) => ne_sock_proxy(sock, NE_SOCK_SOCKSV4, four, null, 80, "me"),
    ],
    [
      "\x04\x01\x00\x50\0\0\0\xffme\0host\0",
      "\0\x5a\0\0\0\0\0\0",
      (sock) => ne_sock_proxy(sock, NE_SOCK_SOCKSV4A, null, "host", 80, "me"),
    ],
  ];
  for (const [request, answer, ask] of table) {
    const sock = await connected(t, async (peer) => {
      t.equal((await peer.readBytes(request.length)).toString("latin1"), request);
      await peer.write(`${answer}hi\n`);
    });
    t.equal(await ask(sock), 0);
    const line = Buffer.alloc(9);
    t.equal(await ne_sock_readline(sock, line), 3, "what comes behind is the server's");
  }
  const sock = await connected(t, async (peer) => {
    await peer.readSome();
    await peer.end();
  });
  t.equal(await ne_sock_proxy(sock, NE_SOCK_SOCKSV5, null, "host", 80), NE_SOCK_ERROR);
  t.match(ne_sock_error(sock), /: Connection closed$/);
});

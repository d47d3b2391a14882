// NTLM against the published values of MS-NLMP 4.2.4, its states, and messages that lie about
// where their fields are.
import t from "tap";
import { parseChallenges } from "../../../lib/internal/auth/challenge.js";
import {
  authenticateMessage,
  NTLM,
  negotiateMessage,
  parseChallengeMessage,
  responses,
  userOf,
} from "../../../lib/internal/auth/ntlm.js";
import type { Answer, Circumstances, Login } from "../../../lib/internal/auth/scheme.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

const USER = userOf({ username: "Domain\\User", password: "Password" });
const CLIENT_CHALLENGE = Buffer.alloc(8, 0xaa);
const TARGET_INFO = hex(
  "02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000",
);

// 4.2.4.3: the CHALLENGE_MESSAGE of the example
const CHALLENGE = hex(`
  4e544c4d53535000 02000000 0c000c00 38000000 338a8ae2 0123456789abcdef 0000000000000000
  24002400 44000000 060070170000000f 530065007200760065007200`);
const MESSAGE = Buffer.concat([CHALLENGE, TARGET_INFO]);

t.test("the keys and responses of MS-NLMP 4.2.4", async (t) => {
  t.equal(USER.key.toString("hex"), "0c868a403bfd7a93a3001ef22ef02e3f", "NTOWFv2 (4.2.4.1.1)");
  const theirs = parseChallengeMessage(MESSAGE);
  t.ok(theirs);
  if (theirs === null) return;
  t.equal(theirs.challenge.toString("hex"), "0123456789abcdef");
  t.equal(theirs.flags, 0xe28a8a33);
  t.same(theirs.targetInfo, TARGET_INFO);
  const { lm, nt, sessionKey } = responses(USER, theirs, CLIENT_CHALLENGE, Buffer.alloc(8));
  t.equal(lm.toString("hex"), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa", "4.2.4.2.1");
  t.equal(nt.subarray(0, 16).toString("hex"), "68cd0ab851e51c96aabc927bebef6a1c", "4.2.4.2.2");
  t.equal(sessionKey.toString("hex"), "8de40ccadbc14a82f15cb0ad0de95ca3", "4.2.4.1.2");
  t.equal(
    nt.subarray(16).toString("hex"),
    `0101000000000000${"00".repeat(8)}${"aa".repeat(8)}00000000` +
      `${TARGET_INFO.toString("hex")}00000000`,
    "temp (4.2.4.1.3)",
  );
});

t.test("who logs in", async (t) => {
  const show = (username: string): [string, string] => {
    const { name, domain } = userOf({ username, password: "" });
    return [name, domain];
  };
  t.strictSame(show("User"), ["User", ""]);
  t.strictSame(show("D\\User"), ["User", "D"]);
  t.strictSame(show("user@example.com"), ["user@example.com", ""], "a principal name as it is");
  t.same(
    userOf({ username: "d\\straße", password: "x" }).key,
    userOf({ username: "d\\STRAßE", password: "x" }).key,
    "upper case keeps the number of characters, as Windows has it",
  );
});

/** The fields of an AUTHENTICATE_MESSAGE: LM, NT, domain, user, workstation, key. */
function fieldsOf(message: Buffer): Buffer[] {
  return [12, 20, 28, 36, 44, 52].map((at) => {
    const offset = message.readUInt32LE(at + 4);
    return message.subarray(offset, offset + message.readUInt16LE(at));
  });
}

t.test("the messages", async (t) => {
  const first = negotiateMessage();
  t.equal(first.subarray(0, 12).toString("hex"), "4e544c4d5353500001000000");
  t.equal(first.length, 32);
  const flags = first.readUInt32LE(12);
  t.equal(flags & 0x40000000, 0, "no key exchange, which would need RC4");
  t.equal(flags & 0x30, 0, "no signing and no sealing");

  const theirs = parseChallengeMessage(MESSAGE);
  if (theirs === null) throw new Error("no challenge");
  const last = authenticateMessage(USER, theirs, CLIENT_CHALLENGE, Buffer.alloc(8));
  const [lm, nt, domain, user, workstation, key] = fieldsOf(last);
  t.equal(last.readUInt32LE(8), 3);
  t.equal(lm?.toString("hex").slice(0, 32), "86c35097ac9cec102554764a57cccc19");
  t.equal(nt?.toString("hex").slice(0, 32), "68cd0ab851e51c96aabc927bebef6a1c");
  t.equal(domain?.toString("utf16le"), "Domain");
  t.equal(user?.toString("utf16le"), "User");
  t.equal(workstation?.length, 0, "the host's name is nobody's business");
  t.equal(key?.length, 0);

  const timed = {
    ...theirs,
    targetInfo: Buffer.concat([hex("07000800 0102030405060708"), hex("00000000")]),
  };
  const [noLm, timedNt] = fieldsOf(
    authenticateMessage(USER, timed, CLIENT_CHALLENGE, Buffer.alloc(8)),
  );
  t.same(noLm, Buffer.alloc(24), "with the server's clock there is no LM response (3.1.5.1.2)");
  t.equal(timedNt?.subarray(24, 32).toString("hex"), "0102030405060708", "and it is the server's");

  const oem = { ...theirs, flags: theirs.flags & ~1 };
  t.equal(
    fieldsOf(authenticateMessage(USER, oem, CLIENT_CHALLENGE, Buffer.alloc(8)))[3]?.toString(),
    "User",
  );
});

t.test("malformed: fields outside the message are refused", async (t) => {
  const changed = (at: number, value: string): Buffer => {
    const copy = Buffer.from(MESSAGE);
    hex(value).copy(copy, at);
    return copy;
  };
  const rows: [Buffer, string][] = [
    [Buffer.alloc(0), "nothing"],
    [MESSAGE.subarray(0, 31), "too short"],
    [changed(0, "00"), "another signature"],
    [changed(8, "03"), "another message"],
    [changed(16, "ffffffff"), "target name at the end of the world"],
    [changed(12, "ffff"), "target name too long"],
    [changed(44, "ffffffff"), "target information at the end of the world"],
    [changed(44, "80000000"), "just past the end"],
    [changed(40, "ffff"), "target information too long"],
  ];
  for (const [message, name] of rows) t.equal(parseChallengeMessage(message), null, name);
  t.ok(parseChallengeMessage(MESSAGE.subarray(0, 32)) === null, "cut in front of the name");
  t.ok(
    parseChallengeMessage(changed(12, "0000").subarray(0, 40)),
    "a server without target information",
  );
  for (let length = 0; length <= MESSAGE.length; length++) {
    parseChallengeMessage(MESSAGE.subarray(0, length));
  }
  let seed = 4711;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  for (let round = 0; round < 3000; round++) {
    const copy = Buffer.from(MESSAGE);
    for (let i = 0; i < 4; i++) copy[8 + next(copy.length - 8)] = next(256);
    const theirs = parseChallengeMessage(copy);
    if (theirs !== null) authenticateMessage(USER, theirs, CLIENT_CHALLENGE, Buffer.alloc(8));
  }
});

const AT: Circumstances = {
  method: "GET",
  target: "/",
  connection: null,
  old: null,
  signature: null,
  origin: { scheme: "http", host: "h", port: 80 },
  proxy: false,
  legacy: false,
  random: (length) => Buffer.alloc(length, 0xaa),
  now: () => 0,
};

/** Answers a challenge; counts how often the password was asked for. */
function challenge(
  field: string,
  old: Login | null,
  connection: object | null,
  asked: { count: number },
): Login | string {
  const [parsed] = parseChallenges(field, () => true);
  if (parsed === undefined) throw new Error("no challenge");
  const asking = NTLM.challenge(parsed, { ...AT, old, connection });
  let step = asking.next(null);
  while (step.done !== true) {
    asked.count++;
    const answer: Answer = { username: "Domain\\User", password: "Password" };
    step = asking.next(answer);
  }
  return step.value;
}

/** The kind of message that a login would send now, 0 for none. */
function sends(login: Login, connection: object | null): number {
  const signed = login.sign({ method: "GET", target: "/", connection }).next(null).value;
  if (signed === null || signed === undefined || !("value" in signed)) return 0;
  return Buffer.from(signed.value.slice("NTLM ".length), "base64").readUInt32LE(8);
}

const TYPE2 = `NTLM ${MESSAGE.toString("base64")}`;

t.test("a handshake, on one connection and on the next", async (t) => {
  const asked = { count: 0 };
  const a = {};
  const login = challenge("NTLM", null, a, asked) as Login;
  t.equal(asked.count, 1);
  t.equal(sends(login, a), 1);
  t.equal(challenge(TYPE2, login, a, asked), login);
  t.equal(sends(login, a), 3);
  login.finish?.({ method: "GET", target: "/", connection: a }, null, null).next(null);
  t.equal(sends(login, a), 0, "the connection is authenticated");
  const b = {};
  t.equal(sends(login, b), 1, "another one is not");
  t.equal(challenge(TYPE2, login, b, asked), login);
  t.equal(sends(login, b), 3);
  t.equal(challenge("NTLM", login, a, asked), login, "the server has forgotten a connection");
  t.equal(sends(login, a), 1);
  t.equal(asked.count, 1, "nobody is asked again");
});

t.test("a refusal asks again, a connection that is not kept ends it", async (t) => {
  const asked = { count: 0 };
  const a = {};
  const login = challenge("NTLM", null, a, asked) as Login;
  sends(login, a);
  challenge(TYPE2, login, a, asked);
  sends(login, a);
  t.not(challenge("NTLM", login, a, asked), login);
  t.equal(asked.count, 2);

  const lost = challenge("NTLM", null, {}, asked) as Login;
  const ends: (Login | string)[] = [];
  for (let i = 0; i < 4; i++) {
    t.equal(sends(lost, null), 1);
    ends.push(challenge(TYPE2, lost, {}, asked));
  }
  t.strictSame(ends, [lost, lost, lost, "NTLM needs a connection that is kept"]);
});

t.test("broken challenges are named", async (t) => {
  const asked = { count: 0 };
  const a = {};
  const login = challenge("NTLM", null, a, asked) as Login;
  sends(login, a);
  t.equal(challenge("NTLM AAAA", login, a, asked), "could not parse NTLM challenge");
  t.equal(challenge("NTLM A", login, a, asked), "could not parse NTLM challenge");
});

t.test("the first message, byte by byte (MS-NLMP 2.2.1.1)", async (t) => {
  const wanted = hex(`4e544c4d53535000 01000000 05820800
    0000 0000 20000000 0000 0000 20000000`);
  t.same(negotiateMessage(), wanted);
});

t.test("the last message, byte by byte (MS-NLMP 2.2.1.3)", async (t) => {
  const theirs = { flags: 0, challenge: Buffer.alloc(8, 1), targetInfo: Buffer.alloc(0) };
  const user = userOf({ username: "d\\\xfc", password: "p" });
  const { nt, lm } = responses(user, theirs, CLIENT_CHALLENGE, Buffer.alloc(8, 2));
  const le16 = (value: number): string => Buffer.of(value & 0xff, value >> 8).toString("hex");
  const field = (length: number, offset: number): string =>
    `${le16(length)}${le16(length)}${le16(offset)}0000`;
  const names = 64 + 24 + nt.length;
  const head = (flags: string, size: number): Buffer =>
    hex(
      `4e544c4d53535000 03000000 ${field(24, 64)} ${field(nt.length, 88)} ${field(size, names)}
      ${field(size, names + size)} ${field(0, names + 2 * size)} ${field(0, names + 2 * size)} ${flags}`,
    );
  t.same(
    authenticateMessage(user, theirs, CLIENT_CHALLENGE, Buffer.alloc(8, 2)),
    Buffer.concat([head("04820800", 1), lm, nt, Buffer.from("d\xfc", "latin1")]),
    "names in one byte a character, where the server has no Unicode",
  );
  t.same(
    authenticateMessage(user, { ...theirs, flags: 1 }, CLIENT_CHALLENGE, Buffer.alloc(8, 2)),
    Buffer.concat([head("05820800", 2), lm, nt, Buffer.from("d\xfc", "utf16le")]),
  );
});

t.test("the server's clock, wherever it stands in the list", async (t) => {
  const theirs = parseChallengeMessage(MESSAGE);
  if (theirs === null) throw new Error("no challenge");
  const clock = "0700 0800 0102030405060708";
  const rows: [name: string, info: string, found: boolean][] = [
    ["behind names, with the end mark", `0200 0200 4400 ${clock} 0000 0000`, true],
    ["at the end, without one", clock, true],
    ["behind the end mark", `0000 0000 ${clock} 0000 0000`, false],
    ["of another length", "0700 0400 01020304 0000 0000", false],
    ["under another number", "0900 0800 0102030405060708 0000 0000", false],
    ["cut", "0700 0800 01020304050607", false],
    ["behind a field that is too long", `0200 ff00 4400 ${clock}`, false],
    ["behind an empty field", `0200 0000 ${clock}`, true],
  ];
  for (const [name, info, found] of rows) {
    const message = authenticateMessage(
      USER,
      { ...theirs, targetInfo: hex(info) },
      CLIENT_CHALLENGE,
      Buffer.alloc(8, 0x11),
    );
    const [lm, nt] = fieldsOf(message);
    t.equal(lm?.equals(Buffer.alloc(24)), found, name);
    const stamp = found ? "0102030405060708" : "1111111111111111";
    t.equal(nt?.subarray(24, 32).toString("hex"), stamp, name);
  }
});

t.test("without a clock of the server's it is our time, counted from 1601", async (t) => {
  const a = {};
  const login = challenge("NTLM", null, a, { count: 0 }) as Login;
  sends(login, a);
  challenge(TYPE2, login, a, { count: 0 });
  const signed = login.sign({ method: "GET", target: "/", connection: a }).next(null).value;
  if (signed === null || signed === undefined || !("value" in signed)) return t.fail("nothing sent");
  t.equal(signed.check, null);
  const [, nt] = fieldsOf(Buffer.from(signed.value.slice("NTLM ".length), "base64"));
  t.equal(nt?.readBigUInt64LE(24), 116_444_736_000_000_000n, "1970-01-01");
  t.equal(
    nt?.subarray(32).toString("hex"),
    `${"aa".repeat(8)}00000000${TARGET_INFO.toString("hex")}00000000`,
    "the client's challenge of 8 bytes, and what it was told",
  );
});

t.test("a CHALLENGE_MESSAGE of the shortest length, with and without target information", async (t) => {
  const short = Buffer.alloc(48);
  CHALLENGE.copy(short, 0, 0, 32);
  short.fill(0, 12, 20);
  t.equal(parseChallengeMessage(short.subarray(0, 32))?.targetInfo.length, 0);
  short.writeUInt16LE(9, 40);
  short.writeUInt32LE(39, 44);
  t.equal(parseChallengeMessage(short)?.targetInfo.length, 9, "48 bytes hold its place");
  t.equal(parseChallengeMessage(short.subarray(0, 47))?.targetInfo.length, 0, "47 don't");
  short.writeUInt32LE(40, 44);
  t.equal(parseChallengeMessage(short), null, "one byte past the end");
  t.equal(parseChallengeMessage(null), null);
});

t.test("a server that asks for the same again does not mean it", async (t) => {
  const asked = { count: 0 };
  const a = {};
  const login = challenge("NTLM", null, a, asked) as Login;
  t.equal(login.bound, true);
  t.equal(login.applies({ method: "GET", target: "/", connection: a }), true);
  t.equal(sends(login, a), 1);
  t.equal(challenge("NTLM", login, a, asked), "rejected NTLM challenge");
  t.equal(asked.count, 1, "nobody is asked for that");
  const [parsed] = parseChallenges("NTLM", () => true);
  if (parsed === undefined) return;
  const asking = NTLM.challenge(parsed, AT);
  t.strictSame(asking.next(null).value, { want: "password", realm: null });
  t.equal(asking.next(null).value, "rejected NTLM challenge", "no password");
});

t.test("while the last message is on its way nothing is sent, and its token asks anew", async (t) => {
  const asked = { count: 0 };
  const a = {};
  const login = challenge("NTLM", null, a, asked) as Login;
  sends(login, a);
  challenge(TYPE2, login, a, asked);
  t.equal(sends(login, a), 3);
  t.equal(sends(login, a), 0);
  t.not(challenge(TYPE2, login, a, asked), login, "a token in answer to the last message");
  t.equal(asked.count, 2);
  const other = { ...login, scheme: { ...NTLM } };
  t.not(challenge(TYPE2, other, a, asked), other, "a login of another scheme is none of ours");
});

t.test("handshakes that are begun again: three, and three more once one was accepted", async (t) => {
  const asked = { count: 0 };
  const login = challenge("NTLM", null, null, asked) as Login;
  const again = (): Login | string => challenge("NTLM", login, null, asked);
  t.strictSame([again(), again(), again()], [login, login, login]);
  t.equal(again(), "rejected NTLM challenge");
  t.equal(
    login.finish?.({ method: "GET", target: "/", connection: null }, null, null).next(null).value,
    null,
  );
  t.strictSame([again(), again(), again(), again()], [login, login, login, "rejected NTLM challenge"]);
  t.equal(challenge(TYPE2, login, null, asked), "NTLM needs a connection that is kept");
});

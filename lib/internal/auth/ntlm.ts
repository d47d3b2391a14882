// NTLM, version 2 of its responses (MS-NLMP), without signing, sealing and key exchange, so that
// neither DES nor RC4 is needed. It authenticates a connection, not a request:
//
//   (no state) ── sign: NEGOTIATE_MESSAGE ──► asked ── challenge with a token ──► answer
//   answer ── sign: AUTHENTICATE_MESSAGE ──► sent ── finish ──► done: nothing is sent any more
//   asked ── challenge without token: the server does not mean it
//   sent ── challenge without token: the credentials were refused, ask again
//   done, (no state) ── challenge without token: begin again, a few times
import { createHmac } from "node:crypto";
import { ne_base64, ne_unbase64 } from "../../ne_string.js";
import { md4 } from "./md4.js";
import { NE_AUTH_NTLM } from "./protocol_bits.js";
import {
  askPassword,
  rejected,
  type Circumstances,
  type Credentials,
  type Login,
  type Scheme,
} from "./scheme.js";
import type { ne_out } from "../../ne_defs.js";

const SIGNATURE = Buffer.from("NTLMSSP\0", "latin1");
const UNICODE = 0x1;
// Unicode, request target, NTLM, always sign, extended session security: MS-NLMP 2.2.2.5
const FLAGS = UNICODE | 0x4 | 0x200 | 0x8000 | 0x80000;
/** Of the fields of a target information: the server's clock. */
const AV_TIMESTAMP = 7;
/** Milliseconds from 1601, where FILETIME begins, to 1970. */
const FILETIME_EPOCH_MS = 11_644_473_600_000n;
/** Handshakes begun without an answer to any: the server doesn't keep the connection. */
const MAX_HANDSHAKES = 3;

type Phase =
  { readonly is: "asked" | "sent" | "done" } | { readonly is: "answer"; readonly message: Buffer };

interface NtlmLogin extends Login {
  readonly ntlm: { readonly user: User; handshakes: number };
  readonly phases: WeakMap<object, Phase>;
}

/** Who logs in. */
export interface User {
  readonly name: string;
  readonly domain: string;
  /** NTOWFv2: the key made of password, name and domain. */
  readonly key: Buffer;
}

/** What a CHALLENGE_MESSAGE says. */
export interface ServerChallenge {
  readonly flags: number;
  readonly challenge: Buffer;
  readonly targetInfo: Buffer;
}

/** NTLM. */
export const NTLM: Scheme = {
  protocols: NE_AUTH_NTLM,
  protocol: NE_AUTH_NTLM,
  name: "NTLM",
  token: true,
  strength: () => 30,
  *challenge(challenge, at) {
    const old = isNtlm(at.old) ? at.old : null;
    const phase =
      old === null || at.connection === null ? undefined : old.phases.get(at.connection);
    if (challenge.token !== null && old !== null && phase?.is !== "sent") {
      return answer(old, challenge.token, at);
    }
    if (phase?.is === "asked") return rejected(NTLM);
    if (old !== null && phase?.is !== "sent") return beginAgain(old, at);
    const creds = yield* askPassword(null);
    if (creds === null) return rejected(NTLM);
    return ntlmLogin(userOf(creds));
  },
};

function isNtlm(login: Login | null): login is NtlmLogin {
  return login?.scheme === NTLM;
}

function ntlmLogin(user: User): NtlmLogin {
  const phases = new WeakMap<object, Phase>();
  return {
    scheme: NTLM,
    bound: true,
    ntlm: { user, handshakes: 0 },
    phases,
    applies: () => true,
    *sign({ connection }) {
      const phase = connection === null ? undefined : phases.get(connection);
      if (phase?.is === "sent" || phase?.is === "done") return null;
      const message = phase?.is === "answer" ? phase.message : negotiateMessage();
      if (connection !== null) {
        phases.set(connection, { is: phase?.is === "answer" ? "sent" : "asked" });
      }
      return { value: `NTLM ${ne_base64(message)}`, check: null };
    },
    *finish({ connection }) {
      if (connection !== null) phases.set(connection, { is: "done" });
      this.ntlm.handshakes = 0;
      return null;
    },
  };
}

function answer(login: NtlmLogin, token: string, at: Circumstances): Login | string {
  const bytes: ne_out<Buffer | null> = { value: null };
  const theirs = ne_unbase64(token, bytes) === 0 ? null : parseChallengeMessage(bytes.value);
  if (theirs === null) return "could not parse NTLM challenge";
  if (at.connection === null) return "NTLM needs a connection that is kept";
  if (++login.ntlm.handshakes > MAX_HANDSHAKES) return "NTLM needs a connection that is kept";
  const filetime = (BigInt(Math.trunc(at.now())) + FILETIME_EPOCH_MS) * 10_000n;
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(filetime);
  const message = authenticateMessage(login.ntlm.user, theirs, at.random(8), time);
  login.phases.set(at.connection, { is: "answer", message });
  return login;
}

function beginAgain(login: NtlmLogin, at: Circumstances): Login | string {
  if (++login.ntlm.handshakes > MAX_HANDSHAKES) return rejected(NTLM);
  if (at.connection !== null) login.phases.delete(at.connection);
  return login;
}

/** The user behind `DOMAIN\name`, or a name alone. */
export function userOf(creds: Pick<Credentials, "username" | "password">): User {
  const slash = creds.username.indexOf("\\");
  const domain = slash < 0 ? "" : creds.username.slice(0, slash);
  const name = creds.username.slice(slash + 1);
  // MS-NLMP 3.3.2; upper case as Windows has it, one character for one
  const upper = [...name].map((char) => {
    const up = char.toUpperCase();
    return up.length === char.length ? up : char;
  });
  return { name, domain, key: hmac(md4(utf16(creds.password)), utf16(upper.join("") + domain)) };
}

/** A NEGOTIATE_MESSAGE without names (MS-NLMP 2.2.1.1). */
export function negotiateMessage(): Buffer {
  const message = Buffer.alloc(32);
  message.set(SIGNATURE);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(FLAGS, 12);
  message.writeUInt32LE(32, 20);
  message.writeUInt32LE(32, 28);
  return message;
}

/** Reads a CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2); `null` if it is none or points past its end. */
export function parseChallengeMessage(message: Buffer | null): ServerChallenge | null {
  if (message === null || message.length < 32) return null;
  if (!message.subarray(0, 8).equals(SIGNATURE) || message.readUInt32LE(8) !== 2) return null;
  const flags = message.readUInt32LE(20);
  if (takeField(message, 12) === null) return null;
  // servers older than target information end after the challenge
  const targetInfo = message.length < 48 ? Buffer.alloc(0) : takeField(message, 40);
  if (targetInfo === null) return null;
  return { flags, challenge: Buffer.from(message.subarray(24, 32)), targetInfo };
}

// A length, a capacity and an offset, and the bytes that they name.
function takeField(message: Buffer, at: number): Buffer | null {
  const length = message.readUInt16LE(at);
  const offset = message.readUInt32LE(at + 4);
  if (length === 0) return Buffer.alloc(0);
  return offset + length > message.length ? null : message.subarray(offset, offset + length);
}

/** An AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3, without version and MIC). */
export function authenticateMessage(
  user: User,
  theirs: ServerChallenge,
  clientChallenge: Buffer,
  now: Buffer,
): Buffer {
  const stamp = timestampOf(theirs.targetInfo);
  const { nt, lm } = responses(user, theirs, clientChallenge, stamp ?? now);
  const unicode = (theirs.flags & UNICODE) !== 0;
  const text = (value: string): Buffer => (unicode ? utf16(value) : Buffer.from(value, "latin1"));
  const lmOrNothing = stamp === null ? lm : Buffer.alloc(24); // 3.1.5.1.2
  const none = Buffer.alloc(0);
  const fields = [lmOrNothing, nt, text(user.domain), text(user.name), none, none];
  const head = Buffer.alloc(64);
  head.set(SIGNATURE);
  head.writeUInt32LE(3, 8);
  let offset = head.length;
  fields.forEach((field, i) => {
    head.writeUInt16LE(field.length, 12 + i * 8);
    head.writeUInt16LE(field.length, 14 + i * 8);
    head.writeUInt32LE(offset, 16 + i * 8);
    offset += field.length;
  });
  head.writeUInt32LE(FLAGS & (unicode ? ~0 : ~UNICODE), 60);
  return Buffer.concat([head, ...fields]);
}

/** The two responses and the session key of MS-NLMP 3.3.2. */
export function responses(
  user: User,
  theirs: ServerChallenge,
  clientChallenge: Buffer,
  time: Buffer,
): { nt: Buffer; lm: Buffer; sessionKey: Buffer } {
  const temp = Buffer.concat([
    Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]),
    time,
    clientChallenge,
    Buffer.alloc(4),
    theirs.targetInfo,
    Buffer.alloc(4),
  ]);
  const proof = hmac(user.key, theirs.challenge, temp);
  const lm = hmac(user.key, theirs.challenge, clientChallenge);
  return {
    nt: Buffer.concat([proof, temp]),
    lm: Buffer.concat([lm, clientChallenge]),
    sessionKey: hmac(user.key, proof),
  };
}

// The time in a target information, `null` if there is none or the list is broken.
function timestampOf(info: Buffer): Buffer | null {
  let at = 0;
  while (at + 4 <= info.length) {
    const id = info.readUInt16LE(at);
    const length = info.readUInt16LE(at + 2);
    if (id === 0 || at + 4 + length > info.length) return null;
    if (id === AV_TIMESTAMP && length === 8) return info.subarray(at + 4, at + 12);
    at += 4 + length;
  }
  return null;
}

function hmac(key: Buffer, ...data: Buffer[]): Buffer {
  const sum = createHmac("md5", key);
  for (const bytes of data) sum.update(bytes);
  return sum.digest();
}

function utf16(text: string): Buffer {
  return Buffer.from(text, "utf16le");
}

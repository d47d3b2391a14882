// What every authentication scheme is made of. A scheme is pure: it reads a challenge, signs
// requests and checks answers. Where it needs something from outside (a password, a token, the hash
// of a body) it yields a question and is resumed with the answer. plugins/run_scheme.ts gets
// the answers.
import type { Challenge } from "./challenge.js";
import { isBytes } from "../base/bytes.js";

/** What a scheme may need to go on. */
export type Question =
  | { readonly want: "password"; readonly realm: string | null }
  | { readonly want: "token"; readonly challenge: Buffer; readonly exchange: object }
  | { readonly want: "bearer"; readonly realm: string }
  | { readonly want: "bodyHash"; readonly algorithm: string };

/** A user name and password, as the application gave them. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What a question is answered with; `null` is a refusal. */
export type Answer = Credentials | Uint8Array | string | null;

/** Something that may ask questions before it comes to its result. */
export type Asking<T> = Generator<Question, T, Answer>;

/** The request that is to be signed. */
export interface Outgoing {
  readonly method: string;
  /** As on the request line. */
  readonly target: string;
  /** Identity of the connection that the request will use; `null` while none is open. */
  readonly connection: object | null;
}

/** The circumstances of a challenge. */
export interface Circumstances extends Outgoing {
  /** The login that the refused request was signed with, or that is kept for the session. */
  readonly old: Login | null;
  /** What the refused request was signed with. */
  readonly signature: Signature | null;
  /** Where the requests of the session go: no path, no user info. */
  readonly origin: { readonly scheme: string; readonly host: string; readonly port: number };
  readonly proxy: boolean;
  /** Whether Digest without qop (RFC 2069) may be answered. */
  readonly legacy: boolean;
  /** Random bytes of cryptographic quality. */
  readonly random: (bytes: number) => Buffer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A field value for one request, and how to judge the server's proof in the answer. */
export interface Signature {
  readonly value: string;
  /**
   * Judges an Authentication-Info field: `null` or what is wrong. `bodyHash` is the hash of the
   * response's body, in hex, where `bodyAlgorithm` asks for one.
   */
  readonly check: ((info: string, bodyHash?: string) => string | null) | null;
  /** The algorithm with which `check` wants the response's body hashed, if it does. */
  readonly bodyAlgorithm?: string;
  /** The exchange of tokens (Negotiate) that it belongs to. */
  readonly exchange?: object;
}

/** Accepted credentials, ready to sign requests of one origin or one proxy. */
export interface Login {
  readonly scheme: Scheme;
  /** Whether it authenticates connections rather than requests. */
  readonly bound: boolean;
  /** Whether it would sign this request. */
  applies(out: Outgoing): boolean;
  /** The field value for a request; `null`: the request goes without. */
  sign(out: Outgoing): Asking<Signature | null>;
  /**
   * A request was accepted under this login: `signature` is what it was signed with, `field` the
   * challenge field, if any. Gives what is wrong with the server's proof, or `null`.
   */
  finish?(
    out: Outgoing,
    signature: Signature | null,
    field: string | null,
  ): Asking<string | null>;
}

/** One authentication scheme. */
export interface Scheme {
  /** Its `NE_AUTH_*` bits: which registrations it is for. */
  readonly protocols: number;
  /** The one bit that callbacks are told. */
  readonly protocol: number;
  /** As in the challenge field, in its usual case. */
  readonly name: string;
  /** Whether a bare token may follow the name. */
  readonly token: boolean;
  /** Challenges are tried in falling order of strength. */
  strength(challenge: Challenge): number;
  /** Answers a challenge: a login, or the reason why not. */
  challenge(challenge: Challenge, at: Circumstances): Asking<Login | string>;
}

/** Whether text holds a control character but tab, which a quoted-string may hold. */
export function hasControl(text: string): boolean {
  return /[\0-\x08\x0a-\x1f\x7f]/.test(text);
}

/** Asks for a user name and password. */
export function* askPassword(realm: string | null): Asking<Credentials | null> {
  const answer = yield { want: "password", realm };
  return typeof answer === "object" && !isBytes(answer) ? answer : null;
}

/** The end of every refusal: `rejected Basic challenge`. */
export function rejected(scheme: Scheme): string {
  return `rejected ${scheme.name} challenge`;
}

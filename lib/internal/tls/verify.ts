// Judges the certificate of a server: all failures at once, over the whole chain.

import type { X509 } from "../asn1/x509.js";
import type { TlsContext } from "./context.js";

/** What was found: failure bits, or a fault that no callback may override. */
export interface Verdict {
  failures: number;
  /** Error text of a fault that cannot be overridden; null if there is none. */
  hard: string | null;
  /** Whether `hard` counts as a failed handshake ("SSL handshake failed: " goes in front). */
  inHandshake: boolean;
}

/** Finds certificates of the default store by subject. */
export type FindIssuers = (subject: Buffer) => readonly X509[];

/**
 * @param chain what the server sent, leaf first
 * @param hostname the name that the server was addressed by, null for a literal
 * @param address bytes of the literal (4 or 16), null for a name
 * @param now seconds since 1970
 */
export function judge(
  chain: readonly X509[],
  context: TlsContext,
  hostname: string | null,
  address: Uint8Array | null,
  now: number,
): Verdict {
  void [chain, context, hostname, address, now];
  throw new Error("skeleton");
}

/** `Server certificate verification failed: reason, reason`. */
export function failuresText(failures: number): string {
  void failures;
  throw new Error("skeleton");
}

/** Whether this is the very leaf that was accepted last (its failures are not asked about). */
export function wasAccepted(context: TlsContext, chain: readonly X509[]): boolean {
  void [context, chain];
  throw new Error("skeleton");
}

/** Remembers the leaf that the application accepted. */
export function rememberAccepted(context: TlsContext, chain: readonly X509[]): void {
  void [context, chain];
  throw new Error("skeleton");
}

// Client certificates in any form of file: PKCS#12, or PEM with a certificate and its key. Opening
// one is the same question for both: is a password needed, and does this one fit?

import { createPrivateKey, type KeyObject } from "node:crypto";
import { Der, orNull, TAG } from "./der.js";
import { isCertificateLabel, readPem, type PemBlock } from "./pem.js";
import { belongs, openPkcs12, parsePkcs12 } from "./pkcs12.js";
import { isTooMuch } from "./pkcs12_crypto.js";
import { parseCheckedCertificate, type X509 } from "./x509.js";

/** A certificate with its key, and what else was with them. */
export interface KeyPair {
  readonly cert: X509;
  readonly others: readonly X509[];
  readonly key: KeyObject;
}

/** A file that was read: opened, or what opens it. */
export type KeyFile = { readonly name: string | null } & (
  | { readonly pair: KeyPair; readonly unlock: null }
  | { readonly pair: null; readonly unlock: (password: string) => KeyPair | null }
);

/** Reads a PKCS#12 file; null for what is none, or opens but lacks the certificate or the key. */
export function readPkcs12(file: Buffer): KeyFile | null {
  const parsed = parsePkcs12(file);
  if (parsed === null) return null;
  const opened = openPkcs12(parsed, null);
  if (opened === "broken") return null;
  if (opened === "mac") {
    const unlock = (password: string): KeyPair | null => {
      const contents = openPkcs12(parsed, password);
      return typeof contents === "string" ? null : pairOf(contents);
    };
    return { name: parsed.name, pair: null, unlock };
  }
  const pair = pairOf(opened);
  return pair === null ? null : { name: opened.name ?? parsed.name, pair, unlock: null };
}

function pairOf(contents: {
  cert: X509 | null;
  others: readonly X509[];
  key: KeyObject | null;
}): KeyPair | null {
  const { cert, others, key } = contents;
  return cert === null || key === null ? null : { cert, others, key };
}

/** Reads a PEM file that holds a certificate and its key, in any order. */
export function readPemPair(file: Buffer): KeyFile | null {
  const { blocks, malformed } = readPem(file);
  const keyBlock = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  const certs = blocks
    .filter(({ label }) => isCertificateLabel(label))
    .map(({ bytes }) => parseCheckedCertificate(bytes));
  const [cert, ...others] = certs;
  const chain = others.flatMap((other) => other ?? []);
  if (malformed || keyBlock === undefined || !cert || chain.length < others.length) return null;
  const make = (key: KeyObject | null): KeyPair | null =>
    key !== null && belongs(cert, key) ? { cert, others: chain, key } : null;
  if (isEncrypted(keyBlock)) {
    return { name: null, pair: null, unlock: (password) => make(readKey(keyBlock, password)) };
  }
  const pair = make(readKey(keyBlock, null));
  return pair === null ? null : { name: null, pair, unlock: null };
}

function isEncrypted(block: PemBlock): boolean {
  return (
    block.label === "ENCRYPTED PRIVATE KEY" ||
    block.headers.some((line) => /^Proc-Type:.*ENCRYPTED/.test(line))
  );
}

// OpenSSL would take all night where a file says so.
function wouldTakeTooLong({ label, bytes }: PemBlock): boolean {
  if (label !== "ENCRYPTED PRIVATE KEY") return false;
  return orNull(() => isTooMuch(new Der(bytes).open(TAG.SEQUENCE).open(TAG.SEQUENCE))) ?? true;
}

function readKey(block: PemBlock, password: string | null): KeyObject | null {
  if (wouldTakeTooLong(block)) return null;
  try {
    return createPrivateKey(
      password === null ? block.text : { key: block.text, passphrase: password },
    );
  } catch {
    return null;
  }
}

// Which host a certificate was issued for (RFC 6125, RFC 9110 4.3.4), with neon's rules.

import { commonName, entryText } from "../asn1/name.js";
import { ne_strnqdup } from "../../ne_string.js";
import { DNS_NAME, IP_ADDRESS, type X509 } from "../asn1/x509.js";

/** The first DNS name; without any, the last common name; else null. */
export function identityOf(cert: X509): string | null {
  const dns = cert.extensions.altNames?.find(({ tag }) => tag === DNS_NAME);
  if (dns !== undefined) return ne_strnqdup(dns.value);
  const cn = commonName(cert.subject);
  return cn === null ? null : entryText(cn);
}

/**
 * Compares with the name or address that the server was addressed by.
 * @returns "nameless" for a certificate that names nothing at all: no callback may accept it
 */
export function checkIdentity(
  cert: X509,
  hostname: string | null,
  address: Uint8Array | null,
): "match" | "mismatch" | "nameless" {
  let named = false;
  for (const { tag, value } of cert.extensions.altNames ?? []) {
    if (tag === DNS_NAME) {
      named = true;
      if (hostname !== null && matchesHost(ne_strnqdup(value), hostname)) return "match";
    } else if (tag === IP_ADDRESS && address !== null && isAddress(value)) {
      named = true;
      if (value.equals(address)) return "match";
    }
  }
  if (named) return "mismatch";
  const cn = commonName(cert.subject);
  const text = cn === null ? null : entryText(cn);
  if (text === null) return "nameless";
  return hostname !== null && matchesHost(text, hostname) ? "match" : "mismatch";
}

function isAddress(value: Buffer): boolean {
  return value.length === 4 || value.length === 16;
}

/**
 * `*.` in front stands for exactly one label; case does not count, a final dot does. A star right
 * under a top-level domain matches nothing, as in OpenSSL: nobody owns all of `*.com`. Under
 * `localhost` it does: such names never leave the machine (RFC 6761 6.3).
 */
export function matchesHost(pattern: string, hostname: string): boolean {
  if (pattern.startsWith("*.")) {
    const dot = hostname.indexOf(".");
    const domain = pattern.slice(2);
    if (!/[^.]\.[^.]/.test(domain) && lower(domain) !== "localhost") return false;
    // the label that the star stands for must not be empty
    return dot > 0 && lower(domain) === lower(hostname.slice(dot + 1));
  }
  return lower(pattern) === lower(hostname);
}

// ASCII only: a dotted capital I is no i
function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

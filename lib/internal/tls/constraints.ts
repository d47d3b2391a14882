// Name constraints of a CA (RFC 5280 4.2.1.10): whether the names of a certificate lie inside the
// permitted subtrees and outside the excluded ones. What we cannot judge is refused.

import { commonName, entryText, type Name } from "../asn1/name.js";
import {
  DIRECTORY_NAME,
  DNS_NAME,
  EMAIL,
  IP_ADDRESS,
  URI,
  directoryName,
  type GeneralName,
  type NameConstraints,
  type X509,
} from "../asn1/x509.js";

/** Names times constraints that are still compared: beyond it the certificate is refused. */
const MAX_COMPARISONS = 1 << 20;

/** Whether a certificate keeps to the constraints of a CA above it. */
export function keepsConstraints(cert: X509, constraints: NameConstraints): boolean {
  const names = [...(cert.extensions.altNames ?? [])];
  if (cert.subject.entries.length > 0) {
    // the subject itself, in the form of a general name
    names.push({ tag: DIRECTORY_NAME, value: cert.subject.der });
  }
  if (!names.some(({ tag }) => tag === DNS_NAME)) {
    const cn = commonName(cert.subject);
    const text = cn === null ? null : entryText(cn);
    if (text !== null && looksLikeHost(text)) {
      names.push({ tag: DNS_NAME, value: Buffer.from(text) });
    }
  }
  const { permitted, excluded } = constraints;
  if (names.length * (permitted.length + excluded.length) > MAX_COMPARISONS) return false;
  return names.every((name) => {
    const sameKind = permitted.filter(({ tag }) => tag === name.tag);
    if (sameKind.length > 0 && !sameKind.some((base) => isWithin(name, base) === true))
      return false;
    return !excluded.some((base) => base.tag === name.tag && isWithin(name, base) !== false);
  });
}

function looksLikeHost(text: string): boolean {
  return /^[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_][A-Za-z0-9_-]*)+\.?$/.test(text);
}

// null: cannot be judged
function isWithin(name: GeneralName, base: GeneralName): boolean | null {
  switch (name.tag) {
    case DNS_NAME:
      return isHostWithin(lower(name.value), lower(base.value), true);
    case EMAIL:
      return isMailWithin(name.value.toString("latin1"), base.value.toString("latin1"));
    case URI: {
      const host = /^[^:]*:\/\/(?:[^/?#]*@)?([^/?#:]*)/.exec(lower(name.value))?.[1];
      return host === undefined ? null : isHostWithin(host, lower(base.value), false);
    }
    case IP_ADDRESS:
      return isAddressWithin(name.value, base.value);
    case DIRECTORY_NAME:
      return isNameWithin(directoryName(name), directoryName(base));
    default:
      return null;
  }
}

function lower(bytes: Buffer): string {
  return bytes.toString("latin1").toLowerCase();
}

function isHostWithin(host: string, base: string, subdomains: boolean): boolean {
  if (base === "") return true;
  if (base.startsWith(".")) return host.endsWith(base);
  return host === base || (subdomains && host.endsWith(`.${base}`));
}

function isMailWithin(mail: string, base: string): boolean | null {
  const at = mail.lastIndexOf("@");
  if (at === -1) return null;
  const host = mail.slice(at + 1).toLowerCase();
  if (base.startsWith(".")) return host.endsWith(base.toLowerCase());
  const baseAt = base.lastIndexOf("@");
  if (baseAt === -1) return base === "" || host === base.toLowerCase();
  const sameBox = mail.slice(0, at) === base.slice(0, baseAt);
  return sameBox && host === base.slice(baseAt + 1).toLowerCase();
}

function isAddressWithin(address: Buffer, base: Buffer): boolean | null {
  if (address.length !== 4 && address.length !== 16) return null;
  if (base.length !== address.length * 2)
    return base.length === 8 || base.length === 32 ? false : null;
  return address.every((byte, index) => {
    const mask = base[address.length + index] ?? 0;
    return (byte & mask) === ((base[index] ?? 0) & mask);
  });
}

function isNameWithin(name: Name | null, base: Name | null): boolean | null {
  if (name === null || base === null) return null;
  return (
    base.canonical === "" ||
    name.canonical === base.canonical ||
    name.canonical.startsWith(`${base.canonical},`)
  );
}

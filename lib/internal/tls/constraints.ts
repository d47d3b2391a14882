// Name constraints of CAs (RFC 5280 4.2.1.10): whether the names of each certificate of a path lie
// inside the permitted subtrees and outside the excluded ones of every CA above it. What we cannot
// judge is refused. A peer chooses how many names there are, so each is read once, and one budget
// bounds the comparisons of the whole path.

import {
  commonName,
  entryText,
  parseNameOf,
  OID_EMAIL,
  type NameEntry,
} from "../asn1/name.js";
import {
  DIRECTORY_NAME,
  DNS_NAME,
  EMAIL,
  IP_ADDRESS,
  URI,
  type GeneralName,
  type NameConstraints,
  type X509,
} from "../asn1/x509.js";

/** Names compared with subtrees for one path at most; real ones need some thousands. */
const MAX_COMPARISONS = 1 << 18;
/** Names and subtrees of one path that are read at all: each costs some microseconds. */
const MAX_NAMES = 2048;

/** A name or subtree as it is compared (of a URI its host); null text: it cannot be read. */
interface Form {
  readonly tag: number;
  readonly bytes: Buffer;
  readonly text: string | null;
}

interface Subtrees {
  readonly permitted: readonly Form[];
  readonly excluded: readonly Form[];
}

/** Whether each certificate of a path, leaf first, keeps to the constraints of all CAs above. */
export function keepConstraints(certs: readonly X509[]): boolean {
  const top = certs.findLastIndex(({ extensions }) => extensions.nameConstraints !== null);
  if (top <= 0) return true;
  const bound = certs.slice(0, top + 1);
  if (isTooMuch(bound)) return false;
  const forms = bound.map((cert, depth) => (isExempt(cert, depth) ? [] : formsOf(cert)));
  return bound.every(({ extensions }, depth) => {
    if (extensions.nameConstraints === null) return true;
    const subtrees = subtreesOf(extensions.nameConstraints);
    const below = forms.slice(0, depth).flat();
    return below.every((name) => isAllowed(name, subtrees));
  });
}

// Counted before the first name is read.
function isTooMuch(certs: readonly X509[]): boolean {
  let names = 0;
  let comparisons = 0;
  let below = 0;
  for (const { subject, extensions } of certs) {
    const { permitted = [], excluded = [] } = extensions.nameConstraints ?? {};
    const subtrees = permitted.length + excluded.length;
    const own = subject.entries.length + (extensions.altNames?.length ?? 0);
    comparisons += below * subtrees;
    names += own + subtrees;
    below += own;
  }
  return names > MAX_NAMES || comparisons > MAX_COMPARISONS;
}

// A CA that issued itself a new certificate is not bound by the names of the old one.
function isExempt(cert: X509, depth: number): boolean {
  return depth > 0 && cert.subject.canonical === cert.issuer.canonical;
}

// The alternative names, the subject, its e-mail addresses, and a common name that is a host's.
function formsOf(cert: X509): Form[] {
  const { subject, extensions } = cert;
  const altNames = extensions.altNames ?? [];
  const forms = altNames.map((name) => (name.tag === URI ? uriForm(name) : formOf(name)));
  if (subject.entries.length > 0) {
    forms.push({ tag: DIRECTORY_NAME, bytes: subject.der, text: subject.canonical });
  }
  for (const entry of subject.entries) {
    if (entry.oid === OID_EMAIL) forms.push(emailForm(entry));
  }
  if (!altNames.some(({ tag }) => tag === DNS_NAME)) {
    const cn = commonName(subject);
    const text = cn === null ? null : entryText(cn);
    if (text !== null && looksLikeHost(text)) forms.push(hostForm(text));
  }
  return forms;
}

function emailForm({ value }: NameEntry): Form {
  return { tag: EMAIL, bytes: value, text: value.toString("latin1") };
}

// Its host, lower case, found once: a peer may show thousands of them.
function uriForm({ tag, value }: GeneralName): Form {
  const host = /^[^:]*:\/\/(?:[^/?#]*@)?([^/?#:]*)/.exec(lower(value))?.[1];
  return { tag, bytes: value, text: host ?? null };
}

function hostForm(text: string): Form {
  const bytes = Buffer.from(text);
  return { tag: DNS_NAME, bytes, text: lower(bytes) };
}

function subtreesOf({ permitted, excluded }: NameConstraints): Subtrees {
  return { permitted: permitted.map(formOf), excluded: excluded.map(formOf) };
}

function formOf({ tag, value }: GeneralName): Form {
  return { tag, bytes: value, text: textOf(tag, value) };
}

function textOf(tag: number, value: Buffer): string | null {
  if (tag === DNS_NAME || tag === URI) return lower(value);
  if (tag === EMAIL) return value.toString("latin1");
  if (tag === IP_ADDRESS) return "";
  if (tag !== DIRECTORY_NAME) return null;
  return parseNameOf(value)?.canonical ?? null;
}

function isAllowed(name: Form, { permitted, excluded }: Subtrees): boolean {
  let bound = false;
  let inside = false;
  for (const base of permitted) {
    if (base.tag !== name.tag) continue;
    bound = true;
    inside = isWithin(name, base) === true;
    if (inside) break;
  }
  if (bound && !inside) return false;
  return !excluded.some((base) => base.tag === name.tag && isWithin(name, base) !== false);
}

function looksLikeHost(text: string): boolean {
  return /^[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_][A-Za-z0-9_-]*)+\.?$/.test(text);
}

// null: cannot be judged
function isWithin(name: Form, base: Form): boolean | null {
  if (name.text === null || base.text === null) return null;
  switch (name.tag) {
    case DNS_NAME:
      return isHostWithin(name.text, base.text, true);
    case EMAIL:
      return isMailWithin(name.text, base.text);
    case URI:
      return isHostWithin(name.text, base.text, false);
    case IP_ADDRESS:
      return isAddressWithin(name.bytes, base.bytes);
    case DIRECTORY_NAME:
      return isNameWithin(name.text, base.text);
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

// both in canonical form
function isNameWithin(name: string, base: string): boolean {
  return base === "" || name === base || name.startsWith(`${base},`);
}

// Distinguished names (X.501): their entries, their text for people as neon prints it, and the
// canonical form in which names are compared, which is OpenSSL's.

import { Der, DerError, TAG, inside, orNull, type Element } from "./der.js";
import { ne_strnqdup } from "../../ne_string.js";
import { decodeString } from "./strings.js";

const OID_COMMON_NAME = "2.5.4.3";
/** The e-mail address in a subject, of old certificates. */
export const OID_EMAIL = "1.2.840.113549.1.9.1";

/** More attributes than any name has, so that a peer cannot make us sort a million. */
const MAX_ENTRIES = 1000;

/** One attribute of a name. */
export interface NameEntry {
  readonly oid: string;
  readonly tag: number;
  readonly value: Buffer;
}

/** A distinguished name. */
export interface Name {
  readonly der: Buffer;
  /** In the order of the encoding. */
  readonly entries: readonly NameEntry[];
  /** Two names are the same if these are. */
  readonly canonical: string;
}

// What a name may be written in: with any other type OpenSSL refuses the whole certificate.
const ALLOWED = new Set<number>([
  TAG.NUMERIC,
  TAG.PRINTABLE,
  TAG.T61,
  TAG.IA5,
  TAG.BIT_STRING,
  TAG.UNIVERSAL,
  TAG.BMP,
  TAG.UTF8,
  TAG.SEQUENCE,
]);

const CONVERTED = new Set<number>([TAG.T61, TAG.BMP, TAG.UNIVERSAL]);

/** Reads a name; throws a DerError. */
export function parseName(element: Element): Name {
  if (element.tag !== TAG.SEQUENCE) throw new DerError("a name is a sequence");
  const entries: NameEntry[] = [];
  const canonical: string[] = [];
  const rdns = inside(element);
  while (!rdns.done) {
    const set = rdns.open(TAG.SET);
    const forms: string[] = [];
    while (!set.done) {
      const entry = parseEntry(set.open(TAG.SEQUENCE));
      if (entries.push(entry) > MAX_ENTRIES) throw new DerError("too many attributes");
      forms.push(canonicalEntry(entry));
    }
    canonical.push(forms.sort().join("+"));
  }
  return { der: element.whole, entries, canonical: canonical.join(",") };
}

/** Reads a name that stands for itself, as in a general name; null if it is none. */
export function parseNameOf(der: Buffer): Name | null {
  return orNull(() => parseName(new Der(der).element()));
}

function parseEntry(sequence: Der): NameEntry {
  const oid = sequence.oid();
  const { tag, content } = sequence.element();
  sequence.end();
  if (!ALLOWED.has(tag)) throw new DerError("no type for a name");
  return { oid, tag, value: content };
}

// Letters in lower case, blanks at the ends dropped and runs of them made one, whatever the type of
// string; values of other types as they are.
function canonicalEntry(entry: NameEntry): string {
  const { oid, tag, value } = entry;
  if (tag === TAG.NUMERIC || tag === TAG.BIT_STRING || tag === TAG.SEQUENCE) {
    return `${oid}#${tag}:${value.toString("hex")}`;
  }
  const text = decodeString(tag, value);
  if (text === null) throw new DerError("text of a name cannot be decoded");
  const plain = lowered(text.replace(/[ \t\n\v\f\r]+/g, " ").replace(/^ | $/g, ""));
  // with its length, no text can look like two attributes
  return `${oid}=${plain.length}:${plain}`;
}

// In all of Unicode more letters have a lower case than OpenSSL knows.
function lowered(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text.toLowerCase();
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Whether both are the same name. */
export function sameName(one: Name, other: Name): boolean {
  return one.canonical === other.canonical;
}

/**
 * The text of an attribute's value: bytes outside printable ASCII are escaped in the two types that
 * are meant for ASCII. Null for what cannot be shown, a zero byte in other types included, and as
 * neon does for nothing at all in a type that must be converted.
 */
export function entryText(entry: NameEntry): string | null {
  if (entry.tag === TAG.PRINTABLE || entry.tag === TAG.IA5) return ne_strnqdup(entry.value);
  if (entry.value.length === 0 && CONVERTED.has(entry.tag)) return null;
  const text = decodeString(entry.tag, entry.value);
  return text === null || text.includes("\0") ? null : text;
}

/** The last common name: the entry, or null if there is none. */
export function commonName(name: Name): NameEntry | null {
  return name.entries.findLast((entry) => entry.oid === OID_COMMON_NAME) ?? null;
}

/** The name for people: values from last to first, without common name and e-mail if possible. */
export function readableName(name: Name): string {
  const { entries } = name;
  const shown: string[] = [];
  for (const [index, entry] of [...entries.entries()].reverse()) {
    const left = entry.oid === OID_COMMON_NAME || entry.oid === OID_EMAIL;
    if (left && (index > 0 || shown.length > 0)) continue;
    shown.push(entryText(entry) ?? "???");
  }
  return shown.join(", ");
}

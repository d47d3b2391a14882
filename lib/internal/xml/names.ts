// Names as written, each with one record that keeps what was worked out about it: its halves, and
// the namespace that it had last. A table of fixed size finds the record of a name that was seen
// before without making a string; names that share a place take it from each other, so a hostile
// document costs time in proportion to its length and no memory.
import { isNameStart } from "./chars.js";

/** No attributes. */
export const NO_ATTS: readonly string[] = Object.freeze([]);

/** A qualified name. What only elements need is there after `prepare`. */
export class QName {
  /** Before the colon; `""` without one. */
  prefix = "";
  /** Behind the colon. */
  local = "";
  /**
   * Whether it is one name, or two joined by a colon (Namespaces in XML 1.0, production 7). More
   * colons belong to the second, as in neon: mod_dav_svn makes such names of its properties.
   */
  valid = false;
  /** `<name`. */
  opening = "";
  /** `</name>`. */
  closing = "";
  /** Whether the table has it. Only such names remember what followed them. */
  kept = false;
  /** The element that began next the last time this one began. */
  afterStart: QName | null = null;
  /** The element that began next the last time this one ended. */
  afterEnd: QName | null = null;
  /** The scope in which `nspace` was found. */
  scope: object | null = null;
  /** The namespace of an element of this name in `scope`. */
  nspace = "";
  /** The last start tag of this name that was read in full, from `<` to `>`. */
  tag = "";
  /** Its attributes. */
  tagAtts: readonly string[] = NO_ATTS;
  /** Whether it is `<name/>`. */
  tagIsEmpty = false;
  /** How often `tag` was another one than wanted, less how often it was the one. */
  misses = 0;

  /** @param raw the name as written */
  constructor(
    readonly raw: string,
    readonly hash: number,
  ) {}

  /** Leaves the table, and lets go of its followers: else each would keep the next one alive. */
  drop(): void {
    this.kept = false;
    this.afterStart = this.afterEnd = null;
    this.tag = "";
    this.tagAtts = NO_ATTS;
  }

  /** Works out what elements need. */
  prepare(): void {
    const { raw } = this;
    this.opening = "<" + raw;
    this.closing = "</" + raw + ">";
    const colon = raw.indexOf(":");
    this.prefix = colon < 0 ? "" : intern(raw.slice(0, colon));
    this.local = intern(colon < 0 ? raw : raw.slice(colon + 1));
    this.valid =
      colon < 0 ||
      (colon > 0 && colon + 1 < raw.length && isNameStart(raw.charCodeAt(colon + 1)));
  }
}

const pool: Record<string, number> = Object.create(null);

/**
 * The engine's one copy of a string: equal ones then compare at once. For names that handlers will
 * compare. Keys of objects are such copies; this object has its keys taken away again, which makes
 * the engine keep it as a plain table.
 */
export function intern(text: string): string {
  pool[text] = 0;
  const [key = text] = Object.keys(pool);
  delete pool[text];
  return key;
}

/** A copy that does not keep the block alive that the text was cut from. */
export function detach(text: string): string {
  const copy = (" " + text).slice(1);
  // looking into it makes the engine join the two pieces
  copy.charCodeAt(0);
  return copy;
}

const TABLE_SIZE = 1024;
const MAX_KEPT_LENGTH = 256;

/** The names of one document. */
export class NameTable {
  readonly #table: (QName | null)[] = new Array<QName | null>(TABLE_SIZE).fill(null);

  /**
   * The record of the name at `start`.
   * @param hash the codes of the name folded by `hash * 31 + code`, as a 32-bit integer
   */
  find(s: string, start: number, end: number, hash: number): QName {
    const slot = (hash ^ (hash >>> 10)) & (TABLE_SIZE - 1);
    const known = this.#table[slot];
    if (known != null && known.hash === hash) {
      const raw = known.raw;
      // endsWith, for it takes a third of the time of startsWith in V8
      if (raw.length === end - start && s.endsWith(raw, end)) return known;
    }
    const made = new QName(detach(s.slice(start, end)), hash);
    if (end - start <= MAX_KEPT_LENGTH) {
      known?.drop();
      made.kept = true;
      this.#table[slot] = made;
    }
    return made;
  }
}

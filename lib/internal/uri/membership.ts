// Which hrefs of a multistatus response name the collection that was asked for, and which its
// members. A server behind a proxy may know the collection under another path: with another host,
// without the beginning of the path, or with another. What it calls the collection then
// stands for the path that was asked for, in members too.
//
//   asked /dav/docs/   the server says   /docs/         the collection
//                                        /docs/a.txt    the member /dav/docs/a.txt
import { repairHref } from "./repair.js";
import { ne_path_escape } from "../../ne_uri.js";
import { keyOf, locate, type Located, sameSegments } from "./same_path.js";

/** What an href names, as seen from the collection. */
export interface Place {
  /** `below` is deeper than a member; `elsewhere` is outside. */
  readonly kind: "self" | "member" | "below" | "elsewhere";
  /** Path, with its query, under which the server that was asked has the resource. */
  readonly path: string;
  /** The last segment of the path, decoded; `""` for the root. */
  readonly name: string;
  /** With `leaf` behind it one text for all spellings of the path; joining the two takes time. */
  readonly above: string;
  readonly leaf: string;
}

/** One text for all spellings of the path of a place. */
export function placeKey({ above, leaf, path }: Place): string {
  // a piece of a text that is there costs less than a new one
  const isIn = path.length === 1 + above.length + leaf.length &&
    path.endsWith(leaf) && path.endsWith(above, 1 + above.length);
  return isIn ? path.slice(1) : above + leaf;
}

type Compare = (a: readonly string[], b: readonly string[]) => boolean;

/** The hrefs of one response. */
export class Membership {
  readonly #asked: string;
  readonly #segments: readonly string[];
  readonly #isFixed: boolean;
  // the collection as the server calls it, once that is known to be something else
  #inner: readonly string[] | null = null;
  // or else that it is what was asked for
  #isExact = false;

  /**
   * @param asked the path of the request
   * @param isFixed hrefs may be anywhere, so one under another path is no spelling of this one
   */
  constructor(asked: string, isFixed = false) {
    this.#isFixed = isFixed;
    this.#asked = asked.replace(/[?#].*$/s, "");
    this.#segments = locate(this.#asked)[0].segments;
  }

  /** Tells what an href names. */
  place(href: string): Place {
    const readings = this.#readings(repairHref(href.trim()));
    const [first = { text: href, located: locate(href)[0] }] = readings;
    for (const isSame of [sameSegments, sameFolded]) {
      for (const reading of readings) {
        const place = this.#placeUnder(reading, isSame);
        if (place !== null) return place;
      }
    }
    return placeOf("elsewhere", first.located, spelledPath(first));
  }

  // What an href may mean, the likely first. One without a slash before it is relative, and some
  // servers escape the slashes between segments.
  #readings(href: string): Reading[] {
    const isRelative = !/^(?:[A-Za-z][A-Za-z0-9+.-]*:\/)?\//.test(href);
    const folder = this.#asked.slice(0, this.#asked.lastIndexOf("/") + 1);
    // an empty reference is what was asked for (RFC 3986 section 5.2.2)
    const texts = href === ""
      ? [this.#asked]
      : isRelative ? [folder + href, `${this.#asked}/${href}`] : [href];
    const readings = texts.flatMap((text) => locate(text).map((located) => ({ text, located })));
    const split = readings
      .filter(({ located }) => located.segments.some((name) => name.includes("/")))
      .map(({ located, text }) => ({
        text,
        located: {
          query: located.query,
          segments: located.segments.flatMap((name) => name.split("/")).filter((s) => s !== ""),
        },
      }));
    return [...readings, ...split];
  }

  #placeUnder(reading: Reading, isSame: Compare): Place | null {
    const { segments } = reading.located;
    for (const inner of this.#collections(segments)) {
      if (segments.length < inner.length) continue;
      if (!isSame(inner, segments.slice(0, inner.length))) continue;
      const depth = segments.length - inner.length;
      const kind = depth === 0 ? "self" : depth === 1 ? "member" : "below";
      const isShifted = !sameFolded(inner, this.#segments);
      if (!isShifted && this.#inner === null) this.#isExact = true;
      if (isShifted && kind === "self") this.#inner = inner;
      return isShifted ? this.#shifted(kind, reading, depth) : exact(kind, reading);
    }
    return null;
  }

  // What the server may call the collection, judged by an href: the path that was asked for; the
  // same without its first segments; what ends like it. The root alone only if it was named.
  #collections(segments: readonly string[]): (readonly string[])[] {
    const asked = this.#segments;
    if (this.#inner !== null) return [this.#inner, asked];
    const names: (readonly string[])[] = [asked];
    if (this.#isExact || this.#isFixed || asked.length === 0) return names;
    for (let cut = 1; cut < asked.length; cut++) names.push(asked.slice(cut));
    if (segments.length === 0) names.push([]);
    for (let count = asked.length; count > 0; count--) {
      for (const end of [segments.length, segments.length - 1]) {
        const like = segments.slice(Math.max(end - count, 0), end);
        if (sameFolded(like, asked.slice(-count))) names.push(segments.slice(0, end));
      }
    }
    return names;
  }

  #shifted(kind: Place["kind"], { text, located }: Reading, depth: number): Place {
    const below = located.segments.slice(located.segments.length - depth);
    const slash = this.#asked.endsWith("/") ? "" : "/";
    const end = /^[^?]*\/(?:\?|$)/.test(text) ? "/" : "";
    const query = located.query === null ? "" : `?${located.query}`;
    const path = depth === 0
      ? this.#asked
      : this.#asked + slash + below.map(escapeSegment).join("/") + end;
    const segments = [...this.#segments, ...below];
    return placeOf(kind, { segments, query: located.query }, path + query);
  }
}

interface Reading {
  readonly text: string;
  readonly located: Located;
}

function exact(kind: Place["kind"], reading: Reading): Place {
  return placeOf(kind, reading.located, spelledPath(reading));
}

function placeOf(kind: Place["kind"], located: Located, path: string): Place {
  return { kind, path, name: located.segments.at(-1) ?? "", above: "", leaf: keyOf(located) };
}

// The path as the server spells it, where that means what was read in it.
function spelledPath({ text, located }: Reading): string {
  const spelled = text
    .replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/, "")
    .replace(/^\/{2,}/, "/");
  const path = spelled.startsWith("/") ? spelled : `/${spelled}`;
  const [plain] = locate(path);
  if (keyOf(plain) === keyOf(located) && !/\/\.{1,2}(?=[/?]|$)/.test(path)) return path;
  const query = located.query === null ? "" : `?${located.query}`;
  const end = /^[^?]*\/(?:\?|$)/.test(text) && located.segments.length > 0 ? "/" : "";
  return `/${located.segments.map(escapeSegment).join("/")}${end}${query}`;
}

/**
 * A name as servers may spell it in their own way: those that ignore case, and those whose file
 * systems decompose letters.
 */
export function foldName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function sameFolded(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => foldName(name) === foldName(b[i] ?? ""));
}

function escapeSegment(name: string): string {
  return ne_path_escape(name).replaceAll("/", "%2f");
}

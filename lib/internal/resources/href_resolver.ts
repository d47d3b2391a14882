// Finds out what each href of a response names, quickly in the usual case: nearly every member
// starts with the path that was asked for, letter for letter, plus one segment of ordinary
// characters.
import { decodeSegment, keyOf, locate } from "../uri/same_path.js";
import { Membership, type Place } from "../uri/membership.js";

// one segment, perhaps with a slash behind it; one that begins with a dot may be no name
const USUAL = /^(?!\.)(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+\/?$/;
// in a key, a separator inside of a name is escaped
const SEPARATOR = /[%/?]/g;

/** The hrefs of one response. */
export class HrefResolver {
  readonly #membership: Membership;
  readonly #query: string | null;
  readonly #folder: string;
  readonly #folderKey: string;
  // whether the server calls the collection as the request did
  #isExact = false;

  /**
   * @param asked the path of the request
   * @param isFixed the server calls it as the request did, so that hrefs may be anywhere
   */
  constructor(asked: string, isFixed = false) {
    this.#membership = new Membership(asked, isFixed);
    this.#query = queryOf(asked);
    const path = asked.replace(/\?.*$/s, "");
    this.#folder = path.endsWith("/") ? path : `${path}/`;
    const key = keyOf(locate(path)[0]);
    this.#folderKey = key === "" ? "" : `${key}/`;
  }

  /** What an href names. */
  place(href: string): Place {
    if (!href.startsWith(this.#folder) || href.startsWith("//")) return this.#slowly(href);
    const rest = href.slice(this.#folder.length);
    if (!USUAL.test(rest)) return this.#slowly(href);
    if (!this.#isExact) {
      const place = this.#membership.place(href);
      this.#isExact = place.kind === "member" && place.path === href;
      return place;
    }
    const segment = rest.endsWith("/") ? rest.slice(0, -1) : rest;
    if (!segment.includes("%")) {
      return { kind: "member", path: href, name: segment, key: this.#folderKey + segment };
    }
    const name = decode(segment);
    if (name === "." || name === ".." || name.includes("/")) return this.#slowly(href);
    const key = this.#folderKey + name.replace(SEPARATOR, encodeURIComponent);
    return { kind: "member", path: href, name, key };
  }

  #slowly(href: string): Place {
    const place = this.#membership.place(href);
    if (place.kind !== "self") return place;
    // another view of the collection is something else
    const query = queryOf(place.path);
    return query === null || query === this.#query ? place : { ...place, kind: "elsewhere" };
  }
}

// The engine's own decoder knows UTF-8 alone.
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return decodeSegment(segment);
  }
}

function queryOf(path: string): string | null {
  const mark = path.indexOf("?");
  return mark < 0 ? null : path.slice(mark + 1);
}

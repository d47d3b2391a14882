// Cookies as RFC 6265 has them: reading Set-Cookie, deciding whether a server may set what it wants
// to set, choosing what to send. Pure: the time is an argument, in seconds since 1970.
//
// From its successor (RFC 6265bis) are taken what makes things safer: size limits, control
// characters, the prefixes __Secure- and __Host-, and that plain HTTP neither sets nor replaces
// Secure cookies. SameSite says nothing to a program without sites, and is ignored; so is HttpOnly,
// without scripts.
//
// There is no list of public suffixes here. Refused as a Domain are names of one label and what
// looks like a registry below a country: a two-letter country with one of a few labels (co.uk).
import { ne_shave } from "../../ne_string.js";
import { ownPropertyOf } from "../base/unknown_value.js";

/** Characters of name and value of a cookie together (RFC 6265bis section 5.6). */
export const MAX_COOKIE = 4096;
/** Characters of an attribute's value; a longer one is ignored. */
export const MAX_ATTRIBUTE = 1024;
/** Cookies of one domain, and of a jar: what RFC 6265 section 6.1 wants at least. */
export const MAX_PER_DOMAIN = 50;
export const MAX_COOKIES = 3000;
/** Characters of a Cookie field: servers refuse lines of more than 8 KiB. */
export const MAX_FIELD = 8190;

/** One cookie, with the field names of its JSON form. */
export interface Cookie {
  name: string;
  value: string;
  /** In lower case. */
  domain: string;
  path: string;
  /** Seconds since 1970; `null` until the session is over. */
  expires: number | null;
  /** Sent to `domain` itself only. */
  hostOnly: boolean;
  secure: boolean;
  httpOnly: boolean;
}

interface Kept extends Cookie {
  // order of creation
  created: number;
}

/** Who sets cookies, or is to get some. */
export interface CookieHost {
  /** Host name or address as in a URL. */
  host: string;
  /** Path of the request, without query. */
  path: string;
  /** Over TLS. */
  secure: boolean;
}

/** A set of cookies. */
export class CookieStore {
  // by domain, and there by path and name
  #domains = new Map<string, Map<string, Kept>>();
  // all of them, the one used longest ago first
  #byUse = new Set<Kept>();
  // how many are Secure, and when the first of all expires
  #secure = 0;
  #nextExpiry = Infinity;
  #clock = 0;

  get size(): number {
    return this.#byUse.size;
  }

  /** Takes the value of a Set-Cookie field. */
  set(field: string, from: CookieHost, now: number): void {
    const cookie = parseSetCookie(field, from, now);
    if (cookie !== null) this.put(cookie, from.secure, now);
  }

  /** Keeps a cookie, in the place of one with its name, domain and path. */
  put(cookie: Cookie, secure: boolean, now: number): void {
    const list = this.#domains.get(cookie.domain) ?? new Map<string, Kept>();
    const key = keyOf(cookie);
    const old = list.get(key);
    if (!secure && (old?.secure === true || this.#overlays(cookie))) return;
    if (old !== undefined) this.#drop(old);
    if (cookie.expires !== null && cookie.expires <= now) return;
    const kept = { ...cookie, created: old?.created ?? ++this.#clock };
    this.#domains.set(cookie.domain, list);
    list.set(key, kept);
    this.#byUse.add(kept);
    if (kept.secure) this.#secure++;
    this.#nextExpiry = Math.min(this.#nextExpiry, kept.expires ?? Infinity);
    this.#evict(cookie.domain, now);
  }

  // Whether a cookie of plain HTTP would stand in for a Secure one (RFC 6265bis section 5.7, 15).
  #overlays(cookie: Cookie): boolean {
    if (this.#secure === 0) return false;
    for (const [domain, list] of this.#domains) {
      if (!domainMatches(domain, cookie.domain) && !domainMatches(cookie.domain, domain)) continue;
      for (const other of list.values()) {
        if (other.secure && other.name === cookie.name && pathMatches(cookie.path, other.path)) {
          return true;
        }
      }
    }
    return false;
  }

  #drop(cookie: Kept): void {
    if (!this.#byUse.delete(cookie)) return;
    if (cookie.secure) this.#secure--;
    const list = this.#domains.get(cookie.domain);
    list?.delete(keyOf(cookie));
    if (list?.size === 0) this.#domains.delete(cookie.domain);
  }

  // RFC 6265 section 5.3, at its end: expired cookies go first, then those of a domain with too
  // many, then any; each time those used longest ago.
  #evict(domain: string, now: number): void {
    const list = this.#domains.get(domain);
    const isCrowded = list !== undefined && list.size > MAX_PER_DOMAIN;
    if (!isCrowded && this.size <= MAX_COOKIES) return;
    this.#dropExpired(now);
    while (list !== undefined && list.size > MAX_PER_DOMAIN) this.#dropOldest(list);
    while (this.size > MAX_COOKIES) this.#dropOldest(null);
  }

  #dropExpired(now: number): void {
    if (this.#nextExpiry > now) return;
    this.#nextExpiry = Infinity;
    for (const cookie of [...this.#byUse]) {
      const expires = cookie.expires ?? Infinity;
      if (expires <= now) this.#drop(cookie);
      else this.#nextExpiry = Math.min(this.#nextExpiry, expires);
    }
  }

  // Of one domain, or of all.
  #dropOldest(list: ReadonlyMap<string, Kept> | null): void {
    for (const cookie of this.#byUse) {
      if (list !== null && list.get(keyOf(cookie)) !== cookie) continue;
      this.#drop(cookie);
      return;
    }
  }

  /** The value of the Cookie field for a request, `null` for none (section 5.4). */
  header(to: CookieHost, now: number): string | null {
    const host = to.host.toLowerCase();
    const found: Kept[] = [];
    for (const domain of domainsOf(host)) {
      for (const cookie of [...(this.#domains.get(domain)?.values() ?? [])]) {
        if (cookie.expires !== null && cookie.expires <= now) this.#drop(cookie);
        else if (isFor(cookie, host, to)) found.push(cookie);
      }
    }
    found.sort((a, b) => b.path.length - a.path.length || a.created - b.created);
    let field = "";
    for (const cookie of found) {
      const pair = `${cookie.name}=${cookie.value}`;
      const more = field === "" ? pair : `${field}; ${pair}`;
      if (more.length > MAX_FIELD) break;
      field = more;
      this.#byUse.delete(cookie);
      this.#byUse.add(cookie);
    }
    return field === "" ? null : field;
  }

  /** Every cookie that has not expired, the oldest first; those of the session only if `all`. */
  list(now: number, all: boolean): Cookie[] {
    return [...this.#domains.values()]
      .flatMap((list) => [...list.values()])
      .filter(({ expires }) => (expires === null ? all : expires > now))
      .sort((a, b) => a.created - b.created)
      .map(({ created: _created, name, value, domain, path, ...more }) => {
        // one order for all, so that a jar that was loaded saves as it was
        const { expires, hostOnly, secure, httpOnly } = more;
        return { name, value, domain, path, expires, hostOnly, secure, httpOnly };
      });
  }

  clear(): void {
    this.#domains.clear();
    this.#byUse.clear();
    this.#secure = 0;
    this.#nextExpiry = Infinity;
  }
}

function keyOf({ path, name }: Cookie): string {
  return `${path}\n${name}`;
}

function isFor(cookie: Cookie, host: string, to: CookieHost): boolean {
  if (cookie.hostOnly && cookie.domain !== host) return false;
  return pathMatches(to.path, cookie.path) && (to.secure || !cookie.secure);
}

// A host and the domains above it that may have set cookies for it.
function domainsOf(host: string): string[] {
  const found = [host];
  if (isAddress(host)) return found;
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    const domain = host.slice(dot + 1);
    if (domain !== "") found.push(domain);
  }
  return found;
}

// ---- Set-Cookie ----

/** Reads a Set-Cookie field (sections 5.2 and 5.3). @returns `null` where it is to be ignored */
export function parseSetCookie(field: string, from: CookieHost, now: number): Cookie | null {
  // a tab is the one control character that may stand here
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(field)) return null;
  const [pair = "", ...rest] = field.split(";");
  const equals = pair.indexOf("=");
  const name = shaved(pair.slice(0, Math.max(equals, 0)));
  const value = shaved(pair.slice(equals + 1));
  if (name === "" || name.length + value.length > MAX_COOKIE) return null;
  const attributes = readAttributes(rest);
  const host = from.host.toLowerCase();
  const wanted = (attributes.get("domain") ?? "").replace(/^\./, "").toLowerCase();
  const place = placeOf(wanted, host);
  if (place === null) return null;
  const path = attributes.get("path");
  const cookie: Cookie = {
    name,
    value,
    ...place,
    path: path?.startsWith("/") === true ? path : defaultPath(from.path),
    expires: expiryOf(attributes, now),
    secure: attributes.has("secure"),
    httpOnly: attributes.has("httponly"),
  };
  if (cookie.secure && !from.secure) return null;
  return keepsPrefix(cookie, path) ? cookie : null;
}

// Blanks are spaces and tabs: 0xA0 is a byte like any other, the last one of "\u00e0" in UTF-8.
function shaved(text: string): string {
  return ne_shave(text, " \t");
}

// The last one of each name counts.
function readAttributes(list: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const attribute of list) {
    const equals = attribute.indexOf("=");
    const name = shaved(equals < 0 ? attribute : attribute.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? "" : shaved(attribute.slice(equals + 1));
    if (value.length > MAX_ATTRIBUTE) continue;
    // an expiry that can't be read leaves the one before it in force
    if (name === "max-age" && !/^-?[0-9]+$/.test(value)) continue;
    if (name === "expires" && parseCookieDate(value) === null) continue;
    found.set(name, value);
  }
  return found;
}

function expiryOf(attributes: Map<string, string>, now: number): number | null {
  const age = attributes.get("max-age");
  if (age !== undefined) return Number(age) <= 0 ? 0 : Math.min(now + Number(age), 2 ** 52);
  const date = attributes.get("expires");
  return date === undefined ? null : parseCookieDate(date);
}

// Where a cookie is at home; null if this host may not set cookies there.
function placeOf(wanted: string, host: string): Pick<Cookie, "domain" | "hostOnly"> | null {
  if (wanted === "" || wanted === host) {
    // a Domain attribute that names an address or a public suffix means the host alone
    const alone = wanted === "" || isAddress(host) || isPublicSuffix(host);
    return { domain: host, hostOnly: alone };
  }
  if (!domainMatches(host, wanted) || isPublicSuffix(wanted)) return null;
  return { domain: wanted, hostOnly: false };
}

/** Section 5.1.4. */
export function defaultPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return !path.startsWith("/") || slash === 0 ? "/" : path.slice(0, slash);
}

// What the prefix of a name promises (RFC 6265bis section 4.1.3).
function keepsPrefix(cookie: Cookie, path: string | undefined): boolean {
  const name = cookie.name.toLowerCase();
  if (name.startsWith("__secure-")) return cookie.secure;
  if (name.startsWith("__host-")) return cookie.secure && cookie.hostOnly && path === "/";
  return true;
}

// ---- matching ----

/** Section 5.1.3: whether a host is a domain or below it. Addresses match only themselves. */
export function domainMatches(host: string, domain: string): boolean {
  if (host === domain) return true;
  return host.endsWith(`.${domain}`) && !isAddress(host);
}

/** Section 5.1.4. */
export function pathMatches(path: string, cookiePath: string): boolean {
  const requested = path.startsWith("/") ? path : "/";
  if (requested === cookiePath) return true;
  if (!requested.startsWith(cookiePath)) return false;
  return cookiePath.endsWith("/") || requested[cookiePath.length] === "/";
}

function isAddress(host: string): boolean {
  // a last label of digits makes a host an IPv4 address, good or bad (as in URLs)
  return host.startsWith("[") || host.includes(":") || /(^|\.)([0-9]+|0x[0-9a-f]*)\.?$/.test(host);
}

// Labels that registries of countries sell names below.
const REGISTRY = /^(ac|co|com|ed|edu|gob|gouv|gov|go|ltd|mil|ne|net|nom|or|org|plc|sch)\.[a-z]{2}$/;

/** Whether names below this domain belong to different owners, as far as can be told. */
export function isPublicSuffix(domain: string): boolean {
  const name = domain.replace(/\.$/, "");
  return !name.includes(".") || REGISTRY.test(name);
}

// ---- dates ----

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Section 5.1.1, with its tolerance for order and delimiters. @returns seconds, or `null` */
export function parseCookieDate(text: string): number | null {
  let time: [number, number, number] | null = null;
  let day = -1;
  let month = -1;
  let year = -1;
  for (const token of text.split(/[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+/)) {
    const clock: RegExpExecArray | null =
      time === null ? /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)/.exec(token) : null;
    if (clock !== null) {
      time = [Number(clock[1]), Number(clock[2]), Number(clock[3])];
    } else if (day < 0 && /^\d{1,2}(?!\d)/.test(token)) {
      day = Number.parseInt(token, 10);
    } else if (month < 0 && MONTHS.includes(token.slice(0, 3).toLowerCase())) {
      month = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    } else if (year < 0 && /^\d{2,4}(?!\d)/.test(token)) {
      year = Number.parseInt(token, 10);
    }
  }
  if (year >= 70 && year <= 99) year += 1900;
  else if (year >= 0 && year <= 69) year += 2000;
  if (time === null || day < 1 || day > 31 || month < 0 || year < 1601) return null;
  const [hour, minute, second] = time;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const moment = new Date(Date.UTC(year, month, day, hour, minute, second));
  return moment.getUTCDate() === day ? moment.getTime() / 1000 : null;
}

// ---- JSON ----

/** A cookie from its JSON form, or `null` where it is none. */
export function cookieFrom(value: unknown): Cookie | null {
  if (typeof value !== "object" || value === null) return null;
  const field = (name: string): unknown => ownPropertyOf(value, name);
  const text = (name: string, wanted: RegExp): string | null => {
    const found = field(name);
    return typeof found === "string" && wanted.test(found) ? found : null;
  };
  const name = text("name", /^[^\0-\x08\x0a-\x1f\x7f;=]+$/);
  const content = text("value", /^[^\0-\x08\x0a-\x1f\x7f;]*$/);
  const domain = text("domain", /^[^\s\0-\x1f\x7f/?#@A-Z]+$/);
  const path = text("path", /^\/[^\0-\x1f\x7f;]*$/);
  const expires = field("expires");
  const hostOnly = field("hostOnly");
  const secure = field("secure");
  const httpOnly = field("httpOnly");
  if (name === null || content === null || domain === null || path === null) return null;
  if (name.length + content.length > MAX_COOKIE || /[^\0-\xff]/.test(name + content)) return null;
  if (expires !== null && !(typeof expires === "number" && Number.isFinite(expires))) return null;
  if (typeof hostOnly !== "boolean" || typeof secure !== "boolean") return null;
  if (typeof httpOnly !== "boolean") return null;
  if (!hostOnly && isPublicSuffix(domain)) return null;
  return {
    name,
    value: content,
    domain,
    path,
    expires,
    hostOnly,
    secure,
    httpOnly,
  };
}

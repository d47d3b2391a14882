// The options object of a call, read in one way for every function that takes one: an unknown name
// is an error, so no option is ignored.
import { ownOnly } from "./bytes.js";
import { misuse } from "./handle.js";

/**
 * Reads options: a copy of what the object has itself, since what it inherits may have been put on
 * Object.prototype by anybody. Throws for lists and maps, and for a name that is not known.
 * @param what they are, for an error
 */
export function readOptions<T extends object>(
  options: T,
  known: ReadonlySet<string>,
  caller: string,
  what = "options",
): T {
  if (typeof options !== "object" || options === null || Symbol.iterator in options) {
    throw misuse(caller, `the ${what} must be an object, not ${describe(options)}`);
  }
  const own = ownOnly(options);
  for (const name in own) {
    if (!known.has(name)) {
      const where = what === "options" ? "" : ` in ${what}`;
      throw misuse(caller, `there is no option "${name}"${where}`);
    }
  }
  return own;
}

/** Whether it is an object literal, or one without a prototype: it inherits nothing. */
export function isPlain(given: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, for an error. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  const { name } = (value as { constructor?: { name?: unknown } }).constructor ?? {};
  return typeof name === "string" && name !== "" ? name : "object";
}

/** What a number should have been, for an error. */
export function shownNumber(value: unknown): string {
  return typeof value === "number" ? String(value) : describe(value);
}

const LONGEST_SHOWN = 40;

/**
 * A word of header or URL for an error, up to the first character that it may not hold: what comes
 * behind that may be secret.
 */
export function shownWord(value: unknown): string {
  if (typeof value !== "string") return describe(value);
  const end = value.search(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/);
  const length = Math.min(end === -1 ? value.length : end + 1, LONGEST_SHOWN);
  return JSON.stringify(value.slice(0, length)) + (length < value.length ? "…" : "");
}

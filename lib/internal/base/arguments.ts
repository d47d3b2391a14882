// What an argument has to be. Anything else is the caller's mistake, and thrown as one that names
// the function that was called.
import { isBytes } from "./bytes.js";
import { misuse } from "./handle.js";

/** A text argument. */
export function needText(value: unknown, caller: string, name: string): string {
  if (typeof value !== "string") {
    throw misuse(caller, `${name} must be a string, not ${value === null ? "null" : typeof value}`);
  }
  return value;
}

const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** A text argument that goes into a document: XML has no way to say some characters (1.0, 2.2). */
export function needXmlText(value: unknown, caller: string, name: string): string {
  const text = needText(value, caller, name);
  if (NOT_XML.test(text)) throw misuse(caller, `${name} has a character that XML cannot hold`);
  return text;
}

/** The strings of a list that C ends with NULL: one final `null` is accepted. */
export function needTexts(list: readonly (string | null)[], caller: string): readonly string[] {
  const last = list.length - 1;
  const texts = last >= 0 && list[last] === null ? list.slice(0, last) : list;
  return texts.map((text) => needText(text, caller, "every argument"));
}

/** A memory argument of at least so many bytes. */
export function needBytes<B extends Uint8Array>(
  value: B,
  caller: string,
  name: string,
  atLeast = 0,
): B {
  if (!isBytes(value)) throw misuse(caller, `${name} must be a Uint8Array`);
  if (value.length < atLeast) throw misuse(caller, `${name} must have ${atLeast} bytes`);
  return value;
}

/** An object that a call fills in. */
export function needObject(value: unknown, caller: string, name: string): void {
  if (typeof value === "object" && value !== null) return;
  throw misuse(caller, `${name} must be an object`);
}

/** A list argument. */
export function needList(value: unknown, caller: string, name: string): void {
  if (!Array.isArray(value)) throw misuse(caller, `${name} must be an array`);
}

/** A callback argument. */
export function needCallback<F>(
  value: F,
  caller: string,
  name = "the callback",
): asserts value is NonNullable<F> {
  if (typeof value !== "function") throw misuse(caller, `${name} must be a function`);
}

/** A callback that may be left out. */
export function needCallbackOrNull(value: unknown, caller: string, name = "the callback"): void {
  if (value !== null && value !== undefined) needCallback(value, caller, name);
}

/** A port argument, 0 included. */
export function needPort(value: number, caller: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= 65535) return value;
  throw misuse(caller, "the port must be a whole number from 0 to 65535");
}

/** A time limit in seconds. @returns milliseconds */
export function needTimeout(value: number, caller: string): number {
  if (typeof value === "number" && value > 0) return value * 1000;
  throw misuse(caller, "the timeout must be a number of seconds greater than 0");
}

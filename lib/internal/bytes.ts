// Between bytes and text: header text is one character a byte (porting rule 7), and what is shown
// to people is one printable line. Also the checks of arguments that must be text or bytes.
import { misuse } from "./handle.js";

/** The bytes of text that holds one byte a character; higher bits of a character are dropped. */
export function latin1Bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Bytes as the characters U+0000-U+00FF. */
export function latin1Text(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("latin1");
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const HEX = "0123456789abcdef";

/** The two lower-case hex digits of each byte value. */
export const HEX_PAIRS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => HEX.charAt(byte >> 4) + HEX.charAt(byte & 15),
);

/** The value 0-15 of a hex digit's code, or -1. */
export function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Text without control characters, line separators and marks that turn the writing direction. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, " ");
}

/** Whether a value is bytes. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

/** A text argument: anything else is the caller's mistake. */
export function needText(value: unknown, caller: string, name: string): string {
  if (typeof value !== "string") {
    throw misuse(caller, `${name} must be a string, not ${value === null ? "null" : typeof value}`);
  }
  return value;
}

/** A memory argument of at least so many bytes: anything else is the caller's mistake. */
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

/** An object that a call fills in: anything else is the caller's mistake. */
export function needObject(value: unknown, caller: string, name: string): void {
  if (typeof value === "object" && value !== null) return;
  throw misuse(caller, `${name} must be an object`);
}

/** A list argument: anything else is the caller's mistake. */
export function needList(value: unknown, caller: string, name: string): void {
  if (!Array.isArray(value)) throw misuse(caller, `${name} must be an array`);
}

/** A callback argument: anything else is the caller's mistake. */
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

/** A port argument, 0 included: anything else is the caller's mistake. */
export function needPort(value: number, caller: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= 65535) return value;
  throw misuse(caller, "the port must be a whole number from 0 to 65535");
}

/** A time limit in seconds: anything else is the caller's mistake. @returns milliseconds */
export function needTimeout(value: number, caller: string): number {
  if (typeof value === "number" && value > 0) return value * 1000;
  throw misuse(caller, "the timeout must be a number of seconds greater than 0");
}

/**
 * A copy of the own fields of a settings object: what somebody put on Object.prototype is no
 * setting, neither for this library nor for a Node function that takes the copy.
 */
export function ownOnly<T extends object>(settings: T): T {
  return Object.assign(Object.create(null) as T, settings);
}

/**
 * The strings of a list that C ends with NULL: one final `null` is accepted (porting rule 16).
 */
export function needTexts(
  list: readonly (string | null)[],
  caller: string,
): readonly string[] {
  const last = list.length - 1;
  const texts = last >= 0 && list[last] === null ? list.slice(0, last) : list;
  for (const text of texts) needText(text, caller, "every argument");
  return texts as readonly string[];
}

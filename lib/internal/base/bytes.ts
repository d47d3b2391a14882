// Conversions between bytes and text. Header text has one character per byte; text that is shown to
// people is one printable line.
import { types } from "node:util";

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

/** The memory of a Uint8Array, of another view or of an ArrayBuffer; `null` for anything else. */
export function bytesIn(value: unknown): Buffer | null {
  if (isBytes(value)) return asBuffer(value);
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  return types.isArrayBuffer(value) ? Buffer.from(value) : null;
}

/**
 * A copy of the own fields of a settings object: what somebody put on Object.prototype is no
 * setting, neither for this library nor for a Node function that takes the copy.
 */
export function ownOnly<T extends object>(settings: T): T {
  const bare: T = Object.create(null);
  return Object.assign(bare, settings);
}

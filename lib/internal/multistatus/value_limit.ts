// The maximum length of a property value. A longer one fails the response: a value that was cut
// would be taken for the whole.
import { printable } from "../base/bytes.js";

/** Whether a text has more bytes, in UTF-8, than a value may. */
export function exceeds(text: string, maxBytes: number): boolean {
  // no character of a string takes more than three
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

/** The error of a value that is too long. */
export function valueTooLong(name: string, maxBytes: number): string {
  return `the value of ${printable(name)} exceeds ${maxBytes} bytes (nx_set_limits, "property")`;
}

// C's printf for the conversions that neon's callers use. Any other conversion, a missing argument
// or one of the wrong kind is the caller's mistake and throws.
import { misuse } from "./handle.js";

/** What may follow a format. */
export type FormatArg = string | number | bigint | null;

/** What a caller gave: `undefined` is no argument of any conversion. */
type Given = FormatArg | undefined;

// One conversion: flags, width, precision, length modifier, letter.
const CONVERSION = /%([-+ 0#]*)(\*|\d+)?(?:\.(\*|-?\d*))?(hh|h|ll|l|z|j|t)?([\s\S]?)/g;

// A field wider than this is no layout but an attack or a mistake.
const MAX_FIELD = 1 << 20;

// Bits of the integer types on the 64-bit systems whose outcome is to be met.
const INTEGER_BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, "": 32 };

interface Field {
  left: boolean;
  zero: boolean;
  plus: boolean;
  space: boolean;
  alternate: boolean;
  width: number;
  /** -1: none given */
  precision: number;
  bits: number;
}

/**
 * Formats as C's printf does.
 * @param caller the public function on whose behalf, for the TypeError
 */
export function format(
  template: string,
  args: readonly FormatArg[],
  caller = "printf format",
): string {
  if (typeof template !== "string") throw misuse(caller, "the format must be a string");
  if (!template.includes("%")) return template;
  let next = 0;
  const take = (letter: string): Given => {
    if (next >= args.length) throw misuse(caller, `no argument for %${letter}`);
    return args[next++];
  };
  return template.replace(
    CONVERSION,
    (whole, flags: string, width = "", precision?: string, size = "", letter = "") => {
      if (letter === "%") return "%";
      if (whole === "%s") return textOf(take("s"), caller);
      const field = fieldOf(flags, size);
      setWidth(field, width === "*" ? starOf(take("*"), caller) : Number(width), caller);
      if (precision === "*") field.precision = Math.max(-1, starOf(take("*"), caller));
      else if (precision !== undefined) {
        field.precision = precision.startsWith("-") ? -1 : Number(precision);
      }
      if (field.precision > MAX_FIELD) throw misuse(caller, "a precision above 1048576");
      return convert(letter, field, take, size, caller);
    },
  );
}

function fieldOf(flags: string, size: string): Field {
  return {
    left: flags.includes("-"),
    zero: flags.includes("0"),
    plus: flags.includes("+"),
    space: flags.includes(" "),
    alternate: flags.includes("#"),
    width: 0,
    precision: -1,
    bits: INTEGER_BITS[size] ?? 64,
  };
}

function starOf(value: Given, caller: string): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw misuse(caller, "the argument for * must be an integer");
  }
  return value;
}

// A negative width is the flag "-" and the width without its sign.
function setWidth(field: Field, width: number, caller: string): void {
  if (width < 0) field.left = true;
  field.width = Math.abs(width);
  if (field.width > MAX_FIELD) throw misuse(caller, "a width above 1048576");
}

function convert(
  letter: string,
  field: Field,
  take: (letter: string) => Given,
  size: string,
  caller: string,
): string {
  switch (letter) {
    case "d":
    case "i":
    case "u":
    case "x":
    case "X":
      return integer(letter, take(letter), field, caller);
    case "s":
      if (size === "") return padded(cutText(take("s"), field.precision, caller), field);
      break;
    case "c":
      if (size === "") return padded(characterOf(take("c"), caller), field);
      break;
  }
  throw misuse(caller, letter === "" ? "the format ends in %" : `unknown conversion %${letter}`);
}

function textOf(value: Given, caller: string): string {
  if (typeof value === "string") return value;
  if (value === null) return "(null)";
  throw misuse(caller, `the argument for %s must be a string, not a ${typeof value}`);
}

// glibc prints "(null)" whole or not at all.
function cutText(value: Given, precision: number, caller: string): string {
  if (precision < 0) return textOf(value, caller);
  if (value === null) return precision < 6 ? "" : "(null)";
  return textOf(value, caller).slice(0, precision);
}

function characterOf(value: Given, caller: string): string {
  if (typeof value === "string" && value.length === 1) return value;
  if (typeof value === "number" && Number.isInteger(value)) return String.fromCharCode(value & 255);
  throw misuse(caller, "the argument for %c must be a character");
}

function integer(letter: string, value: Given, field: Field, caller: string): string {
  if (typeof value !== "bigint" && (typeof value !== "number" || !Number.isInteger(value))) {
    throw misuse(caller, `the argument for %${letter} must be an integer`);
  }
  const signed = letter === "d" || letter === "i";
  const number = inType(value, field.bits, signed);
  const negative = number < 0;
  let digits = (negative ? -number : number).toString(letter === "x" || letter === "X" ? 16 : 10);
  if (letter === "X") digits = digits.toUpperCase();
  let sign = "";
  if (negative) sign = "-";
  else if (signed && field.plus) sign = "+";
  else if (signed && field.space) sign = " ";
  else if (field.alternate && number != 0 && /[xX]/.test(letter)) sign = `0${letter}`;
  if (field.precision === 0 && number == 0) digits = "";
  if (field.precision > 0) digits = digits.padStart(field.precision, "0");
  else if (field.precision < 0 && field.zero && !field.left) {
    digits = digits.padStart(field.width - sign.length, "0");
  }
  return padded(sign + digits, field);
}

// What a C integer of this size would hold. Numbers that fit both ways need no bigint.
function inType(value: number | bigint, bits: number, signed: boolean): number | bigint {
  const limit = 2 ** Math.min(bits - 1, 53);
  if (typeof value === "number" && value < limit && value >= (signed ? -limit : 0)) return value;
  return signed ? BigInt.asIntN(bits, BigInt(value)) : BigInt.asUintN(bits, BigInt(value));
}

function padded(text: string, field: Field): string {
  if (text.length >= field.width) return text;
  return field.left ? text.padEnd(field.width) : text.padStart(field.width);
}

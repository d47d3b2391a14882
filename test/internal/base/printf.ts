// printf as C does it; every row was compared with glibc.
import t from "tap";
import { format, type FormatArg } from "../../../lib/internal/base/printf.js";

const ROWS: readonly [template: string, args: FormatArg[], expected: string][] = [
  ["plain", [], "plain"],
  ["100%%", [], "100%"],
  ["%s", ["100%d"], "100%d"], // text from outside is data, never a format
  ["%s", [null], "(null)"],
  ["%.3s", [null], ""], // "(null)" whole or not at all
  ["%.6s", [null], "(null)"],
  ["[%5s|%-5s|%.2s]", ["ab", "ab", "abc"], "[   ab|ab   |ab]"],
  ["[%*s|%-*s|%*s]", [4, "a", 4, "b", -4, "c"], "[   a|b   |c   ]"],
  ["%.*s", [2, "abc"], "ab"],
  ["%.*s", [-1, "abc"], "abc"], // a negative precision is none
  ["%d %i %u", [-1, 7, 7], "-1 7 7"],
  ["%u", [-1], "4294967295"],
  ["%lu", [-1], "18446744073709551615"],
  ["%lld %llu", [2n ** 62n, 2n ** 63n], "4611686018427387904 9223372036854775808"],
  ["%d", [2 ** 31], "-2147483648"], // a C int holds no more
  ["%ld", [2 ** 31], "2147483648"],
  ["%hhd %hu", [255, 65537], "-1 1"],
  ["%zu", [42], "42"],
  ["%x %X %02x %02x", [255, 255, 10, 200], "ff FF 0a c8"],
  ["%#x %#x", [255, 0], "0xff 0"],
  ["%#06x", [255], "0x00ff"],
  ["%+d % d %+d", [5, 5, -5], "+5  5 -5"],
  ["%05d|%-05d|%05d", [42, 42, -42], "00042|42   |-0042"],
  ["%.5d|%8.5d|%08.5d", [42, 42, 42], "00042|   00042|   00042"], // a precision beats the zero
  ["%.0d|%.0d", [0, 1], "|1"],
  ["%c%c", ["a", 98], "ab"],
  ["%3c|%-3c|", ["a", "b"], "  a|b  |"],
  ["%s", ["x", "surplus"].slice(0, 1), "x"],
  ["none", ["surplus"], "none"],
];

t.test("conversions of C", async (t) => {
  for (const [template, args, expected] of ROWS) {
    t.equal(format(template, args), expected, `${template} ${String(args)}`);
  }
});

const MISTAKES: readonly [template: string, args: unknown[], message: string][] = [
  ["%s", [], "printf format: no argument for %s"],
  ["%*d", [1], "printf format: no argument for %d"],
  ["%n", [{}], "printf format: unknown conversion %n"],
  ["%f", [1], "printf format: unknown conversion %f"],
  ["%ls", ["x"], "printf format: unknown conversion %s"],
  ["50%", [], "printf format: the format ends in %"],
  ["%s", [1], "printf format: the argument for %s must be a string, not a number"],
  ["%s", [undefined], "printf format: the argument for %s must be a string, not a undefined"],
  ["%d", ["1"], "printf format: the argument for %d must be an integer"],
  ["%d", [1.5], "printf format: the argument for %d must be an integer"],
  ["%x", [NaN], "printf format: the argument for %x must be an integer"],
  ["%c", ["ab"], "printf format: the argument for %c must be a character"],
  ["%*s", ["x", "y"], "printf format: the argument for * must be an integer"],
  ["%99999999d", [1], "printf format: a width above 1048576"],
  ["%.*d", [99999999, 1], "printf format: a precision above 1048576"],
];

t.test("mistakes of the caller", async (t) => {
  for (const [template, args, message] of MISTAKES) {
    t.throws(() => format(template, args as FormatArg[]), new TypeError(message), template);
  }
  t.throws(() => format(7 as unknown as string, []), /the format must be a string/);
  t.throws(() => format("%d", [], "ne_snprintf"), /^ne_snprintf: no argument/);
});

// ne_dates.h: reading and writing dates. Times are whole seconds since 1970-01-01T00:00:00Z. The
// parsers are tables for a small reading of C's scanf, which decides what odd dates mean.
import { misuse } from "./internal/base/handle.js";
import { needText } from "./internal/base/arguments.js";

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
];

// The times whose year fits C's struct tm.
const FIRST_TIME = -67768040609740800n;
const LAST_TIME = 67768036191676799n;

const DAY_SECONDS = 86400;
const DATE_LENGTH = 29;

/**
 * Formats a time in the fixed date form of HTTP, always 29 characters and always GMT, e.g.
 * `Sun, 06 Nov 1994 08:49:37 GMT`. Years below 1000 are padded with blanks, and from year 10000 on
 * the end is cut off.
 * @returns the text, or `null` for a time outside the calendar's range.
 */
export function ne_rfc1123_date(anytime: number): string | null {
  if (typeof anytime !== "number") throw misuse("ne_rfc1123_date", "the time must be a number");
  if (!Number.isFinite(anytime)) return null;
  const time = BigInt(Math.trunc(anytime));
  if (time < FIRST_TIME || time > LAST_TIME) return null;
  const seconds = Number(((time % 86400n) + 86400n) % 86400n);
  const days = Number((time - BigInt(seconds)) / 86400n);
  const { year, month, day } = civilDate(days);
  const weekday = WEEKDAYS[(((days + 4) % 7) + 7) % 7];
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => twoDigits(Math.floor(part)))
    .join(":");
  // C adds 1900 to the year of struct tm in an int
  const shownYear = String(year | 0).padStart(4);
  const text = `${weekday}, ${twoDigits(day)} ${MONTHS[month]} ${shownYear} ${clock} GMT`;
  return text.slice(0, DATE_LENGTH);
}

/**
 * Reads `YYYY-MM-DDThh:mm:ss[.fraction]` followed by `Z`, `+hh:mm` or `-hh:mm`. The offset is
 * applied; a fraction of a second is dropped.
 * @returns the time, or -1 if no form fits.
 */
export function ne_iso8601_parse(date: string): number {
  needText(date, "ne_iso8601_parse", "the date");
  for (const [form, direction] of ISO8601_FORMS) {
    const found = scan(date, form);
    if (found === null) continue;
    const [year = 0, month = 0, day = 0, ...times] = found.numbers;
    const [hour = 0, minute = 0, second = 0, offsetHours = 0, offsetMinutes = 0] = times;
    const offset = (offsetHours * 60 + offsetMinutes) * 60;
    return timeOf(year - 1900, month - 1, day, hour, minute, second) - direction * offset;
  }
  return -1;
}

/**
 * Reads `Sun, 06 Nov 1994 08:49:37 GMT`.
 * @returns the time, or -1 if the text does not fit or the month is unknown.
 */
export function ne_rfc1123_parse(date: string): number {
  const found = scan(needText(date, "ne_rfc1123_parse", "the date"), RFC1123_FORM);
  if (found === null) return -1;
  const [, month = ""] = found.words;
  const [day = 0, year = 0, hour = 0, minute = 0, second = 0] = found.numbers;
  return namedTime(year - 1900, month, day, hour, minute, second);
}

/**
 * Reads `Sunday, 06-Nov-94 08:49:37 GMT`. A two-digit year below 50 means 20xx, else 19xx.
 * @returns the time, or -1 if the text does not fit or the month is unknown.
 */
export function ne_rfc1036_parse(date: string): number {
  const found = scan(needText(date, "ne_rfc1036_parse", "the date"), RFC1036_FORM);
  if (found === null) return -1;
  const [, month = ""] = found.words;
  const [day = 0, year = 0, hour = 0, minute = 0, second = 0] = found.numbers;
  return namedTime(year < 50 ? year + 100 : year, month, day, hour, minute, second);
}

/**
 * Reads `Sun Nov  6 08:49:37 1994`, taken as GMT.
 * @returns the time, or -1 if the text does not fit or the month is unknown.
 */
export function ne_asctime_parse(date: string): number {
  const found = scan(needText(date, "ne_asctime_parse", "the date"), ASCTIME_FORM);
  if (found === null) return -1;
  const [, month = ""] = found.words;
  const [day = 0, hour = 0, minute = 0, second = 0, year = 0] = found.numbers;
  return namedTime(year - 1900, month, day, hour, minute, second);
}

/**
 * Reads any date that HTTP allows: tries `ne_rfc1123_parse`, then `ne_rfc1036_parse`, then
 * `ne_asctime_parse`.
 * @returns the first result that is not -1, else -1.
 */
export function ne_httpdate_parse(date: string): number {
  needText(date, "ne_httpdate_parse", "the date");
  for (const parse of [ne_rfc1123_parse, ne_rfc1036_parse, ne_asctime_parse]) {
    const time = parse(date);
    if (time !== -1) return time;
  }
  return -1;
}

// What the conversions of a form have found, in their order.
interface Scanned {
  readonly words: string[];
  readonly numbers: number[];
}

// The conversions of a form: `%2d` a number of at most two characters, `%3s` a word of at most
// three, `%f` a decimal number; a blank stands for any white space or none, all else for itself.
type Form = readonly string[];

function form(text: string): Form {
  return text.match(/%\d*[dsf]| |[^% ]/g) ?? [];
}

const RFC1123_FORM = form("%3s, %2d %3s %4d %2d:%2d:%2d");
const RFC1036_FORM = form("%10s %2d-%3s-%2d %2d:%2d:%2d");
const ASCTIME_FORM = form("%3s %3s %2d %2d:%2d:%2d %4d");
const ISO8601_FORMS: readonly (readonly [form: Form, direction: number])[] = [
  [form("%4d-%2d-%2dT%2d:%2d:%f+%2d:%2d"), 1],
  [form("%4d-%2d-%2dT%2d:%2d:%f-%2d:%2d"), -1],
  [form("%4d-%2d-%2dT%2d:%2d:%f"), 0],
];

const SPACE = /[ \t\n\v\f\r]*/y;
const INTEGER = /^[-+]?\d+/;
const WORD = /^[^ \t\n\v\f\r]+/;
// scanf takes an exponent's letter and sign along even if no digit follows
const DECIMAL = /([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:[eE][-+]?)?/y;
const HEXADECIMAL =
  /([-+]?)0[xX]([\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]*)(?:[pP]([-+]?\d+)|[pP][-+]?)?/y;
const HEX_PREFIX = /[-+]?0[xX]/y;
const NOT_FINITE = /[-+]?(?:nan|inf(?:inity|(?!i)))/iy;

// null unless every conversion of the form was made
function scan(text: string, parts: Form): Scanned | null {
  const found: Scanned = { words: [], numbers: [] };
  let at = 0;
  for (const part of parts) {
    if (part.length === 1) {
      if (part === " ") at = skip(SPACE, text, at);
      else if (text.charAt(at++) !== part) return null;
      continue;
    }
    at = skip(SPACE, text, at);
    const taken = part === "%f" ? takeFloat(text, at) : takeShort(part, text, at);
    if (taken === null) return null;
    if (typeof taken.value === "string") found.words.push(taken.value);
    else found.numbers.push(taken.value);
    at += taken.length;
  }
  return found;
}

interface Taken {
  value: string | number;
  length: number;
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}

function takeShort(part: string, text: string, at: number): Taken | null {
  const field = text.slice(at, at + Number(part.slice(1, -1)));
  const isWord = part.endsWith("s");
  const word = (isWord ? WORD : INTEGER).exec(field)?.[0];
  return word === undefined ? null : { value: isWord ? word : Number(word), length: word.length };
}

function takeFloat(text: string, at: number): Taken | null {
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const infinite = match(NOT_FINITE);
  if (infinite) return { value: NaN, length: infinite[0].length };
  const hex = match(HEXADECIMAL);
  if (hex) {
    const [{ length }, whole = "", fraction = "", exponent = "0"] = hex;
    return { value: hexFloat(whole, fraction, exponent), length };
  }
  const decimal = match(HEX_PREFIX) ? null : match(DECIMAL);
  return decimal && { value: Number(decimal[1]), length: decimal[0].length };
}

function hexFloat(sign: string, digits: string, exponent: string): number {
  const [whole = "", fraction = ""] = digits.split(".");
  let value = 0;
  for (const digit of whole + fraction) value = value * 16 + Number(`0x${digit}`);
  value *= 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === "-" ? -value : value;
}

function namedTime(
  tmYear: number,
  month: string,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  const index = MONTHS.indexOf(month);
  return index < 0 ? -1 : timeOf(tmYear, index, day, hour, minute, second);
}

// What mktime makes of a struct tm in GMT: every field may be out of its range.
function timeOf(
  tmYear: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  const year = tmYear + 1900 + Math.floor(month / 12);
  const days = daysFromCivil(year, ((month % 12) + 12) % 12) + day - 1;
  return days * DAY_SECONDS + hour * 3600 + minute * 60 + toInt(second);
}

// What becomes of a double that C stores in an int: without its fraction, the smallest int where it
// does not fit.
function toInt(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(whole) <= 0x7fffffff ? whole + 0 : -0x80000000;
}

// Days of the Gregorian calendar from 1970-01-01 to the first of a month (0-11). The year is
// counted from March, so that the leap day is its last.
function daysFromCivil(year: number, month: number): number {
  const marchYear = month < 2 ? year - 1 : year;
  const marchMonth = (month + 10) % 12;
  const yearDays = Math.floor((marchMonth * 153 + 2) / 5);
  const leaps =
    Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leaps + yearDays - 719468;
}

function civilDate(days: number): { year: number; month: number; day: number } {
  const sinceMarch0 = days + 719468;
  let marchYear = Math.floor(sinceMarch0 / 365.2425);
  // the quotient may be off by one near the turn of the year
  while (daysFromCivil(marchYear, 2) > days) marchYear--;
  while (daysFromCivil(marchYear + 1, 2) <= days) marchYear++;
  const dayOfYear = days - daysFromCivil(marchYear, 2);
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = (marchMonth + 2) % 12;
  return {
    year: month < 2 ? marchYear + 1 : marchYear,
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

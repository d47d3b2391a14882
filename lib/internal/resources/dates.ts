// The dates of properties. Servers mix up the formats of HTTP and ISO 8601, name zones, leave out
// separators. What is not understood is no date: one that is wrong by hours would cost files.

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

// Wed, 03 May 2024 10:00:11 GMT, with or without the day of the week; also 03-May-24
const CLOCK = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?`;
const HTTP_DATE = new RegExp(
  String.raw`^(?:[a-z]+\.?,?\s+)?(\d{1,2})[ -]([a-z]{3})[a-z]*[ -](\d{4}|\d{2}),?\s+` +
    String.raw`${CLOCK}\s*(.*)$`,
  "i",
);
// Wed May  3 10:00:11 2024, perhaps with a zone before the year or behind it
const ASCTIME = new RegExp(
  String.raw`^[a-z]+,?\s+([a-z]{3})[a-z]*\s+(\d{1,2})\s+${CLOCK}` +
    String.raw`(?:\s+([a-z]+))?\s+(\d{4})\s*(.*)$`,
  "i",
);
// 2024-05-03T10:00:11.5Z, 20240503T100011Z, a blank for the T
const ISO_DATE =
  /^(\d{4})-?(\d{2})-?(\d{2})[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?\s*(.*)$/i;

const ZONE = /^(?:(?:GMT|UTC?|Z)?\s*([+-])(\d{2}):?(\d{2})?|GMT|UTC?|Z)$/i;

/**
 * Reads a date of getlastmodified or creationdate, in whatever form.
 * @returns milliseconds since 1970, or `NaN` where it is none, or its zone is not known
 */
export function parseDate(text: string): number {
  const usual = text.length === 20 ? parseUsualIso(text) : parseUsualHttp(text);
  if (!Number.isNaN(usual)) return usual;
  const trimmed = text.trim();
  const http = HTTP_DATE.exec(trimmed);
  if (http !== null) {
    const [, day = "", month = "", year = "", hour, minute, second, fraction, zone = ""] = http;
    return timeOf(fullYear(year), monthOf(month), day, hour, minute, second, fraction, zone);
  }
  const asctime = ASCTIME.exec(trimmed);
  if (asctime !== null) {
    const [, month = "", day = "", hour, minute, second, fraction, before, year, after] = asctime;
    const zone = before ?? after;
    return timeOf(Number(year), monthOf(month), day, hour, minute, second, fraction, zone);
  }
  const iso = ISO_DATE.exec(trimmed);
  if (iso === null) return NaN;
  const [, year, month, day = "", hour, minute, second, digits, zone = ""] = iso;
  const fraction = digits === undefined ? undefined : `.${digits}`;
  return timeOf(Number(year), Number(month) - 1, day, hour, minute, second, fraction, zone);
}

// "Fri, 03 May 2024 10:00:11 GMT", letter for letter: a listing has one in every resource.
function parseUsualHttp(text: string): number {
  if (text.length !== 29 || !text.endsWith(" GMT") || text.charCodeAt(3) !== COMMA) return NaN;
  const month = MONTH_CODES.get(
    (text.charCodeAt(8) << 16) | (text.charCodeAt(9) << 8) | text.charCodeAt(10),
  );
  if (month === undefined || text.charCodeAt(19) !== COLON) return NaN;
  const year = digitsAt(text, 12) * 100 + digitsAt(text, 14);
  return usualTime(text, 17, year, month, digitsAt(text, 5));
}

// "2024-05-03T10:00:11Z"
function parseUsualIso(text: string): number {
  const isUsual = text.charCodeAt(4) === HYPHEN && text.charCodeAt(7) === HYPHEN &&
    text.charCodeAt(10) === 0x54 && text.charCodeAt(19) === 0x5a;
  if (!isUsual) return NaN;
  const year = digitsAt(text, 0) * 100 + digitsAt(text, 2);
  return usualTime(text, 11, year, digitsAt(text, 5) - 1, digitsAt(text, 8));
}

// With the clock at a place of the text; `NaN` also where a part is no number.
function usualTime(text: string, at: number, year: number, month: number, day: number): number {
  const hour = digitsAt(text, at);
  const minute = digitsAt(text, at + 3);
  const second = digitsAt(text, at + 6);
  const isTime = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 61;
  if (!isTime || !(month >= 0 && month < 12 && year >= 1000 && isDay(year, month, day))) return NaN;
  return (((daysBefore(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second) * 1000;
}

// Days from 1970 to the first of a month, at a third of the time of Date.UTC. The year begins in
// March here, so that the day of a leap year is its last.
function daysBefore(year: number, month: number): number {
  const years = month < 2 ? year - 1 : year;
  const leapDays = (years >> 2) - Math.floor(years / 100) + Math.floor(years / 400);
  const monthDays = Math.floor((153 * ((month + 10) % 12) + 2) / 5);
  return years * 365 + leapDays + monthDays - 719_468;
}

/** What takes any sum below zero. */
const NO_DIGITS = -1_000_000;
// No month has fewer than 28 days.
function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && (day <= 28 || day <= new Date(Date.UTC(year, month + 1, 0)).getUTCDate());
}

const HYPHEN = 0x2d;
const COLON = 0x3a;
const COMMA = 0x2c;
const MONTH_CODES = new Map(
  MONTHS.map((name, index) => [
    ((name.charCodeAt(0) - 32) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
    index,
  ]),
);

// The number of two digits; below every other part of a date where they are none.
function digitsAt(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NO_DIGITS;
}

function monthOf(name: string): number {
  return MONTHS.indexOf(name.toLowerCase());
}

// A year of two digits, as RFC 9110 section 5.6.7 and neon take it.
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 4) return year;
  return year < 50 ? 2000 + year : 1900 + year;
}

function timeOf(
  year: number,
  month: number,
  day: string,
  hour = "0",
  minute = "0",
  second = "0",
  fraction = "0",
  zone = "",
): number {
  const offset = offsetOf(zone);
  const parts = [Number(day), Number(hour), Number(minute), Number(second)] as const;
  const [date, hours, minutes, seconds] = parts;
  const inRange = month >= 0 && month < 12 && isDay(year, month, date) && hours <= 24 &&
    minutes < 60 && seconds <= 60;
  if (!inRange || Number.isNaN(offset)) return NaN;
  const time = Date.UTC(year, month, date, hours, minutes, seconds, 1000 * Number(fraction));
  return time - offset;
}

// Milliseconds east of Greenwich. A date without any zone is taken as UTC, as HTTP dates are.
function offsetOf(zone: string): number {
  if (zone === "") return 0;
  const found = ZONE.exec(zone);
  if (found === null) return NaN;
  const [, sign, hours = "0", minutes = "0"] = found;
  if (sign === undefined) return 0;
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === "-" ? -size : size;
}

// The times of a certificate's validity as seconds since 1970 (X.680 46 and 47, RFC 5280 4.1.2.5).

import { TAG, type Element } from "./der.js";

const UTC = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})$/;
const GENERALIZED = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:\.\d+)?)?(Z|[+-]\d{4})?$/;

/** Seconds since 1970, or null for what is no time. Two-digit years mean 1950 to 2049. */
export function parseTime(element: Element): number | null {
  const utc = element.tag === TAG.UTC_TIME;
  if (!utc && element.tag !== TAG.GENERALIZED_TIME) return null;
  if (element.content.length > 40) return null;
  const match = (utc ? UTC : GENERALIZED).exec(element.content.toString("latin1"));
  if (match === null) return null;
  const [, yearText, ...rest] = match;
  const zone = rest.pop() ?? "Z";
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map((part) =>
    Number(part ?? 0),
  );
  const year = Number(yearText);
  return secondsOf(utc ? year + (year < 50 ? 2000 : 1900) : year, month, day, [
    hour,
    minute,
    second,
    zone,
  ]);
}

/**
 * Whether a time is written in the one form of RFC 5280 4.1.2.5, to the second and in UTC. OpenSSL
 * judges no other.
 */
export function isStrictTime({ tag, content }: Element): boolean {
  const digits = tag === TAG.UTC_TIME ? 12 : 14;
  return content.length === digits + 1 && /^\d+Z$/.test(content.toString("latin1"));
}

function secondsOf(
  year: number,
  month: number,
  day: number,
  [hour, minute, second, zone]: readonly [number, number, number, string],
): number | null {
  if (hour > 23 || minute > 59 || second > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // a day or month that does not exist would have rolled over
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const local = date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
  if (zone === "Z") return local;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3));
  if (hours > 12 || minutes > 59) return null;
  const offset = hours * 3600 + minutes * 60;
  return zone.startsWith("-") ? local + offset : local - offset;
}

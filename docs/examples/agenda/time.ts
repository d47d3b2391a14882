// Times of iCalendar: days, moments in UTC, and what a clock shows in some zone or wherever one is.
// What a clock shows is kept as a "wall": the milliseconds at which a clock in UTC would show it.
import { LOCAL, UTC, momentOf, type Zone } from "./zone.js";
import type { Property } from "./icalendar.js";

export interface Time {
  readonly wall: number;
  /** A whole day, which begins when the day of whoever reads this does. */
  readonly isDay: boolean;
  readonly zone: Zone;
}

/** Finds the zone of a TZID. */
export type Zones = (id: string) => Zone;

export const DAY_MS = 86_400_000;

/** Milliseconds since 1970. */
export function momentOfTime({ wall, zone }: Time): number {
  return momentOf(wall, zone);
}

/** @throws Error for what is no time */
export function parseTime({ name, value, params }: Property, zones: Zones): Time {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(value.trim());
  if (match === null) throw new Error(`${name} is no time: ${value}`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDate || hour > 23 || minute > 59 || second > 60) {
    throw new Error(`${name} is no time: ${value}`);
  }
  const wall = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
  if (match[4] === undefined) return { wall, isDay: true, zone: LOCAL };
  if (match[7] === "Z") return { wall, isDay: false, zone: UTC };
  const id = params.get("TZID");
  return { wall, isDay: false, zone: id === undefined ? LOCAL : zones(id) };
}

/** The times of a property that has a list of them. */
export function parseTimes(property: Property, zones: Zones): Time[] {
  return property.value.split(",").map((value) => parseTime({ ...property, value }, zones));
}

/** How long something lasts: days as the calendar has them, and time as a stopwatch has it. */
export interface Length {
  readonly days: number;
  readonly ms: number;
}

/** Reads a DURATION (RFC 5545 section 3.3.6). @throws Error for what is none */
export function parseLength({ name, value }: Property): Length {
  const match =
    /^([+-]?)P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)$/.exec(value.trim());
  if (match === null) throw new Error(`${name} is no duration: ${value}`);
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(2)
    .map((digits) => Number(digits ?? 0));
  if (match[1] === "-") return { days: 0, ms: 0 }; // nothing ends before it begins
  return { days: 7 * weeks + days, ms: ((hours * 60 + minutes) * 60 + seconds) * 1000 };
}

/** The moment at which what begins then ends. */
export function endOf(start: Time, { days, ms }: Length): number {
  return momentOf(start.wall + days * DAY_MS, start.zone) + ms;
}

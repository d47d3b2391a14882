// The events of a calendar object that lie within a time, recurring ones unrolled where the server
// has not done so. What cannot be read is told beside them.
import {
  parseCalendar,
  propertiesOf,
  propertyOf,
  textOf,
  type Component,
  type Property,
} from "./icalendar.js";
import { parseRule, timesOf } from "./recurrence.js";
import { DAY_MS, endOf, momentOfTime, parseLength, parseTime, parseTimes } from "./time.js";
import type { Length, Time, Zones } from "./time.js";
import { zonesOf } from "./zones.js";

/** A time from one moment to another, in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  /** The first moment behind it. */
  readonly to: number;
}

export interface Event {
  readonly when: Span;
  /** It lasts for whole days. */
  readonly isDay: boolean;
  readonly summary: string;
  readonly location: string | null;
  readonly isCancelled: boolean;
}

export interface Found {
  readonly events: Event[];
  readonly problems: string[];
}

/**
 * The events of an object.
 * @throws Error where it is no calendar object, or was cut
 */
export function eventsIn(text: string, within: Span): Found {
  const found: Found = { events: [], problems: [] };
  const calendars = parseCalendar(text).parts.filter(({ name }) => name === "VCALENDAR");
  if (calendars.length === 0) throw new Error("no calendar object");
  for (const calendar of calendars) addEvents(calendar, within, found);
  return found;
}

function addEvents(calendar: Component, within: Span, found: Found): void {
  const odd = new Set<string>();
  const zones = zonesOf(calendar, within.to + DAY_MS, odd);
  const parts = calendar.parts.filter(({ name }) => name === "VEVENT");
  const changed = changedTimes(parts, zones, found);
  for (const part of parts) {
    try {
      const isChange = propertyOf(part, "RECURRENCE-ID") !== null;
      const apart = changed.get(propertyOf(part, "UID")?.value ?? "") ?? new Set();
      const length = lengthOf(part, zones);
      const occurrences = isChange
        ? [{ start: startOf(part, zones), length }]
        : occurrencesOf(part, zones, within, apart);
      for (const { start, length } of occurrences) {
        const when = { from: momentOfTime(start), to: endOf(start, length) };
        if (isWithin(when, within)) found.events.push(eventOf(part, start, when));
      }
    } catch (error) {
      found.problems.push(`${titleOf(part)}: ${(error as Error).message}`);
    }
  }
  for (const id of odd) found.problems.push(`time zone ${id} is not known, local time is assumed`);
}

function titleOf(part: Component): string {
  return textOf(part, "SUMMARY") ?? "(no title)";
}

function eventOf(part: Component, start: Time, when: Span): Event {
  return {
    when,
    isDay: start.isDay,
    summary: titleOf(part),
    location: textOf(part, "LOCATION"),
    isCancelled: textOf(part, "STATUS")?.toUpperCase() === "CANCELLED",
  };
}

// RFC 4791 section 9.9. What takes no time is in the time that it begins in.
function isWithin(when: Span, { from, to }: Span): boolean {
  return when.from < to && (when.to > from || when.from >= from);
}

function startOf(part: Component, zones: Zones): Time {
  const starts = propertyOf(part, "DTSTART");
  if (starts === null) throw new Error("it has no DTSTART");
  return parseTime(starts, zones);
}

// DTEND means the same stretch of time at each recurrence, DURATION the same days.
function lengthOf(part: Component, zones: Zones): Length {
  const start = startOf(part, zones);
  const ends = propertyOf(part, "DTEND");
  const lasts = propertyOf(part, "DURATION");
  if (ends === null && lasts !== null) return parseLength(lasts);
  if (ends === null) return { days: start.isDay ? 1 : 0, ms: 0 };
  const end = parseTime(ends, zones);
  // an end that is the beginning, as some programs write it, means that day
  if (start.isDay && end.isDay) {
    return { days: Math.max((end.wall - start.wall) / DAY_MS, 1), ms: 0 };
  }
  return { days: 0, ms: Math.max(momentOfTime(end) - momentOfTime(start), 0) };
}

interface Occurrence {
  readonly start: Time;
  readonly length: Length;
}

// The times of an event that may be in the span, but for those set apart.
function* occurrencesOf(
  part: Component,
  zones: Zones,
  within: Span,
  apart: ReadonlySet<string>,
): Generator<Occurrence> {
  const start = startOf(part, zones);
  const length = lengthOf(part, zones);
  const gone = keysOf(propertiesOf(part, "EXDATE"), zones);
  const seen = new Set<string>();
  const isNew = (time: Time): boolean => {
    const key = keyOf(time);
    if (seen.has(key) || isKept(gone, time) || isKept(apart, time)) return false;
    seen.add(key);
    return true;
  };
  const added = propertiesOf(part, "RDATE").flatMap((dates) => addedBy(dates, length, zones));
  for (const each of [{ start, length }, ...added]) if (isNew(each.start)) yield each;
  if (propertyOf(part, "EXRULE") !== null) {
    throw new Error("repeats in a way that is not understood: EXRULE");
  }
  // no zone is two days from UTC
  const earliest = within.from - length.ms - (length.days + 2) * DAY_MS;
  for (const rule of propertiesOf(part, "RRULE").map(parseRule)) {
    for (const time of timesOf(rule, start, within.to)) {
      if (time.wall >= earliest && isNew(time)) yield { start: time, length };
    }
  }
}

// A period has an end of its own, or a length.
function addedBy(dates: Property, usual: Length, zones: Zones): Occurrence[] {
  return dates.value.split(",").map((value) => {
    const [begin = "", end] = value.split("/");
    const start = parseTime({ ...dates, value: begin }, zones);
    if (end === undefined) return { start, length: usual };
    if (/^[+-]?P/.test(end)) return { start, length: parseLength({ ...dates, value: end }) };
    const until = momentOfTime(parseTime({ ...dates, value: end }, zones));
    return { start, length: { days: 0, ms: Math.max(until - momentOfTime(start), 0) } };
  });
}

// The times of recurrences that have been changed, by the event that they belong to: each change
// is an event of its own.
function changedTimes(
  parts: readonly Component[],
  zones: Zones,
  found: Found,
): Map<string, Set<string>> {
  const changed = new Map<string, Set<string>>();
  for (const part of parts) {
    const id = propertyOf(part, "RECURRENCE-ID");
    if (id === null) continue;
    if (id.params.get("RANGE") === "THISANDFUTURE") {
      found.problems.push(`${titleOf(part)}: the times after a change may be others than shown`);
    }
    const uid = propertyOf(part, "UID")?.value ?? "";
    const times = changed.get(uid) ?? new Set();
    changed.set(uid, times);
    try {
      times.add(keyOf(parseTime(id, zones)));
    } catch (error) {
      found.problems.push(`${titleOf(part)}: ${(error as Error).message}`);
    }
  }
  return changed;
}

function keysOf(properties: readonly Property[], zones: Zones): Set<string> {
  return new Set(properties.flatMap((each) => parseTimes(each, zones).map(keyOf)));
}

// A moment is the same in whatever zone it is told.
function keyOf(time: Time): string {
  return time.isDay ? `day ${time.wall}` : `${momentOfTime(time)}`;
}

// A day stands for any time of it.
function isKept(keys: ReadonlySet<string>, time: Time): boolean {
  const midnight = Math.floor(time.wall / DAY_MS) * DAY_MS;
  return keys.has(keyOf(time)) || keys.has(`day ${midnight}`);
}

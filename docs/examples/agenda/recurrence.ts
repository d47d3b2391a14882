// Rules of recurrence (RFC 5545 section 3.3.10): yearly, monthly, weekly and daily ones, with all
// of their parts.
//
//   period (year, month, week, day) ──► its days ──► those that fit ──► their times ──► BYSETPOS
import type { Property } from "./icalendar.js";
import { DAY_MS, momentOfTime, parseTime, type Time } from "./time.js";
import { LOCAL } from "./zone.js";

const FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY"] as const;
type Frequency = (typeof FREQUENCIES)[number];

const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/** The parts that are lists of numbers, and the greatest of these. */
const LISTS = {
  BYMONTH: 12,
  BYWEEKNO: 53,
  BYYEARDAY: 366,
  BYMONTHDAY: 31,
  BYHOUR: 23,
  BYMINUTE: 59,
  BYSECOND: 60,
  BYSETPOS: 366,
} as const;
type ListName = keyof typeof LISTS;

/** A weekday: any (0), or the nth of its month or year, from the end where negative. */
interface Weekday {
  readonly nth: number;
  readonly day: number;
}

export interface Rule {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count: number;
  /** The last moment; what comes after it is no longer meant. */
  readonly until: Time | null;
  readonly lists: ReadonlyMap<ListName, readonly number[]>;
  readonly weekdays: readonly Weekday[];
  readonly weekStart: number;
}

/** Days and times looked at for one rule. */
const MOST_STEPS = 1_000_000;

/** @throws Error for a rule, or a part of one, that is not understood */
export function parseRule({ value }: Property): Rule {
  const parts = new Map<string, string>();
  for (const part of value.trim().split(";").filter(Boolean)) {
    const [, name = "", text = ""] = /^([A-Z-]+)=(.+)$/.exec(part.toUpperCase()) ?? [];
    if (name === "") throw notUnderstood(part);
    parts.set(name, text);
  }
  const take = (name: string): string | null => {
    const text = parts.get(name) ?? null;
    parts.delete(name);
    return text;
  };
  const given = take("FREQ");
  const frequency = FREQUENCIES.find((each) => each === given);
  if (frequency === undefined) throw notUnderstood(`FREQ=${given ?? ""}`);
  const until = take("UNTIL");
  const params = new Map<string, string>();
  const lists = new Map<ListName, number[]>();
  for (const name of Object.keys(LISTS) as ListName[]) {
    const text = take(name);
    if (text !== null) lists.set(name, parseList(name, text));
  }
  const rule: Rule = {
    frequency,
    interval: parseNumber("INTERVAL", take("INTERVAL") ?? "1"),
    count: parseCount(take("COUNT")),
    until: until === null ? null : parseTime({ name: "UNTIL", params, value: until }, () => LOCAL),
    lists,
    weekdays: (take("BYDAY") ?? "").split(",").filter(Boolean).map(parseWeekday),
    weekStart: parseWeekday(take("WKST") ?? "MO").day,
  };
  for (const [name, text] of parts) throw notUnderstood(`${name}=${text}`);
  return rule;
}

function notUnderstood(part: string): Error {
  return new Error(`repeats in a way that is not understood: ${part}`);
}

function parseNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw notUnderstood(`${name}=${text}`);
  return Number(text);
}

function parseCount(text: string | null): number {
  return text === null ? Infinity : parseNumber("COUNT", text);
}

function parseList(name: ListName, text: string): number[] {
  const numbers = text.split(",").map((each) => (/^[+-]?\d+$/.test(each) ? Number(each) : NaN));
  const isBad = (n: number): boolean => Number.isNaN(n) || Math.abs(n) > LISTS[name];
  if (numbers.some(isBad)) throw notUnderstood(`${name}=${text}`);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function parseWeekday(text: string): Weekday {
  const [, nth = "", name = ""] = /^([+-]?\d{0,2})([A-Z]{2})$/.exec(text) ?? [];
  const day = WEEKDAYS.indexOf(name);
  if (day < 0) throw notUnderstood(`BYDAY=${text}`);
  return { nth: Number(nth), day };
}

/**
 * The times of a rule, in their order, the beginning first; it counts as one of them.
 * @param to no time is wanted that is more than a day behind this moment
 * @throws Error where a rule asks for too much work
 */
export function* timesOf(rule: Rule, start: Time, to: number): Generator<Time> {
  yield start;
  const last = Math.min(lastWall(rule.until, start), to + DAY_MS);
  let count = 1;
  for (const wall of wallsOf(completed(rule, start.wall), start.wall, last)) {
    if (count >= rule.count || wall > last) return;
    if (wall <= start.wall) continue;
    count += 1;
    yield { ...start, wall };
  }
}

// UNTIL as the clocks of the event show it. A day has all of its times in it.
function lastWall(until: Time | null, { isDay, zone }: Time): number {
  if (until === null) return Infinity;
  if (until.isDay) return until.wall + DAY_MS - 1;
  if (until.zone === LOCAL || isDay) return until.wall;
  const moment = momentOfTime(until);
  return moment + zone.offsetAt(moment);
}

// What a rule leaves open is as in the beginning.
function completed(rule: Rule, start: number): Rule {
  const lists = new Map(rule.lists);
  const fill = (name: ListName, value: number): void => {
    if (!lists.has(name)) lists.set(name, [value]);
  };
  const { month, date, weekday } = new Day(Math.floor(start / DAY_MS));
  const time = new Date(start);
  fill("BYHOUR", time.getUTCHours());
  fill("BYMINUTE", time.getUTCMinutes());
  fill("BYSECOND", time.getUTCSeconds());
  const hasDays = rule.weekdays.length > 0;
  const isOpen = !hasDays && !lists.has("BYYEARDAY") && !lists.has("BYMONTHDAY");
  if (!isOpen || rule.frequency === "DAILY") return { ...rule, lists };
  if (rule.frequency === "WEEKLY" || lists.has("BYWEEKNO")) {
    return { ...rule, lists, weekdays: [{ nth: 0, day: weekday }] };
  }
  if (rule.frequency === "YEARLY") fill("BYMONTH", month);
  fill("BYMONTHDAY", date);
  return { ...rule, lists };
}

function* wallsOf(rule: Rule, start: number, last: number): Generator<number> {
  const positions = rule.lists.get("BYSETPOS");
  const clock = clockTimes(rule);
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps > MOST_STEPS) throw new Error("repeats too often to be followed");
  };
  for (let n = 0; ; n += rule.interval) {
    const [first, behind] = periodOf(rule, Math.floor(start / DAY_MS), n);
    if (first * DAY_MS > last) return;
    const walls: number[] = [];
    for (let day = first; day < behind; day++) {
      step();
      if (!fits(rule, new Day(day))) continue;
      for (const time of clock) {
        step();
        walls.push(day * DAY_MS + time);
      }
    }
    if (positions === undefined) yield* walls;
    else yield* walls.filter((_, i) => isOneOf(positions, i + 1, walls.length));
  }
}

// Times of a day, in milliseconds.
function clockTimes({ lists }: Rule): number[] {
  const list = (name: ListName): readonly number[] => lists.get(name) ?? [];
  return list("BYHOUR").flatMap((hour) =>
    list("BYMINUTE").flatMap((minute) =>
      list("BYSECOND").map((second) => ((hour * 60 + minute) * 60 + second) * 1000),
    ),
  );
}

// The nth period after the one with the beginning in it: its first day and the first one behind.
function periodOf({ frequency, weekStart }: Rule, start: number, n: number): [number, number] {
  const { year, month, weekday } = new Day(start);
  switch (frequency) {
    case "YEARLY":
      return [numberOf(year + n, 1, 1), numberOf(year + n + 1, 1, 1)];
    case "MONTHLY":
      return [numberOf(year, month + n, 1), numberOf(year, month + n + 1, 1)];
    case "WEEKLY": {
      const first = start - ((weekday - weekStart + 7) % 7) + 7 * n;
      return [first, first + 7];
    }
    case "DAILY":
      return [start + n, start + n + 1];
  }
}

function fits(rule: Rule, day: Day): boolean {
  const { lists, weekdays } = rule;
  const isIn = (name: ListName, place: () => readonly [n: number, last: number]): boolean => {
    const list = lists.get(name);
    return list === undefined || isOneOf(list, ...place());
  };
  return (
    isIn("BYMONTH", () => [day.month, 12]) &&
    isIn("BYMONTHDAY", () => [day.date, day.daysOfMonth]) &&
    isIn("BYYEARDAY", () => [day.dayOfYear, day.daysOfYear]) &&
    isIn("BYWEEKNO", () => weekOf(day, rule.weekStart)) &&
    (weekdays.length === 0 || weekdays.some((each) => isNth(rule, each, day)))
  );
}

// Negative numbers count from the end.
function isOneOf(list: readonly number[], n: number, last: number): boolean {
  return list.includes(n) || list.includes(n - last - 1);
}

function isNth({ frequency, lists }: Rule, { nth, day }: Weekday, on: Day): boolean {
  if (on.weekday !== day) return false;
  if (nth === 0 || frequency === "WEEKLY" || frequency === "DAILY") return true;
  const isOfYear = frequency === "YEARLY" && !lists.has("BYMONTH");
  const at = isOfYear ? on.dayOfYear : on.date;
  const days = isOfYear ? on.daysOfYear : on.daysOfMonth;
  return nth === Math.ceil(at / 7) || nth === -Math.ceil((days - at + 1) / 7);
}

/** A day of the calendar, by its number since the first of January 1970. */
class Day {
  readonly number: number;
  readonly year: number;
  readonly month: number;
  readonly date: number;
  /** 0 for Sunday. */
  readonly weekday: number;

  constructor(number: number) {
    const day = new Date(number * DAY_MS);
    this.number = number;
    this.year = day.getUTCFullYear();
    this.month = day.getUTCMonth() + 1;
    this.date = day.getUTCDate();
    this.weekday = day.getUTCDay();
  }

  get daysOfMonth(): number {
    const { year, month } = this;
    return numberOf(year, month + 1, 1) - numberOf(year, month, 1);
  }

  get dayOfYear(): number {
    return this.number - numberOf(this.year, 1, 1) + 1;
  }

  get daysOfYear(): number {
    return numberOf(this.year + 1, 1, 1) - numberOf(this.year, 1, 1);
  }
}

function numberOf(year: number, month: number, date: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, date) / DAY_MS;
}

// The number of a day's week, and of the last one of that year; a week belongs to the year that
// has most of it.
function weekOf(day: Day, weekStart: number): [week: number, last: number] {
  const middle = ({ number, weekday }: Day): Day =>
    new Day(number - ((weekday - weekStart + 7) % 7) + 3);
  const { dayOfYear, year } = middle(day);
  // the 28th of December is always in the last week
  const last = middle(new Day(numberOf(year, 12, 28)));
  return [Math.ceil(dayOfYear / 7), Math.ceil(last.dayOfYear / 7)];
}

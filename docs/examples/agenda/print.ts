// An agenda as lines, in the time of this system.
import { printable } from "../terminal.js";
import type { Agenda, Entry } from "./account.js";

/** The events by time, each in a line; what lasts all day comes first. */
export function linesOf({ entries }: Agenda): string[] {
  const order = ({ event: a }: Entry, { event: b }: Entry): number =>
    a.when.from - b.when.from || Number(b.isDay) - Number(a.isDay) || a.when.to - b.when.to;
  return [...entries].sort(order).map(lineOf);
}

function lineOf({ calendar, event }: Entry): string {
  const { when, isDay, summary, location, isCancelled } = event;
  const day = dateOf(when.from);
  const time = isDay ? "all day" : timesOf(when.from, when.to);
  // an event of whole days ends with the last of them
  const last = dateOf(Math.max(when.to - 1, when.from));
  const until = last === day ? "" : `, until ${isDay ? last : `${last} ${clockOf(when.to)}`}`;
  const where = location === null || location === "" ? "" : `, ${location}`;
  const mark = isCancelled ? " (cancelled)" : "";
  const text = `${summary}${where}${mark}${until} [${calendar}]`.replace(/\s+/g, " ");
  return printable(`${day} ${time.padEnd(11)}  ${text}`);
}

function timesOf(from: number, to: number): string {
  const isShort = to > from && dateOf(from) === dateOf(to - 1);
  return isShort ? `${clockOf(from)}-${clockOf(to)}` : clockOf(from);
}

function dateOf(moment: number): string {
  const date = new Date(moment);
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
}

function clockOf(moment: number): string {
  const date = new Date(moment);
  return `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}

// Time zones: how far their clocks are ahead of UTC, and which moment it is when they show a time.

export interface Zone {
  /** How far the clocks are ahead of UTC at a moment, in milliseconds. */
  offsetAt(moment: number): number;
}

const DAY_MS = 86_400_000;

/** A zone whose clocks are never changed. */
export function fixedZone(offset: number): Zone {
  return { offsetAt: () => offset };
}

export const UTC = fixedZone(0);

/** The zone that this system is in. */
export const LOCAL: Zone = {
  offsetAt: (moment) => -new Date(moment).getTimezoneOffset() * 60_000,
};

/** A zone by its name in the time zone database, `null` where that has none of this name. */
export function namedZone(name: string): Zone | null {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      ...{ year: "numeric", month: "numeric", day: "numeric" },
      ...{ hour: "numeric", minute: "numeric", second: "numeric" },
    });
  } catch {
    return null;
  }
  return {
    offsetAt: (moment) => {
      const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, +value]));
      const number = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
      const day = Date.UTC(number("year"), number("month") - 1, number("day"));
      const seconds = (number("hour") * 60 + number("minute")) * 60 + number("second");
      return day + seconds * 1000 - Math.floor(moment / 1000) * 1000;
    },
  };
}

/**
 * The moment at which the clocks of a zone show a time (RFC 5545 section 3.3.5): of a time that
 * they show twice the first one; a time that they leap over counts as if they had not.
 */
export function momentOf(wall: number, zone: Zone): number {
  const before = wall - zone.offsetAt(wall - DAY_MS);
  const after = wall - zone.offsetAt(wall + DAY_MS);
  const isShown = (moment: number): boolean => moment + zone.offsetAt(moment) === wall;
  return !isShown(before) && isShown(after) ? after : before;
}

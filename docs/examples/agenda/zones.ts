// The zones that a calendar object speaks of: by their names in the time zone database, or as the
// object describes them itself in VTIMEZONE (RFC 5545 section 3.6.5).
import { propertiesOf, propertyOf, type Component, type Property } from "./icalendar.js";
import { parseRule, timesOf } from "./recurrence.js";
import { momentOfTime, parseTime, parseTimes, type Zones } from "./time.js";
import { fixedZone, LOCAL, namedZone, type Zone } from "./zone.js";

/** A change of the clocks. */
interface Change {
  readonly moment: number;
  readonly before: number;
  readonly after: number;
}

/** The descriptions met: the same few are in every object, and some go back to the year 1601. */
const described = new Map<string, Zone | null>();

/**
 * The zones of an object.
 * @param until the moment up to which they are asked about
 * @param odd takes the names of zones that nobody knows; they count as the zone of this system
 */
export function zonesOf(calendar: Component, until: number, odd: Set<string>): Zones {
  const known = new Map<string, Zone>();
  const find = (id: string): Zone => {
    const description = calendar.parts.find(
      (part) => part.name === "VTIMEZONE" && propertyOf(part, "TZID")?.value === id,
    );
    const zone = namedZone(id) ?? (description === undefined ? null : zoneOf(description, until));
    if (zone === null) odd.add(id);
    return zone ?? LOCAL;
  };
  return (id) => {
    const zone = known.get(id) ?? find(id);
    known.set(id, zone);
    return zone;
  };
}

function zoneOf(description: Component, until: number): Zone | null {
  const key = `${until} ${JSON.stringify(description)}`;
  const before = described.get(key);
  if (before !== undefined) return before;
  const zone = readZone(description, until);
  described.set(key, zone);
  return zone;
}

// `null` where the description says nothing.
function readZone(description: Component, until: number): Zone | null {
  const changes = description.parts
    .filter(({ name }) => name === "STANDARD" || name === "DAYLIGHT")
    .flatMap((part) => changesOf(part, until))
    .sort((a, b) => a.moment - b.moment);
  const [first] = changes;
  if (first === undefined) return null;
  return {
    offsetAt: (moment) =>
      changes.findLast((change) => change.moment <= moment)?.after ?? first.before,
  };
}

// The times of an observance are those of the clocks that it changes.
function changesOf(observance: Component, until: number): Change[] {
  const before = offsetOf(propertyOf(observance, "TZOFFSETFROM"));
  const after = offsetOf(propertyOf(observance, "TZOFFSETTO"));
  const starts = propertyOf(observance, "DTSTART");
  if (starts === null) throw new Error("VTIMEZONE has no DTSTART");
  const zone = fixedZone(before);
  const inZone = (): Zone => zone;
  const start = { ...parseTime(starts, inZone), zone };
  const moments = [momentOfTime(start)];
  for (const rule of propertiesOf(observance, "RRULE")) {
    for (const time of timesOf(parseRule(rule), start, until)) moments.push(momentOfTime(time));
  }
  for (const dates of propertiesOf(observance, "RDATE")) {
    moments.push(...parseTimes(dates, inZone).map((time) => momentOfTime({ ...time, zone })));
  }
  return moments.map((moment) => ({ moment, before, after }));
}

// "+0130" in milliseconds
function offsetOf(property: Property | null): number {
  const match = /^([+-])(\d\d)(\d\d)(\d\d)?$/.exec(property?.value.trim() ?? "");
  if (match === null) throw new Error("VTIMEZONE has no offset");
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(2).map((digits) => Number(digits ?? 0));
  return (match[1] === "-" ? -1000 : 1000) * ((hours * 60 + minutes) * 60 + seconds);
}

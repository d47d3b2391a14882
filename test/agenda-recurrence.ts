// The recurrence rules of the agenda example: the cases of RFC 5545, and generated ones beside
// another implementation, dateutil for Python.
import { spawnSync } from "node:child_process";
import t from "tap";
import { parseRule, timesOf } from "../docs/examples/agenda/recurrence.js";
import { fixedZone, momentOf, namedZone, UTC } from "../docs/examples/agenda/zone.js";
import { seeded } from "./fixtures/feed.js";

const TO = Date.UTC(2031, 0, 1);
const MOST = 400;

function ruleOf(value: string): ReturnType<typeof parseRule> {
  return parseRule({ name: "RRULE", params: new Map(), value });
}

function walls(value: string, start: string | number, to = TO): number[] {
  const wall = typeof start === "number" ? start : Date.parse(`${start}Z`);
  const found: number[] = [];
  for (const time of timesOf(ruleOf(value), { wall, isDay: false, zone: UTC }, to)) {
    if (time.wall > to || found.length === MOST) break;
    found.push(time.wall);
  }
  return found;
}

function days(value: string, start: string, to?: number): string[] {
  return walls(value, start, to).map((wall) => new Date(wall).toISOString().slice(0, 10));
}

t.test("rules by their parts", async (t) => {
  const rows: [rule: string, start: string, wanted: string][] = [
    ["FREQ=DAILY;COUNT=3", "1997-09-02T09:00:00", "1997-09-02 1997-09-03 1997-09-04"],
    ["FREQ=DAILY;INTERVAL=10;COUNT=3", "1997-09-02T09:00:00", "1997-09-02 1997-09-12 1997-09-22"],
    // UNTIL is the last one that may be, not the first that may not
    ["FREQ=DAILY;UNTIL=19970904T090000Z", "1997-09-02T09:00:00", "1997-09-02 1997-09-03 1997-09-04"],
    ["FREQ=DAILY;UNTIL=19970904", "1997-09-02T09:00:00", "1997-09-02 1997-09-03 1997-09-04"],
    ["FREQ=DAILY;UNTIL=19970904T085959Z", "1997-09-02T09:00:00", "1997-09-02 1997-09-03"],
    ["FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05T09:00:00",
      "1997-08-05 1997-08-10 1997-08-19 1997-08-24"],
    ["FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05T09:00:00",
      "1997-08-05 1997-08-17 1997-08-19 1997-08-31"],
    ["FREQ=MONTHLY;COUNT=3;BYDAY=1FR", "1997-09-05T09:00:00", "1997-09-05 1997-10-03 1997-11-07"],
    ["FREQ=MONTHLY;COUNT=3;BYDAY=-2MO", "1997-09-22T09:00:00", "1997-09-22 1997-10-20 1997-11-17"],
    ["FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-3", "1997-09-28T09:00:00", "1997-09-28 1997-10-29 1997-11-28"],
    // a month without a 31st is left out
    ["FREQ=MONTHLY;COUNT=3", "1997-01-31T09:00:00", "1997-01-31 1997-03-31 1997-05-31"],
    ["FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04T09:00:00",
      "1997-09-04 1997-10-07 1997-11-06"],
    ["FREQ=YEARLY;COUNT=3", "1996-02-29T09:00:00", "1996-02-29 2000-02-29 2004-02-29"],
    ["FREQ=YEARLY;COUNT=3;BYDAY=20MO", "1997-05-19T09:00:00", "1997-05-19 1998-05-18 1999-05-17"],
    ["FREQ=YEARLY;COUNT=3;BYWEEKNO=20;BYDAY=MO", "1997-05-12T09:00:00",
      "1997-05-12 1998-05-11 1999-05-17"],
    ["FREQ=YEARLY;COUNT=3;BYYEARDAY=1,-1", "1997-01-01T09:00:00", "1997-01-01 1997-12-31 1998-01-01"],
    ["FREQ=YEARLY;COUNT=3;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996-11-05T09:00:00",
      "1996-11-05 1997-11-04 1998-11-03"],
    ["freq=daily;count=2", "1997-09-02T09:00:00", "1997-09-02 1997-09-03"],
  ];
  for (const [rule, start, wanted] of rows) t.equal(days(rule, start).join(" "), wanted, rule);
  t.strictSame(
    walls("FREQ=DAILY;COUNT=4;BYHOUR=9,15;BYMINUTE=30", "1997-09-02T09:30:00").map((wall) =>
      new Date(wall).toISOString().slice(8, 16),
    ),
    ["02T09:30", "02T15:30", "03T09:30", "03T15:30"],
  );
});

t.test("a rule that no day fits ends with the time that is asked for", async (t) => {
  t.strictSame(days("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "1997-09-02T09:00:00"), ["1997-09-02"]);
});

t.test("rules that are not understood, and those without measure", async (t) => {
  for (const part of [
    "FREQ=HOURLY", "COUNT=2", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;BYDAY=XX",
    "FREQ=DAILY;BYMONTH=13", "FREQ=DAILY;BYMONTH=a", "FREQ=DAILY;RSCALE=HEBREW", "FREQ=DAILY;UNTIL",
    "FREQ=DAILY;UNTIL=soon",
  ]) {
    t.throws(() => ruleOf(part), { message: /not understood|no time/ }, part);
  }
  const all = (last: number): string => Array.from({ length: last }, (_, n) => n).join(",");
  const often = `FREQ=DAILY;BYHOUR=${all(24)};BYMINUTE=${all(60)};BYSECOND=${all(60)};BYSETPOS=1`;
  t.throws(() => days(often, "1997-09-02T00:00:00"), { message: /too often/ });
});

t.test("clocks that are changed", async (t) => {
  const berlin = namedZone("Europe/Berlin") ?? fixedZone(NaN);
  const rows: [shown: string, moment: string][] = [
    ["2030-01-07T10:00:00", "2030-01-07T09:00:00"],
    ["2030-07-07T10:00:00", "2030-07-07T08:00:00"],
    // they leap from 2 to 3
    ["2030-03-31T01:59:59", "2030-03-31T00:59:59"],
    ["2030-03-31T02:30:00", "2030-03-31T01:30:00"],
    ["2030-03-31T03:00:00", "2030-03-31T01:00:00"],
    // they show 2 to 3 twice
    ["2030-10-27T01:59:59", "2030-10-26T23:59:59"],
    ["2030-10-27T02:30:00", "2030-10-27T00:30:00"],
    ["2030-10-27T03:00:00", "2030-10-27T02:00:00"],
  ];
  for (const [shown, moment] of rows) {
    const found = momentOf(Date.parse(`${shown}Z`), berlin);
    t.equal(new Date(found).toISOString(), `${moment}.000Z`, shown);
  }
  const apia = namedZone("Pacific/Apia") ?? fixedZone(NaN);
  const noon = momentOf(Date.UTC(2011, 11, 31, 12), apia);
  t.equal(new Date(noon).toISOString(), "2011-12-30T22:00:00.000Z", "a day that was left out");
  t.equal(namedZone("Nowhere/Town"), null);
});

// ---- beside dateutil ----

const DATEUTIL = `
import sys, json, datetime
from dateutil.rrule import rrulestr
datetime.MAXYEAR = 2031 # where dateutil stops looking
for line in sys.stdin:
    case = json.loads(line)
    start = datetime.datetime.fromtimestamp(case["start"] / 1000, datetime.timezone.utc)
    found = []
    for time in rrulestr(case["rule"], dtstart=start):
        if time.timestamp() * 1000 > case["to"] or len(found) == case["most"]: break
        found.append(int(time.timestamp() * 1000))
    print(json.dumps(found))
`;

const NAMES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

// What dateutil reads in another way than RFC 5545 is not made: BYWEEKNO without BYDAY, BYSETPOS in
// a week that has begun, weeks from the end, numbered weekdays beside others.
function generate(seed: number): { rule: string; start: number } {
  const next = seeded(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = (make: () => string | number): string =>
    Array.from({ length: 1 + below(3) }, make).join(",");
  const frequency = pick(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]);
  const parts = [`FREQ=${frequency}`];
  const maybe = (one: number, part: () => string): void => {
    if (below(one) === 0) parts.push(part());
  };
  maybe(2, () => `INTERVAL=${1 + below(4)}`);
  if (below(2) === 0) parts.push(`COUNT=${1 + below(30)}`);
  else maybe(2, () => `UNTIL=202${below(9)}0${1 + below(9)}15T120000Z`);
  maybe(3, () => `BYMONTH=${some(() => 1 + below(12))}`);
  if (frequency !== "WEEKLY") {
    maybe(3, () => `BYMONTHDAY=${some(() => pick([1, 2, 13, 28, 30, 31, -1, -2, -31]))}`);
  }
  const isYearly = frequency === "YEARLY";
  if (isYearly) maybe(5, () => `BYYEARDAY=${some(() => pick([1, 2, 100, 365, 366, -1, -366]))}`);
  const hasWeeks = isYearly && below(5) === 0;
  if (hasWeeks) parts.push(`BYWEEKNO=${some(() => pick([1, 2, 20, 52, 53]))}`);
  const canCount = !hasWeeks && (isYearly || frequency === "MONTHLY");
  const isCounted = canCount && below(2) === 0;
  const nth = (): string => (isCounted ? pick(["1", "2", "5", "-1", "-2"]) : "");
  if (hasWeeks || below(2) === 0) parts.push(`BYDAY=${some(() => nth() + pick(NAMES))}`);
  maybe(5, () => `BYHOUR=${below(12)},${12 + below(12)}`);
  if (frequency !== "WEEKLY" && parts.some((part) => part.startsWith("BY"))) {
    maybe(4, () => `BYSETPOS=${some(() => pick([1, 2, 3, -1, -2]))}`);
  }
  maybe(3, () => `WKST=${pick(NAMES)}`);
  const start = Date.UTC(2018 + below(5), below(12), 1 + below(28), below(24), below(60));
  return { rule: parts.join(";"), start };
}

t.test("generated rules as dateutil unrolls them", async (t) => {
  const hasDateutil = spawnSync("python3", ["-c", "import dateutil.rrule"]).status === 0;
  if (!hasDateutil) return void t.pass("dateutil is not installed");
  const seeds = Array.from({ length: 400 }, (_, i) => i + 1);
  const cases = seeds.map(generate);
  const input = cases.map((each) => JSON.stringify({ ...each, to: TO, most: MOST })).join("\n");
  const ended = spawnSync("python3", ["-c", DATEUTIL], { input, encoding: "utf8" });
  t.equal(ended.stderr, "");
  const answers = ended.stdout.trim().split("\n").map((line) => JSON.parse(line) as number[]);
  t.equal(answers.length, cases.length);
  for (const [i, { rule, start }] of cases.entries()) {
    const theirs = answers[i] ?? [];
    // there the beginning is no recurrence where it does not fit the rule, here it always is
    const count = Number(/COUNT=(\d+)/.exec(rule)?.[1] ?? MOST);
    const wanted = theirs[0] === start ? theirs : [start, ...theirs];
    const most = Math.min(count, MOST);
    t.strictSame(walls(rule, start).slice(0, most), wanted.slice(0, most), `seed ${i + 1}: ${rule}`);
  }
});

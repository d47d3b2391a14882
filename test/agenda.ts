// The calendar reader of docs/examples/agenda, run as the program that it is: against Radicale,
// xandikos and sabre/dav, and against a peer with the habits of other servers. Needs the build.
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { eventsIn } from "../docs/examples/agenda/events.js";
import { NE_AUTH_BASIC } from "../lib/ne_auth.js";
import { ne_putbuf } from "../lib/ne_basic.js";
import { NE_OK } from "../lib/ne_request.js";
import { ne_get_error, ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import { nx_set_credentials } from "../lib/nx_auth.js";
import { nx_discover, nx_mkcol } from "../lib/nx_dav.js";
import { multistatus, propstat, replying, response, type Answered } from "./fixtures/dav.js";
import { environment, folder, runProgram, type Outcome } from "./fixtures/program.js";
import { startRadicale, startXandikos } from "./fixtures/real/groupware.js";
import { PASSWORD, USER, type RealServer } from "./fixtures/real/launch.js";
import { startSabre } from "./fixtures/real/sabre.js";
import type { PeerRequest } from "./fixtures/server.js";

const PROGRAM = fileURLToPath(new URL("../dist/examples/agenda/main.js", import.meta.url));
const CALDAV = "urn:ietf:params:xml:ns:caldav";

/** Runs the program in Berlin, for a week that begins on Monday, the 7th of January 2030. */
function agenda(t: Test, url: string, ...more: string[]): Promise<Outcome> {
  const args = [url, "--from", "2030-01-07", ...more];
  return runProgram(PROGRAM, args, environment(folder(t), { TZ: "Europe/Berlin" }));
}

function event(...lines: string[]): string {
  return ["BEGIN:VEVENT", "DTSTAMP:20290101T000000Z", ...lines, "END:VEVENT"].join("\r\n");
}

function calendar(...parts: string[]): string {
  const head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//libneon//test//EN"];
  return `${[...head, ...parts, "END:VCALENDAR"].join("\r\n")}\r\n`;
}

const NEW_YORK = `BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
END:VTIMEZONE`.replaceAll("\n", "\r\n");

// ---- real servers ----

const WORK: Record<string, string> = {
  once: calendar(event("UID:once", "SUMMARY:Once\\, with a comma", "LOCATION:Room 5",
    "DTSTART:20300108T090000Z", "DTEND:20300108T103000Z")),
  zone: calendar(NEW_YORK, event("UID:zone", "SUMMARY:Call from New York",
    "DTSTART;TZID=America/New_York:20300109T180000", "DURATION:PT45M")),
  // every Monday, Wednesday and Friday of the year before and this one; one is left out, one moved
  often: calendar(NEW_YORK,
    event("UID:often", "SUMMARY:Standup", "DTSTART;TZID=America/New_York:20290101T090000",
      "DTEND;TZID=America/New_York:20290101T091500", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR",
      "EXDATE;TZID=America/New_York:20300109T090000"),
    event("UID:often", "RECURRENCE-ID;TZID=America/New_York:20300111T090000",
      "SUMMARY:Standup\\, later", "DTSTART;TZID=America/New_York:20300111T110000",
      "DTEND;TZID=America/New_York:20300111T111500")),
  before: calendar(event("UID:before", "SUMMARY:Long over",
    "DTSTART:20290108T090000Z", "DTEND:20290108T103000Z")),
  counted: calendar(event("UID:counted", "SUMMARY:Counted", "DTSTART:20300105T120000Z",
    "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4")),
  ended: calendar(event("UID:ended", "SUMMARY:Ended", "DTSTART:20291201T130000Z",
    "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20300106T130000Z")),
};

const HOME: Record<string, string> = {
  day: calendar(event("UID:day", "SUMMARY:Birthday", "DTSTART;VALUE=DATE:20000110",
    "DTEND;VALUE=DATE:20000111", "RRULE:FREQ=YEARLY")),
  trip: calendar(event("UID:trip", "SUMMARY:Trip", "DTSTART;VALUE=DATE:20300112",
    "DTEND;VALUE=DATE:20300116")),
};

const WEEK = `2030-01-07 13:00-14:00  Counted [Work]
2030-01-07 15:00-15:15  Standup [Work]
2030-01-08 10:00-11:30  Once, with a comma, Room 5 [Work]
2030-01-08 13:00-14:00  Counted [Work]
2030-01-10 all day      Birthday [Home]
2030-01-10 00:00-00:45  Call from New York [Work]
2030-01-11 17:00-17:15  Standup, later [Work]
2030-01-12 all day      Trip, until 2030-01-15 [Home]
`;

async function fill(server: RealServer): Promise<void> {
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  try {
    nx_set_credentials(sess, NE_AUTH_BASIC, USER, PASSWORD);
    const { homes } = await nx_discover(sess, "caldav");
    for (const [name, objects] of Object.entries({ Work: WORK, Home: HOME })) {
      const path = `${homes[0]}${name.toLowerCase()}/`;
      const props = [{ nspace: "DAV:", name: "displayname", value: name }];
      await nx_mkcol(sess, path, { kind: "calendar", props });
      for (const [key, data] of Object.entries(objects)) {
        const code = await ne_putbuf(sess, `${path}${key}.ics`, Buffer.from(data));
        if (code !== NE_OK) throw new Error(`${key}: ${ne_get_error(sess)}`);
      }
    }
  } finally {
    ne_session_destroy(sess);
  }
}

const SERVERS: Record<string, [begin: (t: Test) => Promise<RealServer | null>, shown: string]> = {
  Radicale: [startRadicale, WEEK],
  xandikos: [startXandikos, WEEK],
  // Debian's, of 2014, escapes text again when it unrolls
  "sabre/dav": [(t) => startSabre(t, "groupware"), WEEK.replace(/(Once|Standup),/g, "$1\\,")],
};

for (const [name, [begin, shown]] of Object.entries(SERVERS)) {
  t.test(`a week of two calendars of ${name}`, async (t) => {
    const server = await begin(t);
    if (server === null) return void t.pass(`${name} is not installed`);
    await fill(server);
    const ended = await agenda(t, server.origin, "--user", `${USER}:${PASSWORD}`);
    t.equal(ended.err, "");
    t.equal(ended.out, shown);
    t.equal(ended.code, 0);
  });
}

// ---- a peer with the habits of others ----

const CALENDARS: Record<string, string> = { work: "Work", home: "Home" };

const CAL = `xmlns:C="${CALDAV}"`;

function collection(name: string, title: string, components = ""): string {
  return response(`/c/${name}/`, propstat(
    `<D:resourcetype ${CAL}><D:collection/><C:calendar/></D:resourcetype>` +
      `<D:displayname>${title}</D:displayname>${components}`,
  ));
}

function data(path: string, text: string): string {
  return response(path, propstat(`<C:calendar-data ${CAL}><![CDATA[${text}]]></C:calendar-data>`));
}

/**
 * A server with the calendars /c/work/ and /c/home/. What a report on one gives is the test's, by
 * its path, and with " RRULE" behind it where events with a rule are looked for.
 */
async function peer(
  t: Test,
  reports: Record<string, (request: PeerRequest) => Answered>,
  more = "",
): Promise<{ url: string; requests: readonly PeerRequest[] }> {
  const { server } = await replying(t, (request) => {
    const { method, target } = request;
    const isSearch = request.body.includes("prop-filter");
    const key = isSearch ? `${target} RRULE` : target;
    if (method === "REPORT") return reports[key]?.(request) ?? { body: multistatus() };
    if (target === "/c/") {
      const found = Object.entries(CALENDARS).map(([name, title]) => collection(name, title));
      return { body: multistatus(...found, more) };
    }
    return { body: multistatus(response(target, propstat(
      "<D:current-user-principal><D:href>/me/</D:href></D:current-user-principal>" +
        `<C:calendar-home-set ${CAL}><D:href>/c/</D:href></C:calendar-home-set>`,
    ))) };
  });
  return { url: server.origin, requests: server.requests };
}

function objects(...texts: string[]): () => Answered {
  const found = texts.map((text, i) => data(`/c/work/${i}.ics`, text));
  return () => ({ body: multistatus(...found) });
}

const WEEKLY = calendar(event("UID:w", "SUMMARY:Weekly", "DTSTART:20250107T090000Z",
  "DTEND:20250107T100000Z", "RRULE:FREQ=WEEKLY"));

t.test("a server that refuses to unroll is asked for the rules", async (t) => {
  for (const status of ["400 Bad Request", "403 Forbidden", "501 Not Implemented"]) {
    const { url, requests } = await peer(t, {
      "/c/work/": ({ body }) =>
        body.includes("expand") ? { status } : objects(WEEKLY)(),
    });
    t.strictSame(await agenda(t, url), {
      code: 0,
      out: "2030-01-08 10:00-11:00  Weekly [Work]\n",
      err: "",
    });
    const asked = requests.filter(({ target }) => target === "/c/work/").map(({ body }) => body);
    t.match(String(asked[1]), 'start="20300106T230000Z" end="20300113T230000Z"');
  }
});

t.test("what a server finds and cannot unroll is fetched as it is", async (t) => {
  const refused = propstat(`<C:calendar-data ${CAL}/>`, "403 Forbidden");
  const { url } = await peer(t, {
    "/c/work/": ({ body }) =>
      body.includes("calendar-multiget")
        ? objects(WEEKLY)()
        : { body: multistatus(response("/c/work/0.ics", refused)) },
  });
  const shown = { code: 0, out: "2030-01-08 10:00-11:00  Weekly [Work]\n", err: "" };
  t.strictSame(await agenda(t, url), shown);
});

t.test("what a server has unrolled is not unrolled again", async (t) => {
  const unrolled = calendar(
    event("UID:w", "RECURRENCE-ID:20300108T090000Z", "SUMMARY:Weekly",
      "DTSTART:20300108T090000Z", "DTEND:20300108T100000Z"),
    event("UID:w", "RECURRENCE-ID:20300101T090000Z", "SUMMARY:Too early",
      "DTSTART:20300101T090000Z", "DTEND:20300101T100000Z"),
  );
  const { url } = await peer(t, { "/c/work/": objects(unrolled) });
  t.equal((await agenda(t, url)).out, "2030-01-08 10:00-11:00  Weekly [Work]\n");
});

t.test("a server that overlooks recurrences is not believed", async (t) => {
  const named = multistatus(response("/c/work/w.ics", propstat('<D:getetag>"1"</D:getetag>')));
  const { url } = await peer(t, {
    "/c/work/": ({ body }) =>
      body.includes("calendar-multiget") ? objects(WEEKLY)() : { body: multistatus() },
    "/c/work/ RRULE": () => ({ body: named.replace("w.ics", "0.ics") }),
    "/c/home/ RRULE": () => ({ status: "403 Forbidden" }),
  });
  const shown = { code: 0, out: "2030-01-08 10:00-11:00  Weekly [Work]\n", err: "" };
  t.strictSame(await agenda(t, url), shown);
});

t.test("one calendar that is closed, and one that is cut short", async (t) => {
  const full = response("/c/home/", "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>");
  const { url } = await peer(t, {
    "/c/work/": () => ({ status: "403 Forbidden" }),
    "/c/home/": () => ({ body: multistatus(data("/c/home/w.ics", WEEKLY), full) }),
  });
  const { code, out, err } = await agenda(t, url);
  t.equal(code, 1);
  t.equal(out, "2030-01-08 10:00-11:00  Weekly [Home]\n");
  t.match(err, /^agenda: Work: 403 Forbidden\nagenda: Home: [^\n]*cut[^\n]* \(507\)\n$/);
});

t.test("an answer that breaks off, and one that is no XML", async (t) => {
  const whole = multistatus(data("/c/work/w.ics", WEEKLY));
  const { url } = await peer(t, {
    "/c/work/": () => ({ body: whole.slice(0, -20) }),
    "/c/home/": () => ({ body: "sorry", type: "text/plain" }),
  });
  const { code, err } = await agenda(t, url);
  t.equal(code, 1);
  t.match(err, /^agenda: Work: .+\nagenda: Home: .+\n$/);
});

t.test("objects that are broken are named, the others shown", async (t) => {
  const { url } = await peer(t, {
    "/c/work/": objects(
      WEEKLY.slice(0, -40),
      "no calendar",
      calendar(event("UID:1", "SUMMARY:No beginning")),
      calendar(event("UID:2", "SUMMARY:Odd rule", "DTSTART:20300108T090000Z",
        "RRULE:FREQ=SECONDLY")),
      calendar(event("UID:3", "SUMMARY:Odd zone", "DTSTART;TZID=Nowhere/Town:20300108T090000")),
      calendar(event("UID:4", "SUMMARY:No day", "DTSTART:20300230T090000Z")),
      WEEKLY,
    ),
    "/c/home/": () => ({ body: multistatus(
      response("/c/home/a.ics", "<D:status>HTTP/1.1 403 Forbidden</D:status>"),
      response("/c/home/b.ics", propstat(`<C:calendar-data ${CAL}/>`, "500 Broken")),
    ) }),
  });
  const { code, out, err } = await agenda(t, url);
  t.equal(code, 1);
  const shown = ["09:00        Odd zone", "10:00        Odd rule", "10:00-11:00  Weekly"];
  t.equal(out, shown.map((line) => `2030-01-08 ${line} [Work]\n`).join(""));
  t.strictSame(err.trim().split("\n").map((line) => line.replace("agenda: /c/", "")), [
    "work/0.ics: cut short: VEVENT has no end",
    "work/1.ics: no calendar object",
    "work/2.ics: No beginning: it has no DTSTART",
    "work/3.ics: Odd rule: repeats in a way that is not understood: FREQ=SECONDLY",
    "work/4.ics: time zone Nowhere/Town is not known, local time is assumed",
    "work/5.ics: No day: DTSTART is no time: 20300230T090000Z",
    "home/a.ics: the server does not give it: 403 Forbidden",
    "home/b.ics: the server does not give it: 500 Broken",
  ]);
});

t.test("a calendar of tasks is not asked for events", async (t) => {
  const kinds = (...names: string[]): string =>
    `<C:supported-calendar-component-set ${CAL}>` +
    names.map((name) => `<C:comp name="${name}"/>`).join("") +
    "</C:supported-calendar-component-set>";
  const more = collection("tasks", "Tasks", kinds("VTODO")) +
    collection("both", "Both", kinds("VTODO", "VEVENT"));
  const { url, requests } = await peer(t, {}, more);
  t.equal((await agenda(t, url)).code, 0);
  const asked = requests.filter(({ method }) => method === "REPORT").map(({ target }) => target);
  t.strictSame([...new Set(asked)], ["/c/work/", "/c/home/", "/c/both/"]);
});

t.test("an account without an answer, and mistakes", async (t) => {
  const { server } = await replying(t, () => ({ status: "401 Unauthorized" }));
  const refused = await agenda(t, server.origin);
  t.strictSame([refused.code, refused.out], [1, ""]);
  t.match(refused.err, /401 Unauthorized/);
  const url = "http://127.0.0.1:1/";
  for (const args of [
    [], ["ftp://a/"], ["http://me:secret@a/"], [url, url], [url, "--days", "0"],
    [url, "--days", "x"], [url, "--from", "tomorrow"], [url, "--from", "2030-13-01"], [url, "--no"],
  ]) {
    const { code, err, out } = await runProgram(PROGRAM, args, environment(folder(t)));
    t.strictSame([code, out], [2, ""], args.join(" "));
    t.match(err, /^agenda: .+\n[^]*usage: agenda/);
    t.notMatch(err, /secret/);
  }
  const help = await runProgram(PROGRAM, ["--help"], environment(folder(t)));
  t.strictSame([help.code, help.err], [0, ""]);
});

t.test("text from the server does not steer the terminal", async (t) => {
  const { url } = await peer(t, {
    "/c/work/": objects(calendar(event("UID:1", "SUMMARY:a\u009b2Jb\\nc\\;d\\\\n",
      "LOCATION:\u202e", "DTSTART:20300108T090000Z"))),
  });
  t.equal((await agenda(t, url)).out, "2030-01-08 10:00        a?2Jb c;d\\n, ? [Work]\n");
});

// ---- what an object holds ----

const WITHIN = { from: Date.UTC(2030, 0, 7), to: Date.UTC(2030, 0, 14) };

function times(text: string, within = WITHIN): string[] {
  const { events, problems } = eventsIn(text, within);
  const shown = events
    .sort((a, b) => a.when.from - b.when.from)
    .map(({ when }) => [when.from, when.to].map((at) => new Date(at).toISOString().slice(0, 16)));
  return [...shown.map((pair) => pair.join(" ")), ...problems];
}

t.test("odd folding, line ends and letters", async (t) => {
  const whole = calendar(event("UID:1", "SUMMARY;X-A=\"b:c;d\";LANGUAGE=en:A long title",
    "DTSTART:20300108T090000Z"));
  const forms = [
    whole.replaceAll("\r\n", "\n"),
    whole.replaceAll("\r\n", "\r"),
    whole.replace("long title", "lo\r\n ng ti\r\n\ttle"),
    whole.replace("DTSTART:2030", "DTST\r\n ART:20\n 30"),
    `\r\n${whole}\r\n\r\n`,
    whole.replace("SUMMARY", "Summary").replace("BEGIN:VEVENT", "begin:vevent"),
    whole.replace("DTSTAMP", "what is this\r\nDTSTAMP"),
  ];
  for (const text of forms) {
    const [found] = eventsIn(text, WITHIN).events;
    t.strictSame([found?.summary, found?.when.from], ["A long title", Date.UTC(2030, 0, 8, 9)]);
  }
});

t.test("what is in a time, and what is not", async (t) => {
  const rows: [string[], boolean][] = [
    [["DTSTART:20300106T230000Z", "DTEND:20300107T000000Z"], false],
    [["DTSTART:20300106T230000Z", "DTEND:20300107T000001Z"], true],
    [["DTSTART:20300107T000000Z"], true],
    [["DTSTART:20300106T235959Z"], false],
    [["DTSTART:20300113T235959Z", "DURATION:P1D"], true],
    [["DTSTART:20300114T000000Z", "DURATION:P1D"], false],
    [["DTSTART:20291201T000000Z", "DTEND:20300201T000000Z"], true],
    [["DTSTART:20300108T100000Z", "DTEND:20300108T090000Z"], true],
  ];
  for (const [lines, isIn] of rows) {
    t.equal(times(calendar(event("UID:1", ...lines))).length, isIn ? 1 : 0, lines.join(" "));
  }
});

t.test("a day that ends where it begins is a day", async (t) => {
  const day = ["UID:1", "DTSTART;VALUE=DATE:20300110"];
  const whole = times(calendar(event(...day)));
  t.equal(whole.length, 1);
  for (const end of ["20300110", "20300109", "20300111"]) {
    t.strictSame(times(calendar(event(...day, `DTEND;VALUE=DATE:${end}`))), whole, end);
  }
});

t.test("recurrences that are left out, added and changed", async (t) => {
  const daily = ["UID:1", "DTSTART:20300101T090000Z", "DURATION:PT1H"];
  const hours = (...list: string[]): string[] =>
    list.map((time) => {
      const start = Date.parse(`2030-01-${time.slice(0, 2)}T${time.slice(3)}:00Z`);
      return [start, start + 3_600_000]
        .map((at) => new Date(at).toISOString().slice(0, 16)).join(" ");
    });
  const rows: [string[], string[]][] = [
    [["RRULE:FREQ=DAILY;COUNT=8"], hours("07 09:00", "08 09:00")],
    [["RRULE:FREQ=DAILY;COUNT=8", "EXDATE:20300107T090000Z"], hours("08 09:00")],
    // COUNT counts those that are left out
    [["RRULE:FREQ=DAILY;COUNT=8", "EXDATE:20300102T090000Z,20300103T090000Z"],
      hours("07 09:00", "08 09:00")],
    [["RRULE:FREQ=DAILY;COUNT=8", "EXDATE;VALUE=DATE:20300108"], hours("07 09:00")],
    [["RRULE:FREQ=DAILY;COUNT=8", "EXDATE;TZID=Europe/Berlin:20300107T100000"], hours("08 09:00")],
    [["RDATE:20300109T120000Z,20300110T120000Z"], hours("09 12:00", "10 12:00")],
    [["RDATE;VALUE=PERIOD:20300109T120000Z/PT1H"], hours("09 12:00")],
    [["RDATE;VALUE=PERIOD:20300109T120000Z/20300109T150000Z,20300110T120000Z/PT2H"],
      ["2030-01-09T12:00 2030-01-09T15:00", "2030-01-10T12:00 2030-01-10T14:00"]],
    [["RRULE:FREQ=WEEKLY;BYDAY=MO", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU"], hours("07 09:00", "08 09:00")],
    [["RRULE:FREQ=DAILY;COUNT=8", "RDATE:20300110T090000Z", "EXRULE:FREQ=WEEKLY"],
      [...hours("10 09:00"), "(no title): repeats in a way that is not understood: EXRULE"]],
  ];
  for (const [lines, wanted] of rows) {
    t.strictSame(times(calendar(event(...daily, ...lines))), wanted, lines.join(" "));
  }
  const changed = calendar(
    event("UID:1", "RECURRENCE-ID:20300107T090000Z", "DTSTART:20300107T150000Z", "DURATION:PT1H"),
    event("UID:2", "RECURRENCE-ID:20300108T090000Z", "DTSTART:20300110T150000Z", "DURATION:PT1H"),
    event(...daily, "RRULE:FREQ=DAILY;COUNT=8"),
  );
  t.strictSame(times(changed), hours("07 15:00", "08 09:00", "10 15:00"));
  const cut = changed.replace("RECURRENCE-ID:", "RECURRENCE-ID;RANGE=THISANDFUTURE:");
  t.match(times(cut).at(-1), /times after a change may be others/);
});

t.test("recurrences keep their clock time when the clocks change", async (t) => {
  const within = { from: Date.UTC(2030, 2, 30), to: Date.UTC(2030, 3, 2) };
  const lines = (id: string, time: string): string[] => [
    "UID:1", `DTSTART;TZID=${id}:20300101T${time}`, `DTEND;TZID=${id}:20300102T${time}`,
    "RRULE:FREQ=DAILY;UNTIL=20300331T220000Z",
  ];
  // as Outlook describes a zone, which has a name of its own
  const outlook = `BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE`;
  for (const [id, zone] of Object.entries({ "Europe/Berlin": "", "W. Europe Standard Time": outlook })) {
    const text = calendar(zone, event(...lines(id, "100000")));
    t.strictSame(times(text, within), [
      "2030-03-29T09:00 2030-03-30T09:00",
      "2030-03-30T09:00 2030-03-31T09:00",
      "2030-03-31T08:00 2030-04-01T08:00",
    ], id);
    // at half past two there is no such time on the 31st
    const early = times(calendar(zone, event(...lines(id, "023000"))), within);
    t.strictSame(early, [
      "2030-03-29T01:30 2030-03-30T01:30",
      "2030-03-30T01:30 2030-03-31T01:30",
      "2030-03-31T01:30 2030-04-01T01:30",
    ], id);
  }
});

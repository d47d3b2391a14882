// The calendars of an account, and what they hold for a time.
import type { ne_session } from "libneon/ne_session";
import { nx_discover, nx_multiget, nx_query } from "libneon/nx_dav";
import { nx_error, type nx_resource } from "libneon/nx_script";
import { eventsIn, type Event, type Span } from "./events.js";

const CALDAV = "urn:ietf:params:xml:ns:caldav";

export interface Entry {
  readonly calendar: string;
  readonly event: Event;
}

export interface Agenda {
  readonly entries: Entry[];
  /** What could not be read, for people. */
  readonly failures: string[];
}

/**
 * Reads all calendars. What is broken or closed becomes a failure, and the rest is read.
 * @param path where to begin; `null` for the well-known one
 * @throws nx_error where the calendars cannot be found
 */
export async function readAgenda(
  sess: ne_session,
  path: string | null,
  within: Span,
): Promise<Agenda> {
  const agenda: Agenda = { entries: [], failures: [] };
  const { collections } = await (path === null
    ? nx_discover(sess, "caldav")
    : nx_discover(sess, "caldav", path));
  for (const calendar of collections.filter(hasEvents)) {
    const name = calendar.prop("DAV:", "displayname") || calendar.name;
    try {
      for await (const object of objectsIn(sess, calendar.path, within)) {
        add(agenda, name, object, within);
      }
    } catch (error) {
      agenda.failures.push(`${name}: ${messageOf(error)}`);
    }
  }
  return agenda;
}

// A calendar that does not say what may be in it may hold events (RFC 4791 section 5.2.3).
function hasEvents(calendar: nx_resource): boolean {
  const kinds = calendar.element(CALDAV, "supported-calendar-component-set");
  if (kinds === null) return true;
  return kinds.children.some(
    (kind) => typeof kind !== "string" && kind.attrs.some(({ value }) => value === "VEVENT"),
  );
}

// What is in the time, and all that recurs besides: some servers look for a time only among the
// first times of events. What a server has found and not given is asked for by its name.
async function* objectsIn(
  sess: ne_session,
  path: string,
  within: Span,
): AsyncGenerator<nx_resource> {
  /** The paths found, and whether what is there was given. */
  const seen = new Map<string, boolean>();
  for await (const object of objectsWithin(sess, path, within)) {
    seen.set(object.path, dataOf(object) !== null);
    if (dataOf(object) !== null) yield object;
  }
  for (const each of await recurring(sess, path)) if (!seen.has(each)) seen.set(each, false);
  const missing = [...seen.keys()].filter((each) => seen.get(each) === false);
  yield* nx_multiget(sess, path, missing, "caldav");
}

// The server is asked to unroll recurrences. One that refuses is asked without; one that does not
// know the word answers as if it had not been said.
async function* objectsWithin(
  sess: ne_session,
  path: string,
  { from, to }: Span,
): AsyncGenerator<nx_resource> {
  const range = { from: new Date(from), to: new Date(to) };
  let isBegun = false;
  try {
    for await (const object of nx_query(sess, path, "caldav", { range, expand: true })) {
      isBegun = true;
      yield object;
    }
  } catch (error) {
    if (isBegun || !isRefusal(error)) throw error;
    yield* nx_query(sess, path, "caldav", { range });
  }
}

// Paths of the events with a rule; none where the server does not search for properties.
async function recurring(sess: ne_session, path: string): Promise<string[]> {
  const filter =
    `<C:comp-filter xmlns:C="${CALDAV}" name="VCALENDAR"><C:comp-filter name="VEVENT">` +
    '<C:prop-filter name="RRULE"/></C:comp-filter></C:comp-filter>';
  const props = [{ nspace: "DAV:", name: "getetag" }];
  const paths: string[] = [];
  try {
    for await (const each of nx_query(sess, path, "caldav", { filter, props })) {
      paths.push(each.path);
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  return paths;
}

// Whether the server has answered, and does not do what was asked.
function isRefusal(error: unknown): boolean {
  return error instanceof nx_error && error.status !== null;
}

function add(agenda: Agenda, calendar: string, object: nx_resource, within: Span): void {
  const data = dataOf(object);
  if (data === null) {
    agenda.failures.push(`${object.path}: the server does not give it${statusOf(object)}`);
    return;
  }
  try {
    const { events, problems } = eventsIn(data, within);
    agenda.entries.push(...events.map((event) => ({ calendar, event })));
    agenda.failures.push(...problems.map((problem) => `${object.path}: ${problem}`));
  } catch (error) {
    agenda.failures.push(`${object.path}: ${messageOf(error)}`);
  }
}

function dataOf(object: nx_resource): string | null {
  return object.prop(CALDAV, "calendar-data");
}

function statusOf({ status, props }: nx_resource): string {
  const data = props.find(({ name }) => name === "calendar-data");
  const said = status ?? data?.status ?? null;
  return said === null ? "" : `: ${said.code} ${said.reason_phrase ?? ""}`.trimEnd();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// The header fields of a request in every form that programs have them: a record, a list of pairs,
// Headers, a Map, the headers of a result. Nothing is dropped: what can't be read is a mistake.
import type { FieldPair } from "../http/field_pairs.js";
import { describe, isPlain } from "../base/call_options.js";
import { misuse, type ne_request } from "../base/handle.js";
import { checkFieldName, checkFieldValue, withoutField } from "../http/request_head.js";
import { requests } from "../session/request.js";
import { ne_add_request_header } from "../../ne_request.js";

/** A header field. */
export type Field = FieldPair;

/**
 * Header fields: a record, whose arrays add a field for each element, or any iterable of pairs:
 * `Headers`, a `Map`, the `headers` of a result.
 */
export type nx_headers =
  | Readonly<Record<string, string | readonly string[]>>
  | Iterable<readonly [name: string, value: string]>;

/** Framing, which follows from the body and its length. */
const FRAMING = /^(content-length|transfer-encoding)$/i;

/**
 * Reads a list of fields. The fields that frame a body are passed over in an iterable, which may be
 * the head of another message, and are a mistake in a record, which somebody wrote.
 */
export function readHeaderList(given: unknown, caller: string): Field[] {
  if (typeof given !== "object" || given === null) throw notFields(caller, describe(given));
  const fields = isIterable(given) ? readPairs(given, caller) : readRecord(given, caller);
  if (fields.filter(([name]) => /^host$/i.test(name)).length > 1) {
    throw misuse(caller, "there is more than one Host in `headers`");
  }
  return fields;
}

function readRecord(given: object, caller: string): Field[] {
  if (!isPlain(given)) throw notFields(caller, describe(given));
  const fields: Field[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (FRAMING.test(name)) throw misuse(caller, `${name} comes from the body and its length`);
    add(fields, name, value, caller);
  }
  return fields;
}

function readPairs(given: Iterable<unknown>, caller: string): Field[] {
  const fields: Field[] = [];
  for (const pair of given) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw notFields(caller, `an iterable of something else than pairs`);
    }
    const [name, value] = pair as [unknown, unknown];
    if (typeof name === "string" && FRAMING.test(name)) continue;
    add(fields, name, value, caller);
  }
  return fields;
}

function add(fields: Field[], name: unknown, value: unknown, caller: string): void {
  checkFieldName(name, caller, "headers");
  if (typeof value === "string") {
    checkFieldValue(value, caller, name);
    fields.push([name, value]);
    return;
  }
  if (!Array.isArray(value)) {
    throw misuse(caller, `the value of ${name} must be a string, not ${describe(value)}`);
  }
  for (const one of value as unknown[]) {
    checkFieldValue(one, caller, name);
    fields.push([name, one]);
  }
}

/**
 * Adds a field to a request. Host and User-Agent stand in the place of the session's: servers
 * refuse a request with two of the first (RFC 9112 section 3.2).
 */
export function addField(req: ne_request, [name, value]: Field): void {
  const known = name.length === 4 || name.length === 10 ? name.toLowerCase() : "";
  if (known === "host" || known === "user-agent") {
    const { fields } = requests.open(req, "nx_send");
    fields.fixed = withoutField(fields.fixed, known);
  }
  ne_add_request_header(req, name, value);
}

function isIterable(given: object): given is Iterable<unknown> {
  return Symbol.iterator in given;
}

function notFields(caller: string, what: string): TypeError {
  return misuse(caller, `headers must be a record or an iterable of pairs, not ${what}`);
}

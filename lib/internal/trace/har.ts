// Tapes as an HTTP Archive (HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/): what
// browsers' developer tools read.
//
//   blocked ─► dns ─► connect (with ssl) ─► send ─► wait ─► receive
//
// The parts of a time add up to it: what is left over, in queues and callbacks, is "blocked".
import { ne_version_library } from "../../ne_utils.js";
import type { Field } from "../http/head.js";
import { decodeCodings, textOf } from "./body_text.js";
import type { KeptBody } from "../session/kept_body.js";
import type { Interim, RecordedAttempt } from "./recorded_attempt.js";
import { redactionOf, type Redaction } from "./redaction.js";

/** A name and what it stands for. */
interface Pair {
  name: string;
  value: string;
}

interface HarCookie extends Pair {
  path?: string;
  domain?: string;
  expires?: string;
  httpOnly?: boolean;
  secure?: boolean;
}

/** An archive of these attempts. */
export function writeHar(attempts: readonly RecordedAttempt[], secrets: boolean): object {
  const creator = { name: "libneon", version: ne_version_library() };
  const entries = attempts.map((attempt) => writeEntry(attempt, redactionOf(attempt, secrets)));
  return { log: { version: "1.2", creator, pages: [], entries } };
}

function writeEntry(attempt: RecordedAttempt, redaction: Redaction): object {
  const { route } = attempt;
  const comments = attempt.interims.map((interim) => writeInterim(interim, redaction));
  const more = attempt.interimCount - attempt.interims.length;
  if (more > 0) comments.push(`and ${more} more interim responses`);
  if (attempt.error === null && !attempt.complete) comments.push("given up before its end");
  return {
    startedDateTime: new Date(performance.timeOrigin + attempt.begunAt).toISOString(),
    ...writeTimes(attempt),
    request: writeRequest(attempt, redaction),
    response: writeResponse(attempt, redaction),
    cache: {},
    ...(route === null ? {} : { connection: String(route.id) }),
    ...(route?.peer == null ? {} : { serverIPAddress: route.peer }),
    ...(attempt.error === null ? {} : { _error: redaction.text(attempt.error) }),
    ...(comments.length === 0 ? {} : { comment: comments.join("; ") }),
  };
}

function writeInterim({ code, reason, fields }: Interim, redaction: Redaction): string {
  const shown = fields.list.map(({ name, value }) => `${name}: ${redaction.field(name, value)}`);
  return [`${code} ${reason}`.trim(), ...shown].join(", ");
}

// ---- times ----

function writeTimes(attempt: RecordedAttempt): object {
  const whole = attempt.endedAt - attempt.begunAt;
  const answeredAt = attempt.statusAt ?? attempt.endedAt;
  const send = attempt.took.send ?? 0;
  const wait = attempt.sentAt === null ? 0 : Math.max(0, answeredAt - attempt.sentAt - send);
  const receive = attempt.endedAt - answeredAt;
  const ssl = attempt.took.handshake;
  const opened = attempt.took.connect !== null || ssl !== null;
  const connect = opened ? (attempt.took.connect ?? 0) + (ssl ?? 0) : null;
  const rest = whole - send - wait - receive - (attempt.took.lookup ?? 0) - (connect ?? 0);
  const timings = {
    blocked: micros(Math.max(0, rest)),
    dns: micros(attempt.took.lookup),
    connect: micros(connect),
    send: micros(send),
    wait: micros(wait),
    receive: micros(receive),
  };
  const parts = Object.values(timings).filter((part) => part >= 0);
  const time = micros(parts.reduce((sum, part) => sum + part, 0));
  return { time, timings: { ...timings, ssl: micros(ssl) } };
}

// Milliseconds to three places; -1 for what did not happen.
function micros(ms: number | null): number {
  return ms === null ? -1 : Math.round(ms * 1000) / 1000;
}

// ---- the request ----

/** The URL of a request, without a fragment; and its target, where the URL does not tell it. */
export function urlOf(
  { scheme, hostport, target }: RecordedAttempt,
): { url: string; target: string | null } {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) return { url: target, target: null };
  if (target.startsWith("/")) return { url: `${scheme}://${hostport}${target}`, target: null };
  return { url: `${scheme}://${hostport}/`, target };
}

/** The fields of a request head, in its order. */
export function requestFields(head: string | null): Field[] {
  const lines = (head ?? "").split("\r\n").slice(1, -2);
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return { name: line.slice(0, colon), value: line.slice(colon + 1).trim() };
  });
}

function writeRequest(attempt: RecordedAttempt, redaction: Redaction): object {
  const { url, target } = urlOf(attempt);
  const shown = redaction.text(url.replace(/#.*$/s, ""));
  const fields = requestFields(attempt.head);
  const type = valueOf(fields, "content-type") ?? "";
  return {
    method: attempt.method,
    url: shown,
    httpVersion: "HTTP/1.1",
    cookies: requestCookies(fields, redaction),
    headers: fields.map((field) => shownField(field, redaction)),
    queryString: queryOf(shown),
    ...(attempt.body.size === 0 ? {} : { postData: writePostData(attempt.body, type, redaction) }),
    headersSize: attempt.head === null ? -1 : attempt.head.length,
    bodySize: attempt.body.size,
    ...(target === null ? {} : { _target: redaction.text(target) }),
  };
}

function writePostData(body: KeptBody, mimeType: string, redaction: Redaction): object {
  const kept = keptComment(body);
  const text = textOf(body.bytes, mimeType);
  if (text !== null) return { mimeType, params: [], text: redaction.body(text, mimeType), ...kept };
  if (redaction.hides(body.bytes, mimeType)) {
    return { mimeType, params: [], text: "", ...withheld(body) };
  }
  return { mimeType, params: [], text: "", _base64: body.bytes.toString("base64"), ...kept };
}

// What tells readers, and nx_replay, that a body is not all there.
function keptComment(body: KeptBody): object {
  if (body.whole) return {};
  return cutAfter(body.bytes.length, body.size);
}

function cutAfter(kept: number, size: number): object {
  return { comment: `the first ${kept} of ${size} bytes`, _kept: kept };
}

function withheld(body: KeptBody): object {
  return { comment: `${body.size} bytes with a secret in them`, _kept: 0 };
}

function shownField({ name, value }: Field, redaction: Redaction): Pair {
  return { name, value: redaction.field(name, value) };
}

function valueOf(fields: readonly Field[], key: string): string | null {
  return fields.find(({ name }) => name.toLowerCase() === key)?.value ?? null;
}

function queryOf(url: string): Pair[] {
  const at = url.indexOf("?");
  if (at < 0) return [];
  return [...new URLSearchParams(url.slice(at + 1))].map(([name, value]) => ({ name, value }));
}

function requestCookies(fields: readonly Field[], redaction: Redaction): HarCookie[] {
  return fields
    .filter(({ name }) => name.toLowerCase() === "cookie")
    .flatMap(({ value }) => value.split(";"))
    .filter((pair) => pair.trim() !== "")
    .map((pair) => cookiePair(pair, redaction));
}

function cookiePair(pair: string, redaction: Redaction): Pair {
  const equals = pair.indexOf("=");
  const value = pair.slice(equals + 1).trim();
  return { name: pair.slice(0, Math.max(equals, 0)).trim(), value: redaction.cookie(value) };
}

// ---- the response ----

const NO_RESPONSE = { status: 0, statusText: "", httpVersion: "" };

function writeResponse(attempt: RecordedAttempt, redaction: Redaction): object {
  const { status, responseBody } = attempt;
  const fields = attempt.fields.list;
  const failed = attempt.error !== null || status === null;
  const trailers = attempt.trailer.list;
  const spoken = status === null ? "" : `${status.code} ${status.reason}`.trim();
  return {
    ...(failed ? NO_RESPONSE : {
      status: status.code,
      statusText: status.reason,
      httpVersion: `HTTP/${status.major}.${status.minor}`,
    }),
    cookies: fields
      .filter(({ name }) => name.toLowerCase() === "set-cookie")
      .map(({ value }) => setCookie(value, redaction)),
    headers: fields.map((field) => shownField(field, redaction)),
    content: writeContent(attempt, redaction),
    redirectURL: redaction.text(valueOf(fields, "location") ?? ""),
    headersSize: attempt.headBytes,
    bodySize: status === null ? -1 : responseBody.size,
    ...(trailers.length === 0
      ? {}
      : { _trailers: trailers.map((each) => shownField(each, redaction)) }),
    ...(failed && spoken !== "" ? { comment: `failed after ${spoken}` } : {}),
  };
}

function setCookie(value: string, redaction: Redaction): HarCookie {
  const [pair = "", ...attributes] = value.split(";");
  const cookie: HarCookie = cookiePair(pair, redaction);
  for (const attribute of attributes) {
    const equals = attribute.indexOf("=");
    const name = attribute.slice(0, equals < 0 ? undefined : equals).trim().toLowerCase();
    const given = equals < 0 ? "" : attribute.slice(equals + 1).trim();
    if (name === "path") cookie.path = given;
    else if (name === "domain") cookie.domain = given;
    else if (name === "httponly") cookie.httpOnly = true;
    else if (name === "secure") cookie.secure = true;
    else if (name === "expires" && !Number.isNaN(Date.parse(given))) {
      cookie.expires = new Date(given).toISOString();
    }
  }
  return cookie;
}

function writeContent(attempt: RecordedAttempt, redaction: Redaction): object {
  const { responseBody, fields, complete } = attempt;
  const mimeType = fields.value("content-type") ?? "";
  const coding = fields.value("content-encoding");
  const whole = responseBody.whole && complete;
  const decoded = responseBody.whole ? decodeCodings(responseBody.bytes, coding) : null;
  if (decoded === null && coding !== null) {
    return writeCoded(responseBody, mimeType, whole, redaction);
  }
  const bytes = decoded ?? responseBody.bytes;
  // of a body that was cut, the length that was read
  const size = decoded === null ? responseBody.size : bytes.length;
  const compression = size - responseBody.size;
  return {
    size,
    ...(coding !== null && compression !== 0 ? { compression } : {}),
    mimeType,
    ...writeBytes(bytes, mimeType, redaction),
    ...(whole ? {} : cutAfter(bytes.length, size)),
  };
}

// A body whose content coding cannot be taken off, or not from its beginning alone: how long it is
// without, nobody knows.
function writeCoded(
  body: KeptBody,
  mimeType: string,
  whole: boolean,
  redaction: Redaction,
): object {
  const { bytes } = body;
  const kept = whole ? {} : { _kept: bytes.length };
  const comment = `the first ${bytes.length} of ${body.size} bytes, content coding still on`;
  const shown = redaction.hides(bytes, mimeType)
    ? {}
    : { text: bytes.toString("base64"), encoding: "base64" };
  return { size: -1, mimeType, ...shown, comment, _coded: true, ...kept };
}

function writeBytes(bytes: Buffer, mimeType: string, redaction: Redaction): object {
  const text = textOf(bytes, mimeType);
  if (text !== null) return { text: redaction.body(text, mimeType) };
  if (redaction.hides(bytes, mimeType)) {
    return { comment: "left out: there is a secret in it", _kept: 0 };
  }
  return { text: bytes.toString("base64"), encoding: "base64" };
}

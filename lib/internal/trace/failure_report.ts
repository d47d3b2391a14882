// Why a request failed, out of the report of it: words for what was not repeated, the document of a
// WebDAV error read, secrets hidden.
import { NE_AUTH, NE_OK, NE_PROXYAUTH, NE_REDIRECT, NE_TIMEOUT } from "../base/constants.js";
import { parseContentType } from "../http/content_type.js";
import { hideInText, hideValues, secretValues } from "../http/secrets.js";
import { readOutcome, type Outcome } from "../multistatus/outcome.js";
import type { nx_phase, Report, Timings } from "../session/report.js";
import type { Session } from "../session/session_state.js";
import { ne_uri, ne_uri_parse } from "../../ne_uri.js";
import {
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_parse,
  ne_xml_set_encoding,
} from "../../ne_xml.js";
import { decodeCodings } from "./body_text.js";

/** See `nx_failure`. */
export interface Failure {
  readonly phase: nx_phase;
  readonly code: number;
  readonly error: string;
  readonly cause: Error | null;
  readonly origin: string;
  readonly proxy: string | null;
  readonly addresses: ReadonlyArray<{ readonly address: string; readonly error: string | null }>;
  readonly tls: {
    readonly failures: number;
    readonly protocol: string | null;
    readonly cipher: string | null;
  } | null;
  readonly sent: number;
  readonly received: number;
  readonly tunnel: {
    readonly status: number;
    readonly reason: string;
    readonly text: string;
  } | null;
  readonly retry: string;
  readonly dav: DavFailure | null;
  readonly timings: Timings | null;
}

interface DavFailure {
  readonly path: string | null;
  readonly status: number | null;
  readonly condition: string | null;
  readonly description: string | null;
}

/** The failure of the request that ended last, `null` where it has none. */
export function describeFailure(s: Session): Failure | null {
  const report = s.last.report;
  if (report === null || report.code === NE_OK) return null;
  const values = secretValues(report.head);
  const open = (text: string): string => hideValues(hideInText(text), values);
  const { origins, tunnel } = report;
  return Object.freeze({
    phase: report.phase,
    code: report.code,
    error: open(report.error),
    cause: report.cause,
    origin: report.origin,
    proxy: origins.proxy,
    addresses: Object.freeze(origins.tried.map((each) => Object.freeze({ ...each }))),
    tls: origins.tls === null ? null : Object.freeze({ ...origins.tls }),
    sent: report.sent,
    received: report.received,
    tunnel: tunnel === null ? null : Object.freeze({ ...tunnel, text: open(tunnel.text) }),
    retry: whyNotAgain(report),
    dav: davFailure(report, open),
    timings: report.timings === null ? null : Object.freeze({ ...report.timings }),
  });
}

// ---- repetitions ----

const NEVER_SENT: ReadonlySet<nx_phase> = new Set([
  ...(["queue", "lookup", "connect", "proxy", "handshake", "verify"] as const),
]);

function whyNotAgain(report: Report): string {
  const { again } = report;
  const now = `not sent again: ${reasonNow(report)}`;
  return again === null ? now : `sent again, since ${again}; then ${now}`;
}

function reasonNow(report: Report): string {
  const { code, phase, status } = report;
  if (report.brokenOff) return code === NE_TIMEOUT ? "its time was up" : "it was broken off";
  if (code === NE_AUTH || code === NE_PROXYAUTH || phase === "auth") return "the login was refused";
  if (code === NE_REDIRECT) return "the program decides about redirects";
  if (phase === "callback") return "a callback ended it";
  if (NEVER_SENT.has(phase)) return "nothing of it had been sent";
  if (status > 0) return report.complete ? "it was answered" : "an answer had begun";
  if (phase === "head") return "an answer had begun";
  if (code === NE_TIMEOUT) return "no answer came in time, and the server may have acted on it";
  if (!report.reused) return "the connection was new, and the server may have acted on it";
  return "the server may have acted on it";
}

// ---- WebDAV ----

function davFailure(report: Report, open: (text: string) => string): DavFailure | null {
  const { body, fields, status } = report;
  if (body === null || fields === null || body.size === 0) return null;
  const bytes = decodeCodings(body.bytes, fields.value("content-encoding"));
  if (bytes === null) return null;
  const outcome = readDocument(bytes, report.target, fields.value("content-type"));
  const { failure, path, condition, description } = outcome;
  if (failure === null && condition === null) return null;
  return Object.freeze({
    path: path === null ? null : open(path),
    status: failure?.code ?? (status === 207 ? null : status),
    condition,
    description: description === null ? null : open(description),
  });
}

// As much of the document as was kept: what fails comes first, or not at all.
function readDocument(bytes: Buffer, target: string, contentType: string | null): Outcome {
  const xml = ne_xml_create();
  const base = new ne_uri();
  if (ne_uri_parse(target, base) !== 0) base.path = "/";
  const outcome = readOutcome(xml, base);
  const charset = parseContentType(contentType ?? "")?.charset ?? null;
  if (charset !== null) ne_xml_set_encoding(xml, charset);
  ne_xml_parse(xml, bytes);
  ne_xml_destroy(xml);
  return outcome;
}


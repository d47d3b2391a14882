// How long a response body is and whether the connection outlives it (RFC 9112 sections 6.3, 9.3).
import type { Fields } from "./head.js";

/** Where a body ends. */
export type Framing =
  | { kind: "none" }
  | { kind: "length"; length: number }
  | { kind: "chunked" }
  | { kind: "end" };

/** What framing and persistence depend on. */
export interface ResponseHead {
  method: string;
  code: number;
  /** The response says it is HTTP/1.1 or a later 1.x. */
  http11: boolean;
  fields: Fields;
  /** `NE_SESSFLAG_STRICT`: RFC 9112 where neon is laxer. */
  strict: boolean;
}

/** Tokens of a comma-separated list, in lower case. */
function listTokens(value: string): string[] {
  if (!value.includes(",")) return [value.trim().toLowerCase()].filter((token) => token !== "");
  return value
    .split(",")
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== "");
}

/**
 * The framing of a response body, or the error of a response whose framing cannot be trusted. A 2xx
 * answer to CONNECT has no body: what follows belongs to the tunnel.
 */
export function chooseFraming(head: ResponseHead): Framing | string {
  const { method, code, fields } = head;
  if (method === "HEAD" || code === 204 || code === 304) return { kind: "none" };
  if (method === "CONNECT" && code >= 200 && code < 300) return { kind: "none" };
  if (code === 101) return { kind: "none" };
  const coding = fields.value("transfer-encoding");
  if (coding !== null && coding.toLowerCase() !== "identity") {
    if (coding.toLowerCase() !== "chunked") return "Unknown transfer-coding in response";
    return { kind: "chunked" };
  }
  const length = fields.value("content-length");
  if (length === null) return { kind: "end" };
  const bytes = parseLength(length, head.strict);
  return bytes === null ? "Invalid Content-Length in response" : { kind: "length", length: bytes };
}

/**
 * A Content-Length: digits, or outside strict mode what strtol takes for a number not below 0. The
 * same number several times, in one field or in several, counts as once (RFC 9112 section 6.3).
 */
export function parseLength(list: string, strict: boolean): number | null {
  if (/^[0-9]{1,15}$/.test(list)) return Number(list);
  const values = list.split(",").map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ""));
  const [value = "", ...others] = values;
  if (others.some((other) => other !== value)) return null;
  if (!(strict ? /^[0-9]+$/ : /^(\+|-(?=0+$))?[0-9]+$/).test(value)) return null;
  const bytes = Math.abs(Number(value));
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Whether the connection may carry another request after this response, by what its head says. */
export function isPersistent(head: ResponseHead): boolean {
  const { fields, strict } = head;
  const connection = fields.value("connection");
  let persists = head.http11;
  if (connection !== null) {
    const tokens = listTokens(connection);
    for (const token of tokens) {
      if (token === "close") persists = false;
      else if (token === "keep-alive") persists = true;
    }
    if (strict && tokens.includes("close")) persists = false;
  }
  // RFC 9112 section 6.3: a message with both may be an attempt at response splitting
  if (strict && fields.value("transfer-encoding")?.toLowerCase() === "chunked") {
    if (fields.value("content-length") !== null || !head.http11) return false;
  }
  return persists;
}

/**
 * For HTTP/1.0, drops the fields that Connection names (RFC 9110 section 7.6.1), which are for
 * the hop before this one.
 */
export function dropConnectionFields(fields: Fields): void {
  const connection = fields.value("connection");
  if (connection === null) return;
  for (const token of listTokens(connection)) {
    if (token !== "connection" && token !== "close" && token !== "keep-alive") fields.drop(token);
  }
}

/** Seconds of `timeout` in a Keep-Alive field, or `null`. */
export function keepAliveSeconds(fields: Fields): number | null {
  const value = fields.value("keep-alive");
  const timeout = /(?:^|[,;\s])timeout\s*=\s*"?([0-9]{1,9})/i;
  const match = value === null ? null : timeout.exec(value);
  return match === null ? null : Number(match[1]);
}

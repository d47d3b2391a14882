// Reads an HTTP Archive, ours or a browser's, as requests with their responses. Browsers differ:
//
//   Chrome   responses of HTTP/2 (":status", names in lower case), several values of a field in one
//            with line ends between, `response._error` of a failed request, no body of a redirect
//   Firefox  no text where bodies were not to be included, parameters of a form without its text
import type { FieldPair } from "../http/field_pairs.js";
import { misuse } from "../base/handle.js";
import { bytesOf } from "./body_text.js";

type Json = Readonly<Record<string, unknown>>;

/** A recorded request with its response. */
export interface Recorded {
  readonly method: string;
  /** `host:port`, in lower case. */
  readonly authority: string;
  readonly target: string;
  readonly url: string;
  readonly type: string;
  /** The body of the request, text where parts of it may be hidden; `null`: not kept whole. */
  readonly body: Buffer | string | null;
  readonly response: RecordedResponse;
}

export interface RecordedResponse {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly fields: readonly FieldPair[];
  readonly trailers: readonly FieldPair[];
  /** `null`: not kept whole. */
  readonly body: Buffer | null;
  /** The content coding was not taken off. */
  readonly coded: boolean;
  /** Why the request failed. */
  readonly error: string | null;
}

/** Bytes of a byte order mark, which browsers leave out of a text but not out of its size. */
const MARK = 3;

/** The requests of a HAR. Throws a `TypeError` for what is none, naming the entry. */
export function readHar(har: unknown, caller: string): Recorded[] {
  const log = objectIn(isObject(har) ? har : {}, "log");
  const { entries } = log;
  if (!Array.isArray(entries)) throw misuse(caller, "the tape is no HAR: it has no log.entries");
  return entries.map((entry: unknown, i) => {
    const recorded = isObject(entry) ? readEntry(entry) : null;
    if (recorded === null) throw misuse(caller, `entry ${i} of the tape is no request with a URL`);
    return recorded;
  });
}

function readEntry(entry: Json): Recorded | null {
  const request = objectIn(entry, "request");
  const { method } = request;
  const url = textIn(request, "url");
  const place = placeOf(url);
  if (typeof method !== "string" || place === null) return null;
  const data = objectIn(request, "postData");
  return {
    method,
    url: url.replace(/#.*$/s, ""),
    ...place,
    ...(typeof request["_target"] === "string" ? { target: request["_target"] } : {}),
    type: textIn(data, "mimeType"),
    body: readPostData(data, request["bodySize"]),
    response: readResponse(entry, objectIn(entry, "response")),
  };
}

const PORTS: Readonly<Record<string, number>> = { https: 443, wss: 443 };

/** Where a URL leads. The target stays as it is written. */
export function placeOf(url: string): { authority: string; target: string } | null {
  const form = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i;
  const [, scheme = "", server, rest = ""] = form.exec(url) ?? [];
  if (server === undefined) return null;
  const [, host, port] = /^(?:.*@)?(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(server) ?? [];
  if (!host) return null;
  const usual = PORTS[scheme.toLowerCase()] ?? 80;
  return {
    authority: authorityOf(host, port ? Number(port) : usual),
    target: rest.startsWith("/") ? rest : `/${rest}`,
  };
}

/** Host and port as they are compared. */
export function authorityOf(host: string, port: number): string {
  return `${host.toLowerCase()}:${port}`;
}

function readPostData(data: Json, bodySize: unknown): Buffer | string | null {
  if (data["_kept"] !== undefined) return null;
  if (typeof data["_base64"] === "string") return Buffer.from(data["_base64"], "base64");
  const { text, params } = data;
  if (typeof text === "string") return text;
  if (Array.isArray(params) && params.length > 0) {
    const form = new URLSearchParams();
    for (const each of params.filter(isObject)) {
      form.append(textIn(each, "name"), textIn(each, "value"));
    }
    return form.toString();
  }
  return typeof bodySize === "number" && bodySize > 0 ? null : "";
}

function readResponse(entry: Json, response: Json): RecordedResponse {
  const status = typeof response["status"] === "number" ? response["status"] : 0;
  const content = objectIn(response, "content");
  const error = textIn(entry, "_error") || textIn(response, "_error");
  return {
    status,
    reason: textIn(response, "statusText"),
    version: textIn(response, "httpVersion") === "HTTP/1.0" ? "HTTP/1.0" : "HTTP/1.1",
    fields: readFields(response["headers"]),
    trailers: readFields(response["_trailers"]),
    body: readContent(content),
    coded: content["_coded"] === true,
    error: status > 0 ? null : error || "the recorded request failed",
  };
}

function readContent(content: Json): Buffer | null {
  const { text, size } = content;
  const bytes = typeof size === "number" ? size : 0;
  if (content["_kept"] !== undefined) return null;
  if (typeof text !== "string") return bytes > 0 ? null : Buffer.alloc(0);
  if (content["encoding"] === "base64") return Buffer.from(text, "base64");
  const body = bytesOf(text, textIn(content, "mimeType")) ?? Buffer.from(text, "utf8");
  const isHidden = text.includes("…");
  return !isHidden && body.length + MARK < bytes ? null : body;
}

function readFields(list: unknown): FieldPair[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).flatMap((field) => {
    const name = textIn(field, "name");
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return [];
    const values = textIn(field, "value").split(/[\r\n]+/);
    return values.map((value): FieldPair => [name, fieldText(value)]);
  });
}

// Fields are bytes: what a browser has decoded goes back to UTF-8.
function fieldText(value: string): string {
  const plain = value.replaceAll("\0", " ");
  return /[^\0-\xff]/.test(plain) ? Buffer.from(plain, "utf8").toString("latin1") : plain;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

function objectIn(parent: Json, name: string): Json {
  const value = parent[name];
  return isObject(value) ? value : {};
}

function textIn(parent: Json, name: string): string {
  const value = parent[name];
  return typeof value === "string" ? value : "";
}

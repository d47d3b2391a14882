// An attempt as a curl command that sends the same bytes, for a POSIX shell. curl's own fields are
// switched off ("Host:" and the like) and ours given in their order: of a field that was switched
// off first, curl passes a later one through where it stands.
import { chunkedEnd, chunkStart } from "../http/request_head.js";
import { latin1Bytes, latin1Text } from "../base/bytes.js";
import { HIDDEN } from "../http/secrets.js";
import { textOf } from "./body_text.js";
import { requestFields, urlOf } from "./har.js";
import type { RecordedAttempt } from "./recorded_attempt.js";
import { redactionOf, type Redaction } from "./redaction.js";

/** Fields that curl adds by itself. */
const OWN = ["Host", "Accept", "User-Agent"];
const OWN_WITH_BODY = ["Content-Type", "Content-Length", "Transfer-Encoding", "Expect"];

/** How much of the body of a request is there: of a body that was cut, less than its length. */
export function bodyKept(
  { head, body, chunks }: RecordedAttempt,
): { kept: number; length: number } {
  const announced = /^content-length: *(\d+)/im.exec(head ?? "")?.[1];
  const length = chunks !== null || announced === undefined ? body.size : Number(announced);
  return { kept: body.bytes.length, length };
}

/** The command. The attempt's body has been kept whole. @param secrets show them */
export function writeCurl(attempt: RecordedAttempt, secrets: boolean): string {
  const redaction = redactionOf(attempt, secrets);
  const head = attempt.head ?? `${attempt.method} ${attempt.target} HTTP/1.1\r\n\r\n`;
  const type = requestFields(head).find(({ name }) => name.toLowerCase() === "content-type");
  const { bytes } = attempt.body;
  const content = shownContent(bytes, type?.value ?? "", redaction);
  const body = framedBody(attempt, content, content === bytes ? attempt.chunks : [content.length]);
  const { url, target } = urlOf(attempt);
  const words = ["curl", "--http1.1", "--path-as-is", "--globoff", ...methodOf(attempt, body)];
  words.push(...routeOf(attempt, redaction));
  const isPlain = target === null && attempt.target.startsWith("/") && /^[!-~]*$/.test(url);
  if (!isPlain || url.includes("#")) {
    words.push("--request-target", quote(redaction.text(attempt.target)));
  }
  for (const field of switchedOff(attempt, body)) words.push("-H", quote(field));
  const length = content === bytes ? "$&" : `$1${content.length}`;
  const shownHead = head.replace(/^(content-length: *)\d+/im, length);
  for (const line of headLines(shownHead, redaction)) words.push("-H", quote(line));
  const given = body === null ? null : bodyWords(body);
  if (given !== null) words.push(...given.words);
  words.push(quote(redaction.text(url.replace(/#.*$/s, ""))));
  return (given?.feed ?? "") + words.join(" ");
}

// The body with its secrets hidden, which changes its length.
function shownContent(bytes: Buffer, type: string, redaction: Redaction): Buffer {
  const text = textOf(bytes, "");
  const before = text ?? latin1Text(bytes);
  const shown = redaction.body(before, type);
  if (shown === before) return bytes;
  if (text !== null) return Buffer.from(shown, "utf8");
  const between = Buffer.from(HIDDEN, "utf8");
  const parts = shown.split(HIDDEN).flatMap((part) => [between, latin1Bytes(part)]);
  return Buffer.concat(parts.slice(1));
}

// Plain text stands in the command, all else comes from a printf in front of it.
function bodyWords(body: Buffer): { feed: string; words: string[] } {
  const text = textOf(body, "");
  if (text !== null && !/[\0-\x08\x0b-\x1f\x7f]/.test(text)) {
    return { feed: "", words: ["--data-raw", quoteUtf8(text)] };
  }
  return { feed: `printf ${escaped(body)} | `, words: ["--data-binary", "@-"] };
}

function methodOf({ method }: RecordedAttempt, body: Buffer | null): string[] {
  if (method === "HEAD" && body === null) return ["--head"];
  return method === "GET" && body === null ? [] : ["-X", quote(method)];
}

function routeOf({ route }: RecordedAttempt, redaction: Redaction): string[] {
  if (route === null) return [];
  if (route.unixPath !== null) return ["--unix-socket", quote(route.unixPath)];
  const { proxy } = route;
  if (proxy === null) return ["--noproxy", "'*'"];
  const words = ["--proxy", quote(proxy.url)];
  if (!proxy.tunnel) return words;
  if (/^https?:/.test(proxy.url)) words.push("--proxytunnel");
  // without a tunnel the login stands among the fields
  if (proxy.login !== null) words.push("--proxy-user", quote(loginOf(proxy.login, redaction)));
  return words;
}

function loginOf(login: string, redaction: Redaction): string {
  const colon = login.indexOf(":") + 1;
  return login.slice(0, colon) + redaction.cookie(login.slice(colon));
}

function switchedOff({ route }: RecordedAttempt, body: Buffer | null): string[] {
  const names = [...OWN, ...(body === null ? [] : OWN_WITH_BODY)];
  if (route?.proxy != null && !route.proxy.tunnel) names.push("Proxy-Connection");
  return names.map((name) => `${name}:`);
}

// The field lines, one or more to an option: curl drops a field without a value, but not one with
// another line behind it, or before it.
function headLines(head: string, redaction: Redaction): string[] {
  const lines = head.split("\r\n").slice(1, -2);
  const options: string[] = [];
  let held = "";
  for (const line of lines) {
    const colon = line.indexOf(":");
    const value = line.slice(colon + 1);
    const blanks = /^[ \t]*/.exec(value)?.[0] ?? "";
    const text = line.slice(0, colon + 1) + blanks;
    const shown = text + redaction.field(line.slice(0, colon), value.slice(blanks.length));
    if (value.trim() === "") {
      held += `${shown}\r\n`;
      continue;
    }
    options.push(held + shown);
    held = "";
  }
  if (held === "") return options;
  return [...options.slice(0, -1), `${options.at(-1) ?? ""}\r\n${held.slice(0, -2)}`];
}

// The body as it went over the wire. A body in chunks is given with its frames; one in which
// something is hidden has one chunk.
function framedBody(
  { chunks, trailerFields, head }: RecordedAttempt,
  content: Buffer,
  lengths: readonly number[] | null,
): Buffer | null {
  if (chunks === null || lengths === null) {
    return /^content-length:/im.test(head ?? "") ? content : null;
  }
  const parts: Buffer[] = [];
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    parts.push(latin1Bytes(chunkStart(length, i === 0)), content.subarray(at, (at += length)));
  }
  parts.push(latin1Bytes(chunkedEnd(lengths.length === 0, trailerFields)));
  return Buffer.concat(parts);
}

// ---- the shell ----

// A word of the shell. Text is latin-1, one character a byte; only what was hidden is not.
function quote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (/^[\t\n -~]*$/.test(text)) return quoteUtf8(text);
  const bytes = /[^\0-\xff]/.test(text) ? Buffer.from(text, "utf8") : latin1Bytes(text);
  return `"$(printf ${escaped(bytes)})"`;
}

function quoteUtf8(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// The format of a printf that writes these bytes. (A substitution loses line ends at its end: no
// word of ours has one.)
function escaped(bytes: Buffer): string {
  const text = bytes
    .toString("latin1")
    .replace(/[^ !#-$&-[\]-~]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`)
    .replaceAll("'", "\\047")
    // it is no option of printf
    .replace(/^-/, "\\055");
  return `'${text}'`;
}

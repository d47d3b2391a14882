// The kinds of differences between C neon 0.32.5 and this library that are meant: facts of neon
// 0.37.1, whose interface this is, and departures that docs/unsupported.md names. Only the first
// line in which two courses differ is judged: what follows goes on from other connections.
import type { Course } from "./differential.js";
import type { GeneratedExchange } from "./generated_exchanges.js";

export interface Difference {
  /** The known kind, or `null`. */
  readonly reason: string | null;
  /** The two lines, C's first, and the exchange. */
  readonly text: string;
}

/** The first line that differs. */
interface Lines {
  readonly theirs: string;
  readonly ours: string;
  /** The same line of ours with NE_SESSFLAG_STRICT off. */
  readonly lax: string;
  /** All that the server wrote. */
  readonly written: string;
}

/**
 * A course as lines, without what is different in every exchange since 0.37.1: an address is not
 * looked up, and the progress of a body without length ends with its size.
 */
function linesOf({ events, received }: Course): string[] {
  const common = events.map((line) =>
    line.replaceAll("n0 ", "").replaceAll(/n4:(\d+)\/\1 (?=rd0\b)(?<=\/-1 .*)/g, ""),
  );
  return [...common, ...received.map((bytes) => JSON.stringify(bytes))];
}

const withoutField = (line: string, field: string): string =>
  line.replace(`|${field}`, "").replace(`{${field}|`, "{").replace(`{${field}}`, "{}");

/** What turns a line of C's into ours. They are applied one after the other. */
const TRANSLATIONS: readonly (readonly [reason: string, translate: (lines: Lines) => string])[] = [
  [
    "0.37.1: a field whose name has a blank behind it is passed over",
    ({ theirs }) => withoutField(theirs, "x-blank=y"),
  ],
  [
    "0.37.1: trailer fields are not among the header fields, but in the trailer's own",
    ({ theirs }) => withoutField(theirs, "x-t=u"),
  ],
  [
    "0.37.1: a second blank in the status line belongs to the reason",
    ({ theirs, written }) =>
      written.includes(" 200  two") ? theirs.replace("err=200 two", "err=200  two") : theirs,
  ],
  [
    "0.37.1: an empty line in place of the status line is called that",
    ({ theirs, ours }) =>
      ours.includes("err=Could not read status line {")
        ? theirs.replace("Could not parse response status line", "Could not read status line")
        : theirs,
  ],
  [
    "0.37.1: an empty chunk-size line is called invalid",
    ({ theirs, ours }) =>
      ours.includes("Invalid chunk-size line")
        ? theirs.replace("Could not parse chunk size", "Invalid chunk-size line")
        : theirs,
  ],
  [
    "a response with length and chunks ends its connection (RFC 9112 section 6.1)",
    ({ theirs, ours }) =>
      /content-length=.*transfer-encoding=/.test(ours) && ours.includes("n5 cc rc=0")
        ? theirs.replace(/(?<!n5 cc )rc=0/, "n5 cc rc=0")
        : theirs,
  ],
  [
    "0.37.1 has handlers for interim responses: their fields are read, and fail, as others do",
    ({ theirs }) =>
      theirs.replace("Could not read interim response headers", "Error reading response headers"),
  ],
  [
    "the fields of an interim response stay where the final one's status line cannot be read",
    ({ theirs, ours }) =>
      ours.endsWith(" {x=y}") && ours.includes("err=Could not ")
        ? theirs.replace(" {}", " {x=y}")
        : theirs,
  ],
  [
    "a kept connection that has ended is replaced before the request is sent, not after",
    ({ theirs }) => theirs.replace(/pre (?:n3:\S+ |rew |prov\d+ )+n5 cc n1 n2/, "pre n5 cc n1 n2"),
  ],
];

const ODD_STATUS =
  /(^|\n)(w:)?( HTTP\/|HTTP\/1(\. |\.1 {2}\d|\.1 999|\.1\t|\.1 200\r?\n))/;
const ODD_SIZE = /\n(-[0-9a-f]+|[0-9a-f]+g| [0-9a-f]+|0x[0-9a-f]+|[0-9a-f]+ )\r\n/i;

/** Where the two take different roads, so that nothing of the line can be compared. */
const ROADS: readonly (readonly [reason: string, applies: (lines: Lines) => boolean])[] = [
  [
    "0.37.1: NE_SESSFLAG_STRICT, on by default, refuses it; with the flag off it is read as by C",
    ({ theirs, ours, lax }) => lax === theirs && / rc=(1|99) err=/.test(ours),
  ],
  [
    "0.37.1: versions other than HTTP/1.x are refused (Incompatible HTTP version)",
    ({ ours, written }) =>
      ours.includes("err=Incompatible HTTP version ") && /HTTP\/[02-9]\./.test(written),
  ],
  [
    "0.37.1: status lines in other forms than `HTTP/1.1 200 reason` are refused; with " +
      "NE_SESSFLAG_STRICT off some of them are read",
    ({ ours, written }) =>
      ours.includes("err=Could not parse response status line ") && ODD_STATUS.test(written),
  ],
  [
    "a chunk size is digits and no more (RFC 9112 section 7.1); 0.32.5 reads a number in front",
    ({ ours, written }) =>
      ours.includes("err=Could not parse chunk size ") && ODD_SIZE.test(written),
  ],
  [
    "equal Content-Length values are one length (RFC 9112 section 6.3)",
    ({ theirs, ours }) =>
      theirs.includes("err=Invalid Content-Length in response ") &&
      /content-length=(\d+), ?\1\b/.test(theirs) &&
      /content-length=(\d+), ?\1\b/.test(ours),
  ],
  [
    "0.37.1: a 408 on a kept connection is not the answer, the request is sent again",
    ({ theirs, ours }) => / ps408 .* err=408 /.test(theirs) && ours.includes("n5 cc n1 n2 "),
  ],
  [
    "a kept connection with bytes that nobody asked for is replaced (RFC 9112 section 9.2)",
    ({ theirs, ours }) => ours.startsWith("pre n5 cc n1 n2 ") && !theirs.includes("n1 n2 "),
  ],
  [
    "a kept connection that has ended is not sent the next request",
    ({ theirs, ours }) =>
      theirs.startsWith(ours.slice(0, -1)) && /^[A-Z]+ /.test(theirs.slice(ours.length - 1)),
  ],
  [
    "an empty line of LF alone ends an interim response (RFC 9112 section 2.2)",
    ({ theirs, written }) =>
      /err=Could not read (status line|interim response headers)/.test(theirs) &&
      /HTTP\/1\.1 1\d\d [^\r\n]*\n/.test(written),
  ],
];

/** The known kind of a difference, or `null`. */
function kindOf(first: Lines): string | null {
  let lines = first;
  for (const [reason, translate] of TRANSLATIONS) {
    const theirs = translate(lines);
    if (theirs === lines.ours) return reason;
    lines = { ...lines, theirs };
  }
  const road = ROADS.find(([, applies]) => applies(first) || applies(lines));
  return road?.[0] ?? null;
}

/**
 * Compares two courses.
 * @param lax plays it once more, with NE_SESSFLAG_STRICT off
 * @returns `null` if they are the same
 */
export async function differenceOf(
  exchange: GeneratedExchange,
  c: Course,
  ours: Course,
  lax: () => Promise<Course>,
): Promise<Difference | null> {
  const [theirLines, ourLines] = [linesOf(c), linesOf(ours)];
  const length = Math.max(theirLines.length, ourLines.length);
  const at = Array.from({ length }).findIndex((_, index) => theirLines[index] !== ourLines[index]);
  if (at < 0) return null;
  const lines: Lines = {
    theirs: theirLines[at] ?? "",
    ours: ourLines[at] ?? "",
    lax: linesOf(await lax())[at] ?? "",
    written: exchange.connections.flat().join("\n"),
  };
  const text = `C: ${lines.theirs} ours: ${lines.ours} of ${JSON.stringify(exchange)}`;
  return { reason: kindOf(lines), text };
}

// The table of framing.ts: responses, and what RFC 9112 wants a client to make of them. Rows that
// other software fell over (smuggling, splitting) are named after what was wrong there.

export interface Row {
  /** The section, and the case. */
  readonly rule: string;
  /** "GET" unless said otherwise. */
  readonly method?: string;
  /** What the server sends, one character a byte. */
  readonly bytes: string;
  /** The server closes after that. */
  readonly ends?: boolean;
  /** "STATUS body, kept" or ", closed"; "refused". */
  readonly wanted: string;
  /** What is done instead on purpose. */
  readonly differs?: { readonly outcome: string; readonly reason: string };
}

type More = Partial<Omit<Row, "rule" | "bytes" | "wanted">>;

const row = (rule: string, bytes: string, wanted: string, more: More = {}): Row => ({
  rule,
  bytes,
  wanted,
  ...more,
});

const ENDS: More = { ends: true };

/** A response with these fields, 200 unless it begins with a status line. */
const with200 = (fields: readonly string[], body: string): string =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n${body}`;

/** A response that says how long it is, and more. */
const sized = (...fields: string[]): string => with200([...fields, "Content-Length: 2"], "ab");

/** A chunked response. */
const chunks = (body: string, ...fields: string[]): string =>
  with200([...fields, "Transfer-Encoding: chunked"], body);

const status = (line: string, fields = "Content-Length: 2\r\n", body = "ab"): string =>
  `${line}\r\n${fields}\r\n${body}`;

const KEPT = "200 ab, kept";
const CLOSED = "200 ab, closed";

const PASSED_OVER: More = {
  differs: { outcome: KEPT, reason: "a line that is no field is passed over, as in neon" },
};

const STATUS_LINES: readonly Row[] = [
  row("4: a status line", status("HTTP/1.1 200 OK"), KEPT),
  row("4: an empty reason", status("HTTP/1.1 200 "), KEPT),
  row("4: a reason of several words", status("HTTP/1.1 200 All is well"), KEPT),
  row("4: bytes above ASCII in the reason", status("HTTP/1.1 200 G\xfct"), KEPT),
  row("4: a class is known by its first digit", status("HTTP/1.1 299 What"), "299 ab, kept"),
  row("4: two digits", status("HTTP/1.1 20 OK"), "refused"),
  row("4: four digits", status("HTTP/1.1 2000 OK"), "refused"),
  row("4: no number", status("HTTP/1.1 abc OK"), "refused"),
  row("4: a sign", status("HTTP/1.1 +20 OK"), "refused"),
  row("2.3: names have a case", status("http/1.1 200 OK"), "refused"),
  row("2.3: no version", status("HTTP 200 OK"), "refused"),
  row("2.3: another protocol", status("RTSP/1.0 200 OK"), "refused"),
  row("2.3: a higher minor version", status("HTTP/1.2 200 OK"), KEPT),
  row("2.3: another major version", status("HTTP/2.0 200 OK"), "refused"),
  row("2.2: something in front", status("xHTTP/1.1 200 OK"), "refused"),
  row("2.2: a blank in front", status(" HTTP/1.1 200 OK"), "refused"),
  row("2.2: HTML and no head", "<html>no</html>", "refused", ENDS),
  row("2.2: nothing", "", "refused", ENDS),
  row("2.2: cut in the status line", "HTTP/1.1 20", "refused", ENDS),
  row("2.2: cut in the fields", "HTTP/1.1 200 OK\r\nContent-Le", "refused", ENDS),
  row("2.2: line ends of LF alone", status("HTTP/1.1 200 OK").replaceAll("\r", ""), KEPT),
  row("2.2: a bare CR in a value", sized("X: a\rContent-Length: 9"), KEPT),
  row("2.2: a bare CR ends no head", with200(["Content-Length: 2\r\rab"], "ab"), "refused"),
  row("2.2: a blank behind the status line", with200([" ", "X: y"], "ab"), CLOSED, ENDS),
];

const FIELDS: readonly Row[] = [
  row("5: names in any case", with200(["cOnTeNt-LeNgTh: 2"], "ab"), KEPT),
  row("5: blanks around a value", with200(["Content-Length: \t 2 \t"], "ab"), KEPT),
  row("5: an empty value", sized("X:"), KEPT),
  row("5.1: a blank before the colon", with200(["Content-Length : 2"], "ab"), KEPT, {
    ends: true,
    differs: { outcome: CLOSED, reason: "a name with a blank is none: passed over, as in neon" },
  }),
  row("5.2: a folded line", sized("X: a\r\n b"), KEPT),
  row("5.2: a folded length", with200(["Content-Length:\r\n 2"], "ab"), KEPT),
  row("5.2: a fold adds to a length", with200(["Content-Length: 1\r\n 2"], "ab"), "refused"),
  row(
    "5.2: a folded coding",
    with200(["Transfer-Encoding:\r\n chunked"], "2\r\nab\r\n0\r\n\r\n"),
    KEPT,
  ),
  row("5: a line without colon", sized("nonsense"), "refused", PASSED_OVER),
  row("RFC 9110 5.5: NUL in a value becomes a blank", sized("X: a\0b"), KEPT),
  row("5: NUL in a name", sized("X\0: a"), "refused", PASSED_OVER),
  row("5: an empty name", sized(": a"), "refused", PASSED_OVER),
  row("5: a hundred thousand bytes of one field", sized(`X: ${"a".repeat(100_000)}`), "refused"),
  row(
    "5: ten thousand fields",
    sized(...Array.from({ length: 10_000 }, (_, n) => `X-${n}: a`)),
    "refused",
  ),
];

const BAD_LENGTHS = [
  "+2",
  "-2",
  "0x2",
  "2x",
  "2 2",
  "2.0",
  "",
  "a",
  "2;",
  "2\x003",
  "1e1",
  '"2"',
  "2,",
  "\xb2",
];

const LENGTHS: readonly Row[] = [
  row("6.2: a length", sized(), KEPT),
  row("6.2: zero", with200(["Content-Length: 0"], ""), "200 , kept"),
  row("6.2: leading zeros", with200(["Content-Length: 002"], "ab"), KEPT),
  row("6.3 (5): two equal fields", with200(["Content-Length: 2", "Content-Length: 2"], "ab"), KEPT),
  row("6.3 (5): equal values in one field", with200(["Content-Length: 2, 2"], "ab"), KEPT),
  row("6.3 (5): two fields", with200(["Content-Length: 2", "Content-Length: 3"], "ab"), "refused"),
  row("6.3 (5): two values", with200(["Content-Length: 2, 3"], "ab"), "refused"),
  ...BAD_LENGTHS.map((value) => {
    const bytes = with200([`Content-Length: ${value}`], "ab");
    return row(`6.3 (5): ${JSON.stringify(value)}`, bytes, "refused", ENDS);
  }),
  row(
    "6.3 (5): past 64 bits",
    with200(["Content-Length: 18446744073709551618"], "ab"),
    "refused",
    ENDS,
  ),
  row("6.3 (6): cut", with200(["Content-Length: 5"], "ab"), "refused", ENDS),
  row("6.3 (8): until the end", with200([], "ab"), CLOSED, ENDS),
  row(
    "6.3 (1): HEAD with a length",
    with200(["Content-Length: 2"], ""),
    "200 , kept",
    { method: "HEAD" },
  ),
  row("6.3 (1): HEAD with a coding", chunks(""), "200 , kept", { method: "HEAD" }),
  row("6.3 (1): HEAD without either", with200([], ""), "200 , kept", { method: "HEAD" }),
  row(
    "6.3 (1): 204 with a length",
    status("HTTP/1.1 204 No", "Content-Length: 2\r\n", ""),
    "204 , kept",
  ),
  row(
    "6.3 (1): 304 with a length",
    status("HTTP/1.1 304 No", "Content-Length: 2\r\n", ""),
    "304 , kept",
  ),
  row(
    "6.3 (1): 204 with a coding",
    status("HTTP/1.1 204 No", "Transfer-Encoding: chunked\r\n", ""),
    "204 , kept",
  ),
  row(
    "6.3 (1): 204 with a body",
    status("HTTP/1.1 204 No", "Content-Length: 2\r\n", "ab"),
    "204 , closed",
  ),
  row("6.3 (1): HEAD with a body", sized(), "200 , closed", { method: "HEAD" }),
  row("9.2: bytes behind a length", `${sized()}x`, CLOSED),
  row("9.2: a second response", `${sized()}${status("HTTP/1.1 200 OK", undefined, "zz")}`, CLOSED),
];

const BOTH = "2\r\nab\r\n0\r\n\r\n";

const CODINGS: readonly Row[] = [
  row("6.1: chunked", chunks(BOTH), KEPT),
  row("6.1: in any case", with200(["Transfer-Encoding: ChUnKeD"], BOTH), KEPT),
  row("6.1: chunked beats a length", chunks(BOTH, "Content-Length: 5"), CLOSED),
  row(
    "6.1: and one behind it",
    with200(["Transfer-Encoding: chunked", "Content-Length: 5"], BOTH),
    CLOSED,
  ),
  row("6.1: twice", with200(["Transfer-Encoding: chunked, chunked"], BOTH), "refused", ENDS),
  row("6.1: in two fields", chunks(BOTH, "Transfer-Encoding: chunked"), "refused", ENDS),
  row("6.1: an empty element", with200(["Transfer-Encoding: ,chunked"], BOTH), KEPT, {
    differs: { outcome: "refused", reason: "a coding that is not exactly `chunked` is refused" },
  }),
  row("6.1: unknown", with200(["Transfer-Encoding: x"], "ab"), "refused", ENDS),
  row(
    "6.1: unknown and chunked",
    with200(["Transfer-Encoding: x, chunked"], BOTH),
    "refused",
    ENDS,
  ),
  row(
    "6.1: chunked is not the last",
    with200(["Transfer-Encoding: chunked, x"], BOTH),
    "refused",
    ENDS,
  ),
  row("6.1: with parameters", with200(["Transfer-Encoding: chunked;q=1"], BOTH), "refused", ENDS),
  row("6.1: like chunked", with200(["Transfer-Encoding: xchunked"], BOTH), "refused", ENDS),
  row("6.1: quoted", with200(['Transfer-Encoding: "chunked"'], BOTH), "refused", ENDS),
  row(
    "6.1: a vertical tab in front",
    with200(["Transfer-Encoding: \x0bchunked"], BOTH),
    "refused",
    ENDS,
  ),
  row(
    "6.1: in HTTP/1.0",
    status("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n", BOTH),
    CLOSED,
    ENDS,
  ),
];

const BAD_SIZES = ["+2", "-2", "0x2", "2x", "2_", " 2", "", "\t2", "g", "2\r", "2\0", "2;\0"];

const CHUNKS: readonly Row[] = [
  row("7.1: several", chunks("1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), KEPT),
  row(
    "7.1: sizes in either case",
    chunks("A\r\n0123456789\r\nb\r\n0123456789x\r\n0\r\n\r\n"),
    "200 01234567890123456789x, kept",
  ),
  row("7.1: leading zeros", chunks("0002\r\nab\r\n000\r\n\r\n"), KEPT),
  row("7.1.1: an extension", chunks("2;x\r\nab\r\n0\r\n\r\n"), KEPT),
  row("7.1.1: one with a value", chunks("2;x=y\r\nab\r\n0;z\r\n\r\n"), KEPT),
  row("7.1.1: one with a quoted value", chunks('2;x="a;b"\r\nab\r\n0\r\n\r\n'), KEPT),
  row("7.1.1: blanks in front", chunks("2 ;x\r\nab\r\n0\r\n\r\n"), KEPT),
  row("7.1.1: endless", chunks(`2;${"x".repeat(1_000_000)}\r\nab\r\n0\r\n\r\n`), "refused"),
  row("7.1.2: trailers", chunks("2\r\nab\r\n0\r\nX: y\r\nZ: z\r\n\r\n"), KEPT),
  row("7.1.2: trailers of framing", chunks("2\r\nab\r\n0\r\nContent-Length: 9\r\n\r\n"), KEPT),
  row(
    "7.1.2: a malformed trailer",
    chunks("2\r\nab\r\n0\r\nnonsense\r\n\r\n"),
    "refused",
    PASSED_OVER,
  ),
  ...BAD_SIZES.map((size) => {
    const bytes = chunks(`${size}\r\nab\r\n0\r\n\r\n`);
    return row(`7.1: a size ${JSON.stringify(size)}`, bytes, "refused", ENDS);
  }),
  row("7.1: a size of 17 digits", chunks("10000000000000002\r\nab\r\n0\r\n\r\n"), "refused", ENDS),
  row("7.1: a size of 64 bits", chunks("ffffffffffffffff\r\nab\r\n0\r\n\r\n"), "refused", ENDS),
  row("7.1: more data than said", chunks("1\r\nab\r\n0\r\n\r\n"), "refused", ENDS),
  row("7.1: no line end after data", chunks("2\r\nab0\r\n\r\n"), "refused", ENDS),
  row("7.1: LF after data", chunks("2\r\nab\n0\r\n\r\n"), "refused", ENDS),
  row("7.1: two bytes that are no line end", chunks("2\r\nabXX0\r\n\r\n"), "refused", ENDS),
  row("7.1: LF after a size", chunks("2\nab\r\n0\r\n\r\n"), "refused", ENDS),
  row("8: cut in a size", chunks("2"), "refused", ENDS),
  row("8: cut in the data", chunks("5\r\nab"), "refused", ENDS),
  row("8: cut behind the data", chunks("2\r\nab"), "refused", ENDS),
  row("8: no last chunk", chunks("2\r\nab\r\n"), "refused", ENDS),
  row("8: cut in the trailers", chunks("2\r\nab\r\n0\r\nX: y\r\n"), "refused", ENDS),
  row("8: cut before the empty line", chunks("2\r\nab\r\n0\r\n"), "refused", ENDS),
];

const CONNECTIONS: readonly Row[] = [
  row("9.3: kept by default", sized(), KEPT),
  row("9.3: close", sized("Connection: close"), CLOSED, ENDS),
  row("9.3: close, but left open", sized("Connection: close"), CLOSED),
  row("9.3: close in any case, in a list", sized("Connection: x, Close"), CLOSED),
  row("9.3: close in a second field", sized("Connection: x", "Connection: close"), CLOSED),
  row("9.3: HTTP/1.0", status("HTTP/1.0 200 OK"), CLOSED),
  row(
    "9.3: HTTP/1.0 keep-alive",
    status("HTTP/1.0 200 OK", "Connection: keep-alive\r\nContent-Length: 2\r\n"),
    KEPT,
  ),
  row("9.3: close and keep-alive", sized("Connection: keep-alive, close"), CLOSED),
  row("RFC 9110 15.2: 100 unasked", `HTTP/1.1 100 Continue\r\n\r\n${sized()}`, KEPT),
  row("RFC 9110 15.2: several", `${"HTTP/1.1 102 Wait\r\nX: y\r\n\r\n".repeat(5)}${sized()}`, KEPT),
  row("RFC 9110 15.2: unknown", `HTTP/1.1 199 What\r\n\r\n${sized()}`, KEPT),
  row(
    "RFC 9110 15.2: an interim response has no body",
    `HTTP/1.1 103 Hints\r\nContent-Length: 2\r\n\r\n${sized()}`,
    KEPT,
  ),
  row("RFC 9110 15.2: no final one", "HTTP/1.1 100 Continue\r\n\r\n", "refused", ENDS),
  row(
    "RFC 9110 15.2.2: 101 unasked",
    "HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "refused",
    ENDS,
  ),
];

export const ROWS: readonly Row[] = [
  ...STATUS_LINES,
  ...FIELDS,
  ...LENGTHS,
  ...CODINGS,
  ...CHUNKS,
  ...CONNECTIONS,
];

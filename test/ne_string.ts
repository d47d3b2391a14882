// Strings and string buffers; rows without a remark of their own were compared with neon.
import t from "tap";
import {
  NE_ASC2HEX,
  NE_HASH_COLON,
  NE_HASH_MD5,
  NE_HASH_SHA1,
  NE_HASH_SHA256,
  NE_HASH_SHA512,
  NE_HASH_SHA512_256,
  NE_HASH_SPACE,
  NE_HEX2ASC,
  ne_base64,
  ne_buffer,
  ne_buffer_altered,
  ne_buffer_append,
  ne_buffer_clear,
  ne_buffer_concat,
  ne_buffer_create,
  ne_buffer_czappend,
  ne_buffer_destroy,
  ne_buffer_finish,
  ne_buffer_grow,
  ne_buffer_ncreate,
  ne_buffer_qappend,
  ne_buffer_size,
  ne_buffer_snprintf,
  ne_buffer_zappend,
  ne_concat,
  ne_mknonce,
  ne_qtoken,
  ne_shave,
  ne_snprintf,
  ne_strcasecmp,
  ne_strclean,
  ne_strerror,
  ne_strhash,
  ne_strhextoul,
  ne_strlower,
  ne_strncasecmp,
  ne_strnqdup,
  ne_strnzcpy,
  ne_strparam,
  ne_strupper,
  ne_token,
  ne_tolower,
  ne_tolower_array,
  ne_unbase64,
  ne_vsnprintf,
  ne_vstrhash,
} from "../lib/ne_string.js";
import type { ne_out } from "../lib/ne_defs.js";

const latin1 = (text: string) => Buffer.from(text, "latin1");

const TOKENS: readonly [text: string, token: string, rest: string | null][] = [
  ["a,b", "a", "b"],
  ["a", "a", null],
  ["a,", "a", ""], // a separator at the end leaves an empty token
  [",a", "", "a"],
  ["", "", null],
];

t.test("token1", async (t) => {
  for (const [text, token, rest] of TOKENS) {
    const str: ne_out<string | null> = { value: text };
    t.equal(ne_token(str, ","), token, text);
    t.equal(str.value, rest, text);
  }
  const end: ne_out<string | null> = { value: null };
  t.throws(
    () => ne_token(end, ","),
    new TypeError("ne_token: str.value must be a string, not null"),
  );
  t.throws(
    () => ne_token({ value: "a" }, ",;"),
    new TypeError("ne_token: sep must be one character"),
  );
});

const QUOTED: readonly [text: string, token: string | null, rest: string | null][] = [
  [`a"x,y",b`, `a"x,y"`, "b"],
  [`a'b,c'd,e`, `a'b,c'd`, "e"],
  [`"it's",b`, `"it's"`, "b"], // the other quote is text
  [`''`, `''`, null],
  [`"abc`, null, `"abc`], // never closed: the cursor stays
  [`a,'b`, "a", "'b"],
  [`a',b`, null, `a',b`],
];

t.test("qtoken", async (t) => {
  for (const [text, token, rest] of QUOTED) {
    const str: ne_out<string | null> = { value: text };
    t.equal(ne_qtoken(str, ",", `"'`), token, text);
    t.equal(str.value, rest, text);
  }
});

t.test("shave", async (t) => {
  t.equal(ne_shave("  b c ", " "), "b c");
  t.equal(ne_shave("\t b\r\n", " \t\r\n"), "b");
  t.equal(ne_shave("   ", " "), "");
  t.equal(ne_shave("", " "), "");
  t.equal(ne_shave("abcba", "ba"), "c");
  t.equal(ne_shave("x", ""), "x");
});

t.test("strclean", async (t) => {
  t.equal(ne_strclean("a\tb\r\n\x1b[2J~\x7f\x80\u00e9\u2028"), "a b   [2J~    ");
});

t.test("base64", async (t) => {
  t.equal(ne_base64(Buffer.from("foobar")), "Zm9vYmFy");
  t.equal(ne_base64(Uint8Array.of(255)), "/w==");
  t.equal(ne_base64(new Uint8Array(0)), "");
});

const BASE64: readonly [text: string, bytes: string | null][] = [
  ["Zm9vYmFy", "foobar"],
  ["Zm8=", "fo"],
  ["Zg==", "f"],
  ["Zh==", "f"], // bits left over are not looked at
  ["Zg==Zg==", "ff"], // every group may be padded
  ["AAA=AAAA", "\0\0\0\0\0"],
  ["+/8=", "\xfb\xff"],
  ["", null],
  ["Zg", null], // padding is required
  ["Zg=", null],
  ["Z===", null],
  ["====", null],
  ["A=A=", null],
  ["AA=A", null],
  ["Zm9v ", null],
  ["Zm\n9vYm", null],
  ["Zm9-", null], // not the URL alphabet
  ["Zm9\u0141", null],
];

t.test("unbase64", async (t) => {
  for (const [text, bytes] of BASE64) {
    const out: ne_out<Buffer | null> = { value: null };
    t.equal(ne_unbase64(text, out), bytes === null ? 0 : bytes.length, text);
    t.same(out.value, bytes === null ? null : latin1(bytes), text);
  }
});

t.test("buffer: lengths as in C", async (t) => {
  const buf = ne_buffer_create();
  t.same([buf.data, buf.used, buf.length], ["", 1, 512]);
  ne_buffer_zappend(buf, "x".repeat(511));
  t.same([buf.used, buf.length], [512, 512], "full");
  ne_buffer_zappend(buf, "x");
  t.same([buf.used, buf.length], [513, 1024]);
  ne_buffer_grow(buf, 1024);
  t.equal(buf.length, 1024);
  ne_buffer_grow(buf, 1025);
  t.equal(buf.length, 1536);
  ne_buffer_grow(buf, 1);
  t.equal(buf.length, 1536, "only grows");
  ne_buffer_clear(buf);
  t.same([buf.data, buf.used, buf.length, ne_buffer_size(buf)], ["", 1, 1536, 0]);
  t.equal(ne_buffer_ncreate(1).length, 1);
});

t.test("buffer: a multiple of 512 grows past itself", async (t) => {
  const buf = ne_buffer_ncreate(100);
  ne_buffer_append(buf, "x".repeat(511));
  t.equal(buf.length, 1024, "512 characters with the end mark ask for more than 512");
});

t.test("buffer: appending", async (t) => {
  const buf = ne_buffer_create();
  ne_buffer_concat(buf, "a", "b", null);
  ne_buffer_concat(buf);
  ne_buffer_czappend(buf, "c");
  ne_buffer_append(buf, latin1("\xe9"));
  ne_buffer_qappend(buf, latin1("\0 \xff\\~"));
  t.equal(ne_buffer_snprintf(buf, 4, "%d", 12345), 3, "max counts the end mark");
  t.equal(ne_buffer_snprintf(buf, 1, "%d", 12345), 0);
  t.equal(buf.data, "abc\u00e9\\x00 \\xff\\~123");
  t.equal(buf.used, buf.data.length + 1);
  t.equal(ne_buffer_finish(buf), "abc\u00e9\\x00 \\xff\\~123");
});

t.test("buffer: snprintf reserves what it may need", async (t) => {
  const buf = ne_buffer_create();
  ne_buffer_snprintf(buf, 600, "short");
  t.same([buf.used, buf.length], [6, 1024]);
  const full = ne_buffer_create();
  ne_buffer_snprintf(full, 511, "short");
  t.same([full.used, full.length], [6, 512]);
  const over = ne_buffer_create();
  ne_buffer_snprintf(over, 512, "short");
  t.same([over.used, over.length], [6, 1024], "the end mark is counted twice, as in C");
});

t.test("buffer: altered", async (t) => {
  const buf = ne_buffer_create();
  buf.data = "abc\0def";
  ne_buffer_altered(buf);
  t.same([buf.data, buf.used], ["abc", 4]);
  ne_buffer_zappend(buf, "d");
  t.equal(buf.data, "abcd");
});

t.test("buffer: ten thousand appends", async (t) => {
  const buf = ne_buffer_create();
  for (let i = 0; i < 10000; i++) ne_buffer_zappend(buf, "0123456789");
  t.equal(ne_buffer_size(buf), 100000);
});

t.test("buffer: mistakes of the caller", async (t) => {
  const make = ne_buffer as unknown as new () => ne_buffer;
  t.throws(() => new make(), new TypeError("ne_buffer: use ne_buffer_create to make one"));
  const buf = ne_buffer_create();
  t.throws(() => ne_buffer_snprintf(buf, 0, "x"), /ne_buffer_snprintf: max must be at least 1/);
  t.throws(() => ne_buffer_ncreate(0), /ne_buffer_ncreate: size must be at least 1/);
  t.throws(() => ne_buffer_concat(buf, null, "a"), /ne_buffer_concat: every argument must be/);
  t.throws(() => ne_buffer_grow(buf, -1), /ne_buffer_grow: a negative size/);
  t.throws(() => ne_buffer_zappend({ ...buf } as ne_buffer, "x"), /expected an ne_buffer/);
  ne_buffer_destroy(buf);
  t.throws(
    () => ne_buffer_zappend(buf, "x"),
    new TypeError("ne_buffer_zappend: the ne_buffer was destroyed already"),
  );
  t.throws(() => ne_buffer_destroy(buf), /ne_buffer_destroy: the ne_buffer was destroyed already/);
});

t.test("strerror", async (t) => {
  t.equal(ne_strerror(111), "Connection refused");
  t.equal(ne_strerror(41), "Unknown error 41");
  t.equal(ne_strerror(-1), "Unknown error -1");
  t.throws(() => ne_strerror(NaN), new TypeError("ne_strerror: errnum must be an integer"));
});

t.test("strnzcpy, strnqdup, concat", async (t) => {
  const dest = { value: "" };
  ne_strnzcpy(dest, "abcdef", 4);
  t.equal(dest.value, "abc");
  ne_strnzcpy(dest, "ab", 4);
  t.equal(dest.value, "ab");
  t.equal(ne_strnqdup(latin1("a\n\x7f\xe9\"\\")), "a\\x0a\\x7f\\xe9\"\\");
  t.equal(ne_concat("a", "b", "", "c", null), "abc");
  t.equal(ne_concat("a"), "a");
  t.throws(() => ne_concat("a", null, "b"), /ne_concat: every argument must be a string/);
});

const HASHES: readonly [flags: number, sum: string | null][] = [
  [NE_HASH_MD5, "900150983cd24fb0d6963f7d28e17f72"],
  [NE_HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [NE_HASH_SHA512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"],
  [NE_HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"],
  [NE_HASH_MD5 | NE_HASH_COLON, "90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72"],
  [NE_HASH_MD5 | NE_HASH_SPACE, "90 01 50 98 3c d2 4f b0 d6 96 3f 7d 28 e1 7f 72"],
  // colons beat spaces
  [NE_HASH_MD5 | NE_HASH_COLON | NE_HASH_SPACE, "90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72"],
  [0x11, "900150983cd24fb0d6963f7d28e17f72"], // only the low four bits count
  [0, null],
  [6, null],
  [0x10, null],
];

t.test("strhash", async (t) => {
  for (const [flags, sum] of HASHES) {
    t.equal(ne_strhash(flags, "a", "bc", null), sum, flags.toString(16));
    t.equal(ne_vstrhash(flags, ["ab", "c"]), sum, flags.toString(16));
  }
  t.equal(ne_strhash(NE_HASH_SHA512, "abc")?.slice(0, 16), "ddaf35a193617aba");
  t.equal(ne_strhash(NE_HASH_MD5), "d41d8cd98f00b204e9800998ecf8427e");
  t.equal(ne_strhash(NE_HASH_MD5, "\u00e9"), "66ddcd97cfdeabb2f6fb8a999b4bc76f", "UTF-8");
  t.throws(() => ne_strhash(NE_HASH_MD5, null, "a"), /ne_strhash: every argument must be a string/);
});

t.test("mknonce", async (t) => {
  const nonce = Buffer.alloc(256);
  t.equal(ne_mknonce(nonce, 0), 0);
  t.ok(nonce.some((byte) => byte !== 0));
  t.throws(() => ne_mknonce(Buffer.alloc(0), 0), /ne_mknonce: nonce must have 1 bytes/);
  t.throws(() => ne_mknonce(Buffer.alloc(257), 0), /ne_mknonce: nonce must have at most 256/);
  t.throws(() => ne_mknonce(nonce, 1), /ne_mknonce: flags must be 0/);
});

t.test("snprintf", async (t) => {
  const str = { value: "" };
  t.equal(ne_snprintf(str, 5, "%s=%d", "ab", 123), 4, "what was stored, not what was wanted");
  t.equal(str.value, "ab=1");
  t.equal(ne_vsnprintf(str, 10, "%s", [null]), 6);
  t.equal(str.value, "(null)");
  t.equal(ne_snprintf(str, 1, "abc"), 0);
  t.throws(() => ne_snprintf(str, 0, "abc"), /ne_snprintf: size must be at least 1/);
  t.throws(() => ne_vsnprintf(str, 9, "%n", [1]), /ne_vsnprintf: unknown conversion %n/);
});

const COMPARED: readonly [s1: string, s2: string, difference: number][] = [
  ["abc", "ABC", 0],
  ["a", "B", -1],
  ["abc", "abcd", -100],
  ["", "a", -97],
  ["[", "a", -6], // letters count as lower case
  ["A", "_", 2],
  ["\u00e9", "\u00c9", 32], // ASCII letters only
];

t.test("strcasecmp, strncasecmp", async (t) => {
  for (const [s1, s2, difference] of COMPARED) {
    t.equal(ne_strcasecmp(s1, s2), difference, `${s1} ${s2}`);
    t.equal(ne_strcasecmp(s2, s1), difference === 0 ? 0 : -difference, `${s2} ${s1}`);
    t.equal(ne_strncasecmp(s1, s2, 9), difference, `${s1} ${s2}`);
  }
  t.equal(ne_strncasecmp("abc", "abd", 2), 0);
  t.equal(ne_strncasecmp("abc", "abd", 3), -1);
  t.equal(ne_strncasecmp("a", "b", 0), 0);
});

t.test("case", async (t) => {
  t.equal(ne_tolower(0x41), 0x61);
  t.equal(ne_tolower("Z"), "z");
  t.equal(ne_tolower("\u00c9"), "\u00c9");
  t.throws(() => ne_tolower("ab"), new TypeError("ne_tolower: c must be one character"));
  t.equal(ne_tolower_array().length, 256);
  t.equal(ne_tolower_array()[0xc9], 0xc9);
  t.equal(ne_strlower("aBC\u00c9\u0130"), "abc\u00c9\u0130");
  t.equal(ne_strupper("aBc\u00e9\u00df"), "ABC\u00e9\u00df");
});

t.test("hex digits", async (t) => {
  t.same([..."09afAF"].map(NE_ASC2HEX), [0, 9, 10, 15, 10, 15]);
  t.equal(NE_ASC2HEX(0x66), 15);
  t.equal(NE_ASC2HEX("G"), 16, "meaningless, but as in C");
  t.same([0, 9, 10, 15].map(NE_HEX2ASC), ["0", "9", "a", "f"]);
});

type Param = [charset: string, lang: string | null, value: string, text: string | null];

const PARAMS: readonly Param[] = [
  ["UTF-8", null, "abc!#$&+-.^_|~`", null], // nothing to encode
  ["UTF-8", null, "", null],
  ["UTF-8", null, "a b", "UTF-8''a%20b"],
  ["UTF-8", "en", "\u00e9", "UTF-8'en'%c3%a9"],
  ["ISO-8859-1", null, "\u00e9", "ISO-8859-1''%e9"],
  ["UTF-8", null, `%'*"\\/`, "UTF-8''%25%27%2a%22%5c%2f"],
];

t.test("strparam", async (t) => {
  for (const [charset, lang, value, text] of PARAMS) {
    t.equal(ne_strparam(charset, lang, value), text, value);
  }
  t.throws(() => ne_strparam("UTF-16", null, "a"), /ne_strparam: charset must be UTF-8 or/);
  t.throws(() => ne_strparam("ISO-8859-1", null, "\u0141"), /character outside ISO-8859-1/);
});

const NUMBERS: readonly [text: string, value: number, rest: string][] = [
  ["1f", 31, ""],
  ["00FFzz", 255, "zz"],
  ["1fffffffffffff", 2 ** 53 - 1, ""],
  ["20000000000000", -1, ""], // not a safe integer
  ["G1", 0, "G1"], // taken for a digit at first, as in C
  ["Z", 0, "Z"],
  ["g1", -1, "g1"],
  ["", -1, ""],
  [" 1", -1, " 1"],
  ["+1", -1, "+1"],
  ["-1", -1, "-1"],
  ["0x10", -1, "0x10"],
  ["0X10", -1, "0X10"],
  ["0", 0, ""],
];

t.test("strhextoul", async (t) => {
  for (const [text, value, rest] of NUMBERS) {
    const endptr = { value: "?" };
    t.equal(ne_strhextoul(text, endptr), value, text);
    t.equal(endptr.value, rest, text);
    t.equal(ne_strhextoul(text), value, text);
  }
});

t.test("a string must be a string", async (t) => {
  const nothing = null as unknown as string;
  const calls: readonly [name: string, call: () => unknown][] = [
    ["ne_qtoken", () => ne_qtoken({ value: nothing }, ",", "'")],
    ["ne_shave", () => ne_shave(nothing, " ")],
    ["ne_strclean", () => ne_strclean(nothing)],
    ["ne_unbase64", () => ne_unbase64(nothing, { value: null })],
    ["ne_strcasecmp", () => ne_strcasecmp("a", nothing)],
    ["ne_strncasecmp", () => ne_strncasecmp(nothing, "a", 1)],
    ["ne_strlower", () => ne_strlower(nothing)],
    ["ne_strupper", () => ne_strupper(nothing)],
    ["ne_strhextoul", () => ne_strhextoul(nothing)],
    ["ne_strparam", () => ne_strparam("UTF-8", null, nothing)],
    ["ne_concat", () => ne_concat(nothing)],
    ["ne_strnzcpy", () => ne_strnzcpy({ value: "" }, nothing, 1)],
    ["ne_base64", () => ne_base64(nothing as unknown as Uint8Array)],
    ["ne_tolower", () => ne_tolower(nothing)],
  ];
  for (const [name, call] of calls) {
    t.throws(call, { name: "TypeError", message: new RegExp(`^${name}: `) }, name);
  }
});

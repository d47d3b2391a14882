// Reads the fields that hold challenges (WWW-Authenticate, Proxy-Authenticate) and the parameter
// lists of Authentication-Info. Every neon quirk that a peer may rest on is kept: a scheme name
// ends at a blank, a comma or "=", so that a tab belongs to it, and a leading comma too; of
// duplicate parameters the last wins; in a challenge several qop add up and single quotes are
// quotes around a value; what follows a value up to the next comma is skipped. Blanks around "="
// and backslash escapes are as in RFC 9110, 5.6.3 and 5.6.4.

/** One challenge. */
export interface Challenge {
  /** The scheme's name as it was sent. */
  readonly scheme: string;
  /** What followed the name of a scheme that takes a bare token (RFC 9110: token68). */
  readonly token: string | null;
  /** Parameters, names in lower case. */
  readonly params: ReadonlyMap<string, string>;
}

const EITHER = /["']/;
const DOUBLE = /"/;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t,]|$)/y;

/**
 * Splits a field value into challenges. Takes time in proportion to its length.
 * @param takesToken whether a bare token may follow this scheme's name
 */
export function parseChallenges(
  field: string,
  takesToken: (scheme: string) => boolean,
): Challenge[] {
  const challenges: Challenge[] = [];
  let params: Map<string, string> | null = null;
  let at = skipBlanks(field, 0);
  // a parameter without a name ends it all
  while (at < field.length && field[at] !== "=") {
    const word = takeWord(field, at);
    at = word.end;
    // a first word with blanks after it can only be a scheme
    const equals = params === null ? at : skipBlanks(field, at);
    if (field[equals] === "=") {
      const value = takeValue(field, equals + 1, EITHER);
      // a parameter before any scheme belongs to nothing
      if (params !== null) addParam(params, word.text, value.text);
      at = value.end;
    } else {
      let token: string | null = null;
      if (field[at] === ",") {
        at++;
      } else if (takesToken(word.text)) {
        TOKEN68.lastIndex = skipBlanks(field, at);
        token = TOKEN68.exec(field)?.[0] ?? null;
        if (token !== null) at = TOKEN68.lastIndex;
        const after = skipBlanks(field, at);
        if (field[after] === ",") at = after + 1;
      }
      params = new Map();
      challenges.push({ scheme: word.text, token, params });
    }
    at = skipBlanks(field, at);
  }
  return challenges;
}

/**
 * Reads a list of parameters alone, up to one without a name. Names, in lower case, are all that
 * stands before the next "=".
 */
export function parseParams(field: string): Map<string, string> {
  const params = new Map<string, string>();
  let at = skipBlanks(field, 0);
  for (;;) {
    const equals = field.indexOf("=", at);
    if (equals <= at) return params;
    const value = takeValue(field, equals + 1, DOUBLE);
    params.set(field.slice(at, equals).trimEnd().toLowerCase(), value.text);
    at = skipBlanks(field, value.end);
  }
}

/** A value as a quoted-string. Characters that would end the field line are left out. */
export function quote(value: string): string {
  return `"${value.replace(/[\r\n\0]/g, "").replace(/["\\]/g, "\\$&")}"`;
}

function addParam(params: Map<string, string>, word: string, value: string): void {
  const name = word.trimEnd().toLowerCase();
  const before = name === "qop" ? params.get(name) : undefined;
  params.set(name, before === undefined ? value : `${before},${value}`);
}

interface Piece {
  readonly text: string;
  /** Where the piece and what separates it from the next one ends. */
  readonly end: number;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at++;
  return at;
}

// The first character always belongs to the word.
function takeWord(text: string, from: number): Piece {
  let at = from + 1;
  while (at < text.length && text[at] !== " " && text[at] !== "," && text[at] !== "=") at++;
  return { text: text.slice(from, at), end: at };
}

// A value, and everything up to and including the next comma outside double quotes.
function takeValue(text: string, from: number, marks: RegExp): Piece {
  const start = skipBlanks(text, from);
  if (text[start] === '"') {
    const quoted = takeQuoted(text, start + 1);
    return { text: quoted.text, end: afterComma(text, quoted.end) };
  }
  let at = start;
  while (at < text.length && text[at] !== ",") {
    if (text[at] === '"') {
      // a quoted part ends the value where it ends
      const close = text.indexOf('"', at + 1);
      const stop = close < 0 ? text.length : close;
      return { text: shave(text.slice(start, stop), marks), end: afterComma(text, stop + 1) };
    }
    at++;
  }
  return { text: shave(text.slice(start, at).trimEnd(), marks), end: at + 1 };
}

// A quoted-string without its quotes, escapes undone; one that is never closed runs to the end.
function takeQuoted(text: string, from: number): Piece {
  let value = "";
  let start = from;
  let at = from;
  for (; at < text.length && text[at] !== '"'; at++) {
    if (text[at] !== "\\" || at + 1 >= text.length) continue;
    value += text.slice(start, at);
    start = ++at;
  }
  return { text: value + text.slice(start, at), end: at + 1 };
}

function shave(value: string, marks: RegExp): string {
  let start = 0;
  let end = value.length;
  while (start < end && marks.test(value.charAt(start))) start++;
  while (end > start && marks.test(value.charAt(end - 1))) end--;
  return value.slice(start, end);
}

function afterComma(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (text[at] === "," && !quoted) return at + 1;
  }
  return text.length;
}

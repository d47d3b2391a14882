// Cuts the prolog and the document type declaration into tokens as expat does. This tells which
// error a malformed declaration is: a token that is malformed, or a token in the wrong place.
import { isNameChar, isNameStart, nameEnd, spaceEnd } from "./chars.js";
import { NOT_WELL_FORMED, XmlFault } from "./references.js";

export const SYNTAX = "syntax error";
export const UNCLOSED = "unclosed token";
export const NO_ELEMENT = "no element found";

const REFERENCE = "illegal parameter entity reference";

/** Where a token ends, or a fault inside it. */
export type Token = number | XmlFault;

/**
 * What is wrong with a declaration: a token that is none, or the one that covers `at`.
 * @param at where it was found that it cannot go on like this; the length of the text if it ends
 *   too early
 */
export function judge(text: string, at: number): XmlFault {
  for (let pos = 0; pos < text.length; ) {
    const end = tokenEnd(text, pos);
    if (typeof end !== "number") return end;
    if (end > at) return new XmlFault(isReference(text, pos, end) ? REFERENCE : SYNTAX, pos);
    pos = end;
  }
  return new XmlFault(NO_ELEMENT, text.length);
}

// Whether a token is a reference to a parameter entity, which has its own words where it is wrong.
function isReference(s: string, pos: number, end: number): boolean {
  return s[pos] === "%" && s[end - 1] === ";";
}

/** Where the token at `pos` ends; at the end of the text it may yet go on. */
export function tokenEnd(s: string, pos: number): Token {
  const blanks = spaceEnd(s, pos);
  if (blanks > pos) return blanks;
  const c = s.charAt(pos);
  switch (c) {
    case '"':
    case "'":
      return literal(s, pos);
    case "<":
      return markup(s, pos);
    case "%":
      return percent(s, pos);
    case ")":
      if (/[?*+]/.test(s[pos + 1] ?? "")) return pos + 2;
      return followed(s, pos + 1, " \t\n,|>)");
    case "#":
      if (pos + 1 >= s.length) return new XmlFault(UNCLOSED, pos);
      if (!startsName(s, pos + 1)) return invalid(pos + 1);
      return followed(s, namesEnd(s, pos + 1), " \t\n)>%|");
  }
  if ("[],(|>".includes(c)) return pos + 1;
  const end = namesEnd(s, pos);
  if (end === pos) return invalid(pos);
  if (/[?*+]/.test(s[end] ?? "")) return end + 1;
  return followed(s, end, " \t\n>),|[%");
}

function startsName(s: string, pos: number): boolean {
  return isNameStart(s.charCodeAt(pos));
}

function namesEnd(s: string, pos: number): number {
  let end = pos;
  while (end < s.length && isNameChar(s.charCodeAt(end))) end++;
  return end;
}

function invalid(at: number): XmlFault {
  return new XmlFault(NOT_WELL_FORMED, at);
}

// The end of a token that only these characters, or the end of the text, may follow.
function followed(s: string, end: number, allowed: string): Token {
  return end >= s.length || allowed.includes(s.charAt(end)) ? end : invalid(end);
}

function literal(s: string, pos: number): Token {
  const end = s.indexOf(s.charAt(pos), pos + 1);
  return end < 0 ? new XmlFault(UNCLOSED, pos) : followed(s, end + 1, " \t\n>%[");
}

// A percent sign, or the reference to a parameter entity.
function percent(s: string, pos: number): Token {
  const start = pos + 1;
  if (start >= s.length) return new XmlFault(UNCLOSED, pos);
  if (" \t\n%".includes(s.charAt(start))) return start;
  const end = nameEnd(s, start);
  if (end === start) return invalid(start);
  if (end >= s.length) return new XmlFault(UNCLOSED, pos);
  return s[end] === ";" ? end + 1 : invalid(end);
}

function markup(s: string, pos: number): Token {
  if (s.startsWith("<!--", pos)) return comment(s, pos);
  if (s.startsWith("<![", pos)) return pos + 3;
  if (s.startsWith("<?", pos)) return instruction(s, pos);
  const isDeclaration = s[pos + 1] === "!";
  const start = isDeclaration ? pos + 2 : pos + 1;
  if (start >= s.length || s.startsWith("<!-", pos)) {
    return start + 1 >= s.length ? new XmlFault(UNCLOSED, pos) : invalid(start + 1);
  }
  if (!startsName(s, start)) return invalid(start);
  if (!isDeclaration) return start;
  let end = start;
  while (end < s.length && startsName(s, end)) end++;
  return end >= s.length ? new XmlFault(UNCLOSED, pos) : followed(s, end, " \t\n%");
}

function comment(s: string, pos: number): Token {
  const end = s.indexOf("--", pos + 4);
  if (end < 0 || end + 2 >= s.length) return new XmlFault(UNCLOSED, pos);
  return s[end + 2] === ">" ? end + 3 : invalid(end + 2);
}

function instruction(s: string, pos: number): Token {
  const target = nameEnd(s, pos + 2);
  const end = s.indexOf("?>", target);
  if (target === pos + 2 && target < s.length) return invalid(target);
  if (target < s.length && !/[ \t\n?]/.test(s.charAt(target))) return invalid(target);
  return end < 0 ? new XmlFault(UNCLOSED, pos) : end + 2;
}

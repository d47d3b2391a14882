// Character classes of XML 1.0 (fifth edition): names and white space. ASCII by table, the rest by
// the ranges of productions 4 and 4a, worked on UTF-16 code units.

/** May begin a name. */
const NAME_START = 1;
/** May go on in a name. */
export const NAME = 2;
/** White space; line ends were normalised before, so there is no CR. */
const SPACE = 4;

/** The classes of U+0000 to U+007F. */
export const ASCII_CLASS = new Uint8Array(128);

for (let c = 0; c < 128; c++) {
  const char = String.fromCharCode(c);
  if (/[A-Za-z_:]/.test(char)) ASCII_CLASS[c] = NAME_START | NAME;
  else if (/[-.0-9]/.test(char)) ASCII_CLASS[c] = NAME;
  else if (/[ \t\n\r]/.test(char)) ASCII_CLASS[c] = SPACE;
}

/** Whether the code unit is white space. */
export function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x09 || c === 0x0d;
}

// Surrogate pairs: U+10000 to U+EFFFF are name characters, that is high surrogates D800 to DB7F.
function isHighOfName(c: number): boolean {
  return c >= 0xd800 && c <= 0xdb7f;
}

function isStartAboveAscii(c: number): boolean {
  return (
    (c >= 0xc0 && c <= 0x2ff && c !== 0xd7 && c !== 0xf7) ||
    (c >= 0x370 && c <= 0x1fff && c !== 0x37e) ||
    c === 0x200c ||
    c === 0x200d ||
    (c >= 0x2070 && c <= 0x218f) ||
    (c >= 0x2c00 && c <= 0x2fef) ||
    (c >= 0x3001 && c <= 0xd7ff) ||
    isHighOfName(c) ||
    (c >= 0xf900 && c <= 0xfdcf) ||
    (c >= 0xfdf0 && c <= 0xfffd)
  );
}

/** Whether the code unit may begin a name. A high surrogate stands for its pair. */
export function isNameStart(c: number): boolean {
  return c < 128 ? ((ASCII_CLASS[c] ?? 0) & NAME_START) !== 0 : isStartAboveAscii(c);
}

/** Whether the code unit may go on in a name; text never holds a lone surrogate. */
export function isNameChar(c: number): boolean {
  if (c < 128) return ((ASCII_CLASS[c] ?? 0) & NAME) !== 0;
  return (
    isStartAboveAscii(c) ||
    c === 0xb7 ||
    (c >= 0x300 && c <= 0x36f) ||
    c === 0x203f ||
    c === 0x2040 ||
    // the low half, whose high half was judged just before it
    (c >= 0xdc00 && c <= 0xdfff)
  );
}

/** Where the name that begins at `pos` ends; `pos` itself if none begins there. */
export function nameEnd(s: string, pos: number, limit = s.length): number {
  if (pos >= limit || !isNameStart(s.charCodeAt(pos))) return pos;
  let i = pos + 1;
  while (i < limit && isNameChar(s.charCodeAt(i))) i++;
  return i;
}

/** Where the white space that begins at `pos` ends. */
export function spaceEnd(s: string, pos: number, limit = s.length): number {
  let i = pos;
  while (i < limit && isSpace(s.charCodeAt(i))) i++;
  return i;
}

/** Whether a character reference may name this code point (production 2). */
export function isXmlChar(code: number): boolean {
  return (
    (code >= 0x20 && code <= 0xd7ff) ||
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  );
}

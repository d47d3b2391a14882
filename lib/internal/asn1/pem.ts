// PEM blocks (RFC 7468) with the leniency and the strictness of OpenSSL's reader: blocks of other
// kinds are passed over, but a malformed one before the wanted one ends the search.

/** One block: its label, the header lines (RFC 1421) if it has any, and the bytes. */
export interface PemBlock {
  readonly label: string;
  readonly headers: readonly string[];
  readonly bytes: Buffer;
  /** The block as it stood, for readers of encrypted keys. */
  readonly text: string;
}

/** More is no certificate file. */
const MAX_BLOCKS = 10000;

const BEGIN = "-----BEGIN ";
const DASHES = "-----";

/**
 * All blocks from the start of a file up to the first malformed one.
 * @returns the blocks, and whether a malformed one followed
 */
export function readPem(file: Buffer): { blocks: PemBlock[]; malformed: boolean } {
  let text = file.toString("latin1");
  if (text.startsWith("\xef\xbb\xbf")) text = text.slice(3);
  // blanks and control characters at the end of a line do not count
  const lines = text.split("\n").map(trimBlanks);
  const blocks: PemBlock[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (!line.startsWith(BEGIN) || !line.endsWith(DASHES) || line.length < 16) continue;
    const label = line.slice(BEGIN.length, -DASHES.length);
    let end = at + 1;
    while (end < lines.length && !lines[end]?.startsWith(DASHES)) end += 1;
    if (lines[end] !== `-----END ${label}-----` || blocks.length >= MAX_BLOCKS) {
      return { blocks, malformed: true };
    }
    const block = parseBlock(label, lines.slice(at, end + 1));
    if (block === null) return { blocks, malformed: true };
    blocks.push(block);
    at = end;
  }
  return { blocks, malformed: false };
}

function trimBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && line.charCodeAt(end - 1) <= 0x20) end -= 1;
  return line.slice(0, end);
}

function parseBlock(label: string, lines: readonly string[]): PemBlock | null {
  const body = lines.slice(1, -1);
  const blank = body.indexOf("");
  // an empty line ends the header lines; without any it may only come first
  const headers = blank === -1 ? [] : body.slice(0, blank);
  if (headers.length > 0 && !headers[0]?.includes(":")) return null;
  const bytes = decodeBase64(body.slice(blank + 1));
  return bytes === null ? null : { label, headers, bytes, text: `${lines.join("\n")}\n` };
}

function decodeBase64(lines: readonly string[]): Buffer | null {
  if (lines.includes("")) return null;
  const text = lines.join("").replace(/[ \t\r\v\f]/g, "");
  if (text === "" || text.length % 4 !== 0) return null;
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, "base64") : null;
}

/** Writes one block, 64 characters a line. */
export function writePem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** The DER of the first certificate of a PEM file; null if there is none or it is malformed. */
export function firstCertificate(file: Buffer): Buffer | null {
  const block = readPem(file).blocks.find(({ label }) => isCertificateLabel(label));
  return block === undefined || block.headers.length > 0 ? null : block.bytes;
}

/** The DER of all certificates of a PEM file, in order. */
export function allCertificates(file: Buffer): Buffer[] {
  const { blocks } = readPem(file);
  return blocks
    .filter(({ label, headers }) => isCertificateLabel(label) && headers.length === 0)
    .map(({ bytes }) => bytes);
}

const FIRST_LINE = "-----BEGIN CERTIFICATE-----\n";
const LAST_LINE = "\n-----END CERTIFICATE-----";

/** The same for what OpenSSL has written: a block with nothing around it is decoded at once. */
export function writtenCertificates(pem: string): Buffer[] {
  const end = pem.indexOf("-", FIRST_LINE.length) - 1;
  const rest = pem.length - end - LAST_LINE.length;
  const isOne = rest === 0 || (rest === 1 && pem.endsWith("\n"));
  if (!isOne || !pem.startsWith(FIRST_LINE) || !pem.startsWith(LAST_LINE, end)) {
    return allCertificates(Buffer.from(pem));
  }
  return [Buffer.from(pem.slice(FIRST_LINE.length, end), "base64")];
}

/** Whether blocks of this label hold a certificate. */
export function isCertificateLabel(label: string): boolean {
  return label === "CERTIFICATE" || label === "X509 CERTIFICATE";
}

// A form as multipart/form-data (RFC 7578), its names and file names encoded as the HTML standard
// says: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
import { randomBytes } from "node:crypto";

/** A form as it is sent. */
export interface EncodedForm {
  /** Its Content-Type, with the boundary. */
  readonly type: string;
  readonly length: number;
  /** The body; as often as it is wanted. */
  readonly open: () => AsyncGenerator<Uint8Array>;
}

type Piece = Buffer | Blob;

/** Encodes a form as it is now. The files in it are read when they are sent. */
export function encodeForm(form: FormData): EncodedForm {
  const boundary = `----libneon-${randomBytes(16).toString("hex")}`;
  const pieces: Piece[] = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${encodeName(name)}"`;
    if (typeof value === "string") {
      pieces.push(Buffer.from(`${head}\r\n\r\n${normalizeLines(value)}\r\n`));
      continue;
    }
    const type = value.type === "" ? "application/octet-stream" : value.type;
    const file = `; filename="${escapeQuoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`;
    pieces.push(Buffer.from(head + file), value, Buffer.from("\r\n"));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    length: pieces.reduce((sum, piece) => sum + sizeOf(piece), 0),
    open: () => read(pieces),
  };
}

function sizeOf(piece: Piece): number {
  return Buffer.isBuffer(piece) ? piece.length : piece.size;
}

function encodeName(name: string): string {
  return escapeQuoted(normalizeLines(name));
}

function normalizeLines(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

function escapeQuoted(text: string): string {
  return text.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22");
}

async function* read(pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (Buffer.isBuffer(piece)) yield piece;
    else yield* readBlob(piece);
  }
}

/** The bytes of a Blob, block by block. */
export async function* readBlob(blob: Blob): AsyncGenerator<Uint8Array> {
  yield* blob.stream();
}

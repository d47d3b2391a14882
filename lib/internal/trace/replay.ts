// A server that plays a recording back: for each connection a stream that reads requests and writes
// the responses recorded for them.
//
//   head ── fields ──► body ── its end ──► [trailer] ──► answered ──► head
import { Duplex } from "node:stream";
import { latin1Bytes } from "../base/bytes.js";
import { MAX_HEADER_COUNT, MAX_HEADER_FIELD, MAX_LINE } from "../base/constants.js";
import { BodyDecoder, END } from "../http/body_decoder.js";
import { FieldsParser, Malformed, MORE, takeLine, type View } from "../http/head.js";
import { chunkedEnd, chunkStart } from "../http/request_head.js";
import { authorityOf, type Recorded, type RecordedResponse } from "./har_reader.js";
import { askedOf, describeUnknown, isSame, nameOf, type Asked } from "./request_match.js";

/** The recording and how far it was played, for all connections together. */
export class Replay {
  #recording: readonly Recorded[];
  #played = new Set<Recorded>();

  constructor(recording: readonly Recorded[]) {
    this.#recording = recording;
  }

  /** The next response for a request, or what is wrong. */
  next(asked: Asked): RecordedResponse | string {
    const recorded = this.#recording.find((each) => !this.#played.has(each) && isSame(each, asked));
    if (recorded === undefined) return describeUnknown(this.#recording, asked);
    this.#played.add(recorded);
    const { response } = recorded;
    if (response.error !== null) return response.error;
    return response.body === null ? `the answer to ${nameOf(asked)} was not kept whole` : response;
  }

  /** A connection to a server. */
  connect(host: string, port: number): Duplex {
    return new ReplayStream(this, authorityOf(host, port));
  }
}

/** A request whose head has been read. */
interface Incoming {
  method: string;
  target: string;
  decoder: BodyDecoder;
  blocks: Buffer[];
}

const LIMITS = { header_field: MAX_HEADER_FIELD, header_count: MAX_HEADER_COUNT };

class ReplayStream extends Duplex {
  #replay: Replay;
  #authority: string;
  #view: View = { bytes: Buffer.alloc(0), pos: 0, end: 0 };
  #line: string | null = null;
  #fields = newFields();
  #incoming: Incoming | null = null;

  constructor(replay: Replay, authority: string) {
    super();
    this.#replay = replay;
    this.#authority = authority;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const { bytes, pos, end } = this.#view;
    const joined = Buffer.concat([bytes.subarray(pos, end), chunk]);
    this.#view = { bytes: joined, pos: 0, end: joined.length };
    const failed = this.#readRequests();
    done();
    // a reader is told, as it would be of a connection that breaks
    if (failed !== null) this.destroy(new Error(failed));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.push(null);
    done();
  }

  // As many requests as have come. @returns what is wrong
  #readRequests(): string | null {
    for (;;) {
      const incoming = this.#incoming ?? this.#readHead();
      if (incoming === null) return null;
      if (typeof incoming === "string") return incoming;
      this.#incoming = incoming;
      const read = this.#readBody(incoming);
      if (read !== true) return read;
      this.#incoming = null;
      const failed = this.#response(incoming);
      if (failed !== null) return failed;
    }
  }

  #readHead(): Incoming | string | null {
    if (this.#line === null) {
      const line = takeLine(this.#view, Infinity);
      if (line === MORE) return null;
      if (typeof line !== "string") return line.reason;
      this.#line = line;
      this.#fields = newFields();
    }
    const taken = this.#fields.take(this.#view);
    if (taken === MORE) return null;
    if (taken instanceof Malformed) return taken.reason;
    const [method = "", target = ""] = this.#line.split(" ");
    this.#line = null;
    const { fields } = this.#fields;
    const length = Number(fields.value("content-length") ?? 0);
    const chunked = fields.value("transfer-encoding") !== null;
    const framing = chunked ? { kind: "chunked" as const } : { kind: "length" as const, length };
    const decoder = new BodyDecoder(framing, false, MAX_LINE);
    const waits = !decoder.done && fields.value("expect") !== null;
    if (waits) this.push("HTTP/1.1 100 Continue\r\n\r\n");
    this.#fields = newFields();
    return { method, target, decoder, blocks: [] };
  }

  // @returns `true` at its end, `null` where more is to come, or what is wrong
  #readBody({ decoder, blocks }: Incoming): true | string | null {
    for (;;) {
      const taken = decoder.take(this.#view, Infinity);
      if (taken === END) break;
      if (taken === MORE) return null;
      if (taken instanceof Malformed) return taken.reason;
      blocks.push(taken);
    }
    if (decoder.kind !== "chunked") return true;
    const trailer = this.#fields.take(this.#view);
    if (trailer === MORE) return null;
    return trailer instanceof Malformed ? trailer.reason : true;
  }

  #response({ method, target, blocks }: Incoming): string | null {
    this.#fields = newFields();
    const asked = askedOf(method, this.#authority, target, Buffer.concat(blocks));
    const response = this.#replay.next(asked);
    if (typeof response === "string") return response;
    this.push(writeResponse(response, method));
    return null;
  }
}

function newFields(): FieldsParser {
  return new FieldsParser(LIMITS, MAX_HEADER_FIELD, null);
}

// Fields about the connection that was recorded, and the framing on it.
const FRAMING =
  /^(connection|proxy-connection|keep-alive|transfer-encoding|trailer|content-length)$/i;

function writeResponse(response: RecordedResponse, method: string): Buffer {
  const { status, version, coded, trailers } = response;
  const body = response.body ?? Buffer.alloc(0);
  const bodiless = method === "HEAD" || status === 204 || status === 304 || status < 200;
  const kept = response.fields.filter(([name]) => {
    const lower = name.toLowerCase();
    // the length of a body that does not come is told as it was
    if (bodiless) return lower !== "transfer-encoding";
    return !FRAMING.test(name) && (coded || lower !== "content-encoding");
  });
  const reason = response.reason.replace(/[^\x20-\x7e\x80-\xff]/g, "?");
  const lines = kept.map(([name, value]) => `${name}: ${value}`);
  const head = [`${version} ${status} ${reason}`, ...lines];
  if (bodiless) return latin1Bytes(`${head.join("\r\n")}\r\n\r\n`);
  if (trailers.length === 0 || version === "HTTP/1.0") {
    head.push(`Content-Length: ${body.length}`);
    return Buffer.concat([latin1Bytes(`${head.join("\r\n")}\r\n\r\n`), body]);
  }
  head.push("Transfer-Encoding: chunked");
  const size = body.length === 0 ? "" : chunkStart(body.length, true);
  const fields = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const start = latin1Bytes(`${head.join("\r\n")}\r\n\r\n${size}`);
  return Buffer.concat([start, body, latin1Bytes(chunkedEnd(body.length === 0, fields))]);
}

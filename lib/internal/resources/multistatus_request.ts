// One request whose response is a multistatus, and its resources as they arrive. A block of the
// response is read slice by slice, each when the loop that takes the resources comes for it. What a
// slice holds is one batch, and the connection is not read on until the block is used up:
//
//   loop ◄── batch ── collector ◄── response ── reader ◄── slice ◄── block ◄── connection
//
// While it waits for the loop, other requests of the session go on beside it.
import { printable } from "../base/bytes.js";
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { Stretch } from "../base/event_turn.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { isXmlType, parseContentType } from "../http/content_type.js";
import { limitsOf } from "../session/session.js";
import { newRequest } from "../session/create_request.js";
import { requests } from "../session/request.js";
import { ne_decompress_destroy, ne_decompress_reader } from "../../ne_compress.js";
import {
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
} from "../../ne_request.js";
import { failResponse, reportUnreadable } from "../session/failed_response.js";
import { ne_set_error } from "../../ne_session.js";
import type { ne_status } from "../../ne_utils.js";
import { NE_XML_MEDIA_TYPE } from "../../ne_xml.js";
import { nx_request_abort, nx_response_fields, nx_set_request_signal } from "../../nx_session.js";
import type { Supply } from "./batches.js";
import { failure, isAbort, requestFailure, statusOf } from "./failed_request.js";
import { MultistatusReader } from "./multistatus_reader.js";
import type { Response } from "./response_element.js";
import type { nx_resource } from "./resource.js";

/** A request to send. */
export interface BoundSpec {
  readonly sess: ne_session;
  readonly method: string;
  readonly path: string;
  /** Depth, `null` for none. */
  readonly depth: 0 | 1 | "infinity" | null;
  readonly body: string;
  readonly signal: AbortSignal | null;
  /** The public function, for mistakes. */
  readonly caller: string;
  /** What an error begins with. */
  readonly context?: string;
  /** Called with the request before it is sent. */
  readonly prepare?: (req: ne_request) => void;
  /** A success needs no document (PROPPATCH). */
  readonly isPlain?: boolean;
}

/** Makes resources of a response, or none. Throws to end the request with a failure. */
export type Collect = (response: Response, batch: nx_resource[]) => void;

/** Bytes of a property's value, where the session's limits say nothing. */
const MAX_PROPERTY_BYTES = 1 << 24;
/** Bytes that may come without any new resource; a longer response has no end. */
const MAX_IDLE_BYTES = 1 << 26;
/**
 * Bytes that are read into one batch: what is alive at a time keeps V8's young generation small.
 */
const SLICE_BYTES = 1 << 12;
/** Bytes of a failure's body that are looked at. */
const MAX_ERROR_BYTES = 1 << 16;

const NO_BYTES: Buffer = Buffer.alloc(0);

/** Ends the reading of a block: with a code, or what was thrown. */
interface Reading {
  readonly resolve: (code: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A request under way. */
export class MultistatusRequest implements Supply<nx_resource> {
  /** The token of a sync-collection report, once the request is over. */
  token: string | null = null;
  /** The status of the response, once the request is over. */
  status: Readonly<ne_status> | null = null;
  readonly #spec: BoundSpec;
  readonly #collect: Collect;
  readonly #req: ne_request;
  readonly #running: Promise<void>;
  #reader: MultistatusReader | null = null;
  #isFailure = false;
  #isOther = false;
  // why the document was not read on
  #refusal: string | null = null;
  #batch: nx_resource[] = [];
  #idleBytes = 0;
  readonly #stretch = new Stretch();
  // the block being read, and how far; null between blocks
  #reading: Reading | null = null;
  #block = NO_BYTES;
  #at = 0;
  #wake: (() => void) | null = null;
  #ended = false;
  #wasBroken = false;
  #failed: { error: unknown } | null = null;

  /** Sends the request. */
  constructor(spec: BoundSpec, collect: Collect) {
    this.#spec = spec;
    this.#collect = collect;
    const { sess, method, path, depth, body, caller } = spec;
    this.#req = newRequest(sess, method, path, caller);
    if (depth !== null) ne_add_request_header(this.#req, "Depth", `${depth}`);
    if (body !== "") {
      ne_add_request_header(this.#req, "Content-Type", NE_XML_MEDIA_TYPE);
      ne_set_request_body_buffer(this.#req, Buffer.from(body));
    }
    nx_set_request_signal(this.#req, spec.signal);
    spec.prepare?.(this.#req);
    this.#running = this.#run();
  }

  /** Whether it was broken off: what was read is not to be given any more. */
  get isBroken(): boolean {
    if (this.#ended) return this.#wasBroken;
    return requests.open(this.#req, "Transfer").scope.broken !== null;
  }

  /** Waits for resources; `false` after the last. Throws `nx_error` where the request failed. */
  async hasMore(): Promise<boolean> {
    for (;;) {
      if (!this.isBroken) {
        if (this.#batch.length > 0 || this.#readOn()) return true;
        if (this.#reading !== null) {
          await this.#stretch.turn();
          continue;
        }
      }
      if (this.#ended) {
        if (this.#failed !== null) throw this.#failed.error;
        return false;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The resources of the next slice that has any; `null` where none is at hand. */
  more(): nx_resource[] | null {
    if (this.isBroken || (this.#batch.length === 0 && !this.#readOn())) return null;
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }

  /** Breaks the request off, if it is not over. */
  async stop(): Promise<void> {
    if (!this.#ended) nx_request_abort(this.#req);
    await this.#running;
  }

  async #run(): Promise<void> {
    const req = this.#req;
    const unpacking = ne_decompress_reader(
      req,
      (_u: MultistatusRequest, _req, status) => this.#accept(status),
      (_u, block) => this.#read(block),
      this,
    );
    try {
      const code = await ne_request_dispatch(req);
      this.status = statusOf(req);
      this.#check(code);
    } catch (error) {
      this.#failed = { error };
      this.#wasBroken = isAbort(error);
    } finally {
      this.token = this.#reader?.token ?? null;
      this.#ended = true;
      this.#reading = null;
      this.#reader?.destroy();
      ne_decompress_destroy(unpacking);
      ne_request_destroy(req);
      this.#wake?.();
    }
  }

  // Called for each response, also for one that asks for a password.
  #accept(status: Readonly<ne_status>): number {
    this.#reader?.destroy();
    const isFailure = (this.#isFailure = status.klass !== 2);
    const { property } = limitsOf(this.#spec.sess);
    const maxBytes = property < 0 ? MAX_PROPERTY_BYTES : property;
    const found = (response: Response): void => {
      if (!isFailure) this.#collect(response, this.#batch);
    };
    // what became of a property is told of each time that it was asked for
    const reader = new MultistatusReader(maxBytes, found, this.#spec.isPlain);
    const field = ne_get_response_header(this.#req, "Content-Type");
    const type = field === null ? null : parseContentType(field);
    if (type !== null && isXmlType(type) && type.charset) reader.setEncoding(type.charset);
    this.#reader = reader;
    this.#idleBytes = 0;
    return 1;
  }

  #read(block: Buffer): number | Promise<number> {
    const reader = this.#reader;
    if (reader === null) return 0;
    if (!this.#isFailure) {
      this.#block = block;
      this.#at = 0;
      return new Promise((resolve, reject) => {
        this.#reading = { resolve, reject };
        this.#wake?.();
      });
    }
    this.#idleBytes += block.length;
    if (this.#idleBytes <= MAX_ERROR_BYTES) reader.feed(block);
    return this.#idleBytes > MAX_IDLE_BYTES ? this.#refuse("the answer goes on without end") : 0;
  }

  // Reads slices until one has resources; not those of the next block, nor for too long.
  // @returns whether there are resources
  #readOn(): boolean {
    for (let reading = this.#reading; reading !== null; reading = this.#reading) {
      if (this.#stretch.isLong) return false;
      try {
        const code = this.#readSlice();
        if (code !== null) this.#leaveBlock(reading).resolve(code);
      } catch (error) {
        this.#leaveBlock(reading).reject(error);
      }
      if (this.#batch.length > 0) return true;
    }
    return false;
  }

  #leaveBlock(reading: Reading): Reading {
    this.#reading = null;
    this.#block = NO_BYTES;
    return reading;
  }

  // An empty block ends the document.
  // @returns what the reading of the block comes to, `null` while it goes on
  #readSlice(): number | null {
    const reader = this.#reader;
    if (reader === null || (this.#at > 0 && this.#at >= this.#block.length)) return 0;
    const slice = this.#block.subarray(this.#at, this.#at + SLICE_BYTES);
    this.#at += SLICE_BYTES;
    if (reader.feed(slice) !== 0) return this.#isNoDocument() ? 0 : this.#refuse(reader.error);
    if (this.#batch.length > 0) this.#idleBytes = 0;
    else this.#idleBytes += slice.length;
    return this.#idleBytes > MAX_IDLE_BYTES
      ? this.#refuse("the answer goes on without a resource")
      : null;
  }

  // Something else than a document, where none is needed.
  #isNoDocument(): boolean {
    const isOther = this.#reader?.isMultistatus === false;
    return this.#spec.isPlain === true && isOther && ne_get_status(this.#req).code !== 207;
  }

  #refuse(reason: string): number {
    reportUnreadable(this.#req);
    this.#isOther = this.#reader?.isMultistatus === false;
    this.#refusal = reason;
    ne_set_error(this.#spec.sess, "Could not parse response: %s", reason);
    return NE_ERROR;
  }

  #check(code: number): void {
    const { path, context = "" } = this.#spec;
    const reader = this.#reader;
    const status = statusOf(this.#req);
    const isGood = code === NE_OK && status?.klass === 2;
    if (isGood && reader?.isMultistatus === true) return;
    if (isGood && this.#spec.isPlain === true && status.code !== 207) return;
    const condition = reader?.condition ?? null;
    if (this.#isOther || isGood) {
      const message = `${context}the answer is no list of resources: ${this.#whatCame()}`;
      const headers = nx_response_fields(this.#req);
      failResponse(this.#req);
      throw failure(message, { status, headers, path, condition });
    }
    const failed = code === NE_OK ? NE_ERROR : code;
    throw requestFailure(this.#req, failed, path, context, condition);
  }

  // What a response is that is no multistatus.
  #whatCame(): string {
    const status = statusOf(this.#req);
    const type = ne_get_response_header(this.#req, "Content-Type");
    const root = this.#reader?.otherRoot ?? null;
    const words = [`${status?.code ?? 0} ${status?.reason_phrase ?? ""}`.trim()];
    if (type !== null) words.push(printable(type));
    if (root !== null) words.push(`<${root}>`);
    else if (this.#refusal !== null) words.push(this.#refusal);
    const coding = ne_get_response_header(this.#req, "Content-Encoding") ?? "identity";
    if (coding.toLowerCase() !== "identity") words.push(`coded as ${printable(coding)}`);
    return words.join(", ");
  }
}

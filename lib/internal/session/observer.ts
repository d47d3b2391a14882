// An observer watches the requests of a session: the recorder of nx_trace is one. A session without
// one pays for an empty list. An observer never waits, and copies what it keeps: the blocks that it
// is shown are views of memory that is used again.
import type { ne_request } from "../base/handle.js";
import type { Fields } from "../http/head.js";

/** What becomes of a request, attempt by attempt, in the order in which it happens. */
export interface Observer {
  /** An attempt begins: it has no turn yet. */
  begun(req: ne_request): void;
  /** The head is about to be sent; once more, where a kept connection had gone stale. */
  sending(req: ne_request, head: string): void;
  /** Bytes of the body, without their chunk's frame, are about to be sent. */
  sent(req: ne_request, block: Uint8Array): void;
  /** An interim response has been read. */
  interim(req: ne_request, fields: Fields): void;
  /** The final status line has been read. */
  status(req: ne_request): void;
  /** The fields of the final response have been read. */
  answered(req: ne_request): void;
  /** Bytes of the response's body, without framing, its content coding still on. */
  received(req: ne_request, block: Buffer): void;
  /**
   * The attempt is over. `error`: why it failed; `null` where it was answered, or given up. Told
   * more than once, the first time counts.
   */
  ended(req: ne_request, error: string | null): void;
  /** A line of the NSS key log format, of a TLS connection of the session. */
  keys?: (line: Buffer) => void;
}

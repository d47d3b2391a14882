// Taking a connection out of its session, once a response has turned it into something else than
// HTTP: an upgrade (RFC 9110 section 7.8) or a tunnel (section 9.3.6).
import { Duplex } from "node:stream";
import { NE_SOCK_CLOSED } from "../base/constants.js";
import { connectionIn, turnOf } from "./attempt.js";
import { forget } from "./connection.js";
import { leave } from "./ending.js";
import type { Request } from "./request_state.js";
import { isTunnel } from "./response_head.js";
import type { Wire } from "../wire/wire.js";

/** The stream of the connection, and what was read past the head of the response. */
export interface Detached {
  socket: Duplex;
  head: Buffer;
}

/** @returns `null` if the last response did not hand the connection over, or it is gone */
export function detachConnection(r: Request): Detached | null {
  const { attempt } = r;
  if (attempt.at !== "idle" && attempt.at !== "body") return null;
  const connection = attempt.at === "idle" ? attempt.kept : connectionIn(r);
  if (!isTunnel(r) || connection === null || !connection.open) return null;
  // nobody closes it from now on but the new owner
  forget(r.session, connection);
  const turn = turnOf(r);
  if (turn !== null) {
    turn.connection = null;
    leave(r);
  }
  const { wire } = connection;
  if (wire.bound) return { head: takeView(wire), socket: new Bridge(wire) };
  const { stream } = wire;
  const head = wire.release();
  // a stream that was paused flows for no listener; the new owner gets it as if it were new
  Reflect.set(stream, "readableFlowing", null);
  return { head, socket: stream };
}

function takeView(wire: Wire): Buffer {
  const head = Buffer.from(wire.bytes.subarray(wire.pos, wire.end));
  wire.pos = wire.end;
  return head;
}

// A stream over a wire that reads into blocks of its own.
class Bridge extends Duplex {
  #wire: Wire;
  #reading = false;

  constructor(wire: Wire) {
    super({ allowHalfOpen: true });
    this.#wire = wire;
  }

  override _read(): void {
    if (this.#reading) return;
    this.#reading = true;
    void this.#pull();
  }

  async #pull(): Promise<void> {
    const wire = this.#wire;
    let wanted = true;
    while (wanted && !this.destroyed) {
      const added = wire.available > 0 ? wire.available : await wire.more(0);
      if (added < 0) {
        this.#reading = false;
        this.#end(added);
        return;
      }
      wanted = this.push(takeView(wire));
    }
    this.#reading = false;
  }

  #end(code: number): void {
    if (this.destroyed) return;
    const { cause, error } = this.#wire.failure;
    if (code === NE_SOCK_CLOSED) this.push(null);
    else this.destroy(cause ?? new Error(error));
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    void Promise.resolve(this.#wire.write(chunk, 0)).then((code) => this.#told(code, done));
  }

  override _final(done: (error?: Error | null) => void): void {
    void this.#wire.shutdownWriting().then((code) => this.#told(code, done));
  }

  #told(code: number, done: (error?: Error | null) => void): void {
    const { cause, error } = this.#wire.failure;
    done(code === 0 ? null : (cause ?? new Error(error)));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wire.destroy();
    done(error);
  }
}

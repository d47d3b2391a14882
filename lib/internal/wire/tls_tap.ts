// Stands between a TCP socket and node:tls for one purpose: to learn that the server asks for a
// client certificate, and from which CAs, while there is still time to choose one. The server's
// flight is held back until that is known and answered; afterwards everything just passes through.

import { Duplex } from "node:stream";
import type { Name } from "../asn1/name.js";
import { Flight, type Sight } from "../tls/flight.js";

/** Called once if the server asks; what it holds up goes on when the promise is settled. */
export type OnAsked = (names: Name[]) => Promise<void>;

export class TlsTap extends Duplex {
  #raw: Duplex;
  #onAsked: OnAsked;
  #flight: Flight | null = new Flight();
  #held: Buffer[] = [];
  #ended = false;
  #keys = false;

  constructor(raw: Duplex, onAsked: OnAsked) {
    super({ allowHalfOpen: true, emitClose: true });
    this.#raw = raw;
    this.#onAsked = onAsked;
    raw.on("data", this.#onData);
    raw.on("end", this.#onEnd);
    raw.on("error", this.#onError);
    raw.on("close", this.#onClose);
    raw.resume();
  }

  /** A line of node:tls's keylog event: the secret may be in it. */
  keylog(line: Buffer): void {
    const match = /^SERVER_HANDSHAKE_TRAFFIC_SECRET \S+ ([0-9a-f]+)\s*$/i.exec(line.toString());
    if (match === null || this.#flight === null || !this.#keys) return;
    this.#keys = false;
    this.#act(this.#flight.setSecret(Buffer.from(match[1] ?? "", "hex")));
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#raw.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#raw.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#flight = null;
    this.#held = [];
    this.#raw.off("data", this.#onData);
    this.#raw.destroy();
    done(error);
  }

  /** As a socket's, so that an idle connection does not keep the process alive. */
  ref(): this {
    (this.#raw as { ref?: () => void }).ref?.();
    return this;
  }

  unref(): this {
    (this.#raw as { unref?: () => void }).unref?.();
    return this;
  }

  #onData = (chunk: Buffer): void => {
    if (this.#flight === null) {
      if (!this.push(chunk)) this.#raw.pause();
      return;
    }
    this.#held.push(chunk);
    this.#act(this.#flight.feed(chunk));
  };

  #onEnd = (): void => {
    this.#ended = true;
    if (this.#flight !== null) this.#passOn();
    else this.push(null);
  };

  #onError = (error: Error): void => {
    this.destroy(error);
  };

  #onClose = (): void => {
    this.destroy();
  };

  #act(sight: Sight): void {
    if (sight.kind === "keys") {
      // the hello goes on, and with it whatever came along: node:tls cannot answer before the end
      // of the flight, but it must not see that end yet
      this.#keys = true;
      this.#releaseHello();
    } else if (sight.kind === "release") {
      this.#release();
    } else if (sight.kind === "pass") {
      this.#passOn();
    } else if (sight.kind === "asked") {
      void this.#onAsked(sight.names).then(
        () => this.#passOn(),
        (error: Error) => this.destroy(error),
      );
    }
  }

  // Only the first record, which is the hello of TLS 1.3.
  #releaseHello(): void {
    const bytes = Buffer.concat(this.#held);
    const end = 5 + bytes.readUInt16BE(3);
    this.#held = [bytes.subarray(end)];
    this.push(bytes.subarray(0, end));
  }

  #release(): void {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    if (bytes.length > 0) this.push(bytes);
  }

  // Nothing is looked at any more.
  #passOn(): void {
    if (this.destroyed) return;
    this.#flight = null;
    this.#release();
    if (this.#ended) this.push(null);
  }
}

// Stands between a TCP socket and node:tls for one purpose: to learn that the server asks for a
// client certificate, and from which CAs, while there is still time to choose one. The server's
// flight is held back until that is known and answered; afterwards everything just passes through.

import { Duplex } from "node:stream";
import type { Name } from "../asn1/name.js";
import { Flight, type LateRequest, type FlightEvent } from "../tls/flight.js";
import { LateFlight, canShow, type Shown } from "../tls/late_certificate.js";
import type { Transport } from "./wire.js";

/**
 * Called once if the server asks; what it holds up goes on when the promise is settled.
 * @param canShow whether a certificate can still be shown on this connection
 * @returns the certificate to show, null for none
 */
export type OnAsked = (names: Name[], canShow: boolean) => Promise<Shown | null>;

const HANDSHAKE = 22;

/** Makes a tap: the code of one is only there where somebody supplies certificates. */
export type Tapping = (raw: Transport, onAsked: OnAsked) => TlsTap;

/** Stands in front of a socket from now on. */
export function tapTls(raw: Transport, onAsked: OnAsked): TlsTap {
  return new TlsTap(raw, onAsked);
}

export class TlsTap extends Duplex {
  /** A certificate was shown by hand: the connection cannot be resumed. */
  answered = false;
  #raw: Transport;
  #onAsked: OnAsked;
  #flight: Flight | null = new Flight();
  #late: LateFlight | null = null;
  #held: Buffer[] = [];
  #written = Buffer.alloc(0);
  #ended = false;
  #waitsForKeys = false;
  #toShow: { late: LateRequest; shown: Shown } | null = null;

  constructor(raw: Transport, onAsked: OnAsked) {
    super({ allowHalfOpen: true });
    this.#raw = raw;
    this.#onAsked = onAsked;
    raw.on("data", this.#onData);
    raw.on("end", this.#onEnd);
    raw.on("error", this.#onError);
    raw.on("close", this.#onClose);
    raw.resume();
  }

  /** A line of node:tls's keylog event: a secret may be in it. */
  keylog(line: Buffer): void {
    const match = /^(CLIENT|SERVER)_HANDSHAKE_TRAFFIC_SECRET \S+ ([0-9a-f]+)\s*$/i.exec(
      line.toString("latin1"),
    );
    if (match === null) return;
    const secret = Buffer.from(match[2] ?? "", "hex");
    if (match[1] === "CLIENT") {
      // OpenSSL makes this one when it is about to write its flight
      if (this.#toShow === null) return;
      this.#late = new LateFlight(this.#toShow.late, secret, this.#toShow.shown);
      this.#toShow = null;
    } else if (this.#waitsForKeys && this.#flight !== null) {
      this.#waitsForKeys = false;
      this.#act(this.#flight.setSecret(secret));
    }
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    let bytes = chunk;
    if (this.#late !== null) {
      bytes = this.#late.feed(chunk);
      if (this.#late.done) this.#late = null;
    } else if (this.#flight !== null) {
      this.#noteHellos(this.#flight, chunk);
    }
    if (bytes.length === 0) done();
    else this.#raw.write(bytes, done);
  }

  // Until the server has answered, the client says nothing but hellos, each a record of its own.
  #noteHellos(flight: Flight, chunk: Buffer): void {
    let bytes = Buffer.concat([this.#written, chunk]);
    while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) {
      const end = 5 + bytes.readUInt16BE(3);
      if (bytes[0] === HANDSHAKE) flight.addHello(bytes.subarray(5, end));
      bytes = bytes.subarray(end);
    }
    this.#written = bytes;
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
    this.#raw.ref?.();
    return this;
  }

  unref(): this {
    this.#raw.unref?.();
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

  #act(event: FlightEvent): void {
    if (event.kind === "keys" && !this.#waitsForKeys) {
      this.#waitsForKeys = true;
      this.#releaseHello();
    } else if (event.kind === "release") {
      this.#release();
    } else if (event.kind === "pass") {
      this.#passOn();
    } else if (event.kind === "broken") {
      const { reason } = event;
      this.destroy(Object.assign(new Error(reason), { reason }));
    } else if (event.kind === "asked") {
      const { late, names } = event;
      void this.#onAsked(names, late !== null).then(
        (shown) => {
          if (late !== null && shown !== null) this.#show(late, shown);
          this.#passOn();
        },
        (error: Error) => this.destroy(error),
      );
    }
  }

  #show(late: LateRequest, shown: Shown): void {
    if (!canShow(late, shown)) return;
    this.#toShow = { late, shown };
    this.answered = true;
  }

  // Only the first record, the hello of TLS 1.3: node:tls makes the keys from it, and must not see
  // the end of the flight yet.
  #releaseHello(): void {
    const bytes = Buffer.concat(this.#held);
    let end = 0;
    // a record without meaning may stand between two hellos
    do {
      end += 5 + bytes.readUInt16BE(end + 3);
    } while (bytes[0] !== HANDSHAKE && end + 5 <= bytes.length && bytes[end] === HANDSHAKE);
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

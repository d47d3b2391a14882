// The recorder: an observer of sessions that records each attempt of a request, within bounds. The
// CONNECT request of a tunnel is a part of opening a connection, as browsers have it, and no entry
// of its own.
import { HandleType, type ne_opaque, type ne_request } from "../base/handle.js";
import { connectionIn, replyOf } from "../session/attempt.js";
import type { Timings } from "../session/report.js";
import type { Connection, Session } from "../session/session_state.js";
import { requests } from "../session/request.js";
import type { Request } from "../session/request_state.js";
import type { Observer } from "../session/observer.js";
import { KeptBody, NO_BODY } from "../session/kept_body.js";
import { addInterim, createAttempt, type Route, type RecordedAttempt } from "./recorded_attempt.js";

/** What records. */
export interface nx_recorder extends ne_opaque<"nx_recorder"> {}

/** See `nx_recorder_options`. */
export interface RecorderSettings {
  body: number;
  requests: number;
  secrets: boolean;
}

/** Lines of keys for each request: a connection of TLS 1.3 has five. */
const KEY_LINES = 8;

// What the timings of a request said when the attempt began: what still reads the same at its end
// belongs to an attempt before.
type Clock = Pick<Timings, "lookup" | "connect" | "handshake" | "send">;

interface Running {
  attempt: RecordedAttempt;
  before: Clock;
  /** Bytes consumed of the connection up to the response that is being read. */
  consumed: number;
}

export class Recorder implements Observer {
  readonly settings: RecorderSettings;
  /** The requests that are over, in the order of their ends. */
  readonly attempts: RecordedAttempt[] = [];
  readonly keyLines: string[] = [];
  readonly keys?: (line: Buffer) => void;
  #running = new Map<ne_request, Running>();
  #routes = new WeakMap<Connection, Route>();
  #connections = 0;

  constructor(settings: RecorderSettings) {
    this.settings = settings;
    if (!settings.secrets) return;
    this.keys = (line) => {
      this.keyLines.push(line.toString("latin1"));
      const extra = this.keyLines.length - settings.requests * KEY_LINES;
      if (extra > 0) this.keyLines.splice(0, extra);
    };
  }

  /** Forgets what is over. */
  clear(): void {
    this.attempts.length = 0;
    this.keyLines.length = 0;
  }

  begun(req: ne_request): void {
    const r = recordOf(req);
    if (r.tunnel !== null) return;
    const { method, target, session: s } = r;
    const { scheme, hostport } = s;
    const attempt = createAttempt({ method, target, scheme, hostport }, this.settings.body);
    this.#running.set(req, { attempt, before: clockOf(r), consumed: 0 });
  }

  sending(req: ne_request, head: string): void {
    const running = this.#running.get(req);
    if (running === undefined) return;
    const r = recordOf(req);
    const connection = connectionIn(r);
    if (connection === null) return;
    const { attempt } = running;
    running.consumed = connection.wire.consumed;
    attempt.sentAt = performance.now();
    attempt.head = head;
    attempt.body = r.body === null ? NO_BODY : new KeptBody(this.settings.body);
    attempt.chunks = r.body !== null && r.body.length < 0 ? [] : null;
    attempt.route = this.#routeOf(r.session, connection);
  }

  sent(req: ne_request, block: Uint8Array): void {
    const attempt = this.#running.get(req)?.attempt;
    if (attempt === undefined) return;
    attempt.body.add(block);
    if (attempt.chunks !== null && attempt.body.whole) attempt.chunks.push(block.length);
  }

  interim(req: ne_request, fields: RecordedAttempt["fields"]): void {
    const running = this.#running.get(req);
    if (running === undefined) return;
    const r = recordOf(req);
    const { code, reason_phrase: reason } = r.status;
    addInterim(running.attempt, { code, reason: reason ?? "", fields });
    running.consumed = connectionIn(r)?.wire.consumed ?? 0;
  }

  status(req: ne_request): void {
    const attempt = this.#running.get(req)?.attempt;
    if (attempt === undefined) return;
    attempt.statusAt = performance.now();
    const { code, reason_phrase: reason, major_version: major, minor_version: minor } =
      recordOf(req).status;
    attempt.status = { code, reason: reason ?? "", major, minor };
  }

  answered(req: ne_request): void {
    const running = this.#running.get(req);
    if (running === undefined) return;
    const r = recordOf(req);
    running.attempt.fields = r.response.fields;
    running.attempt.headBytes = (connectionIn(r)?.wire.consumed ?? 0) - running.consumed;
  }

  received(req: ne_request, block: Buffer): void {
    this.#running.get(req)?.attempt.responseBody.add(block);
  }

  ended(req: ne_request, error: string | null): void {
    const running = this.#running.get(req);
    if (running === undefined) return;
    this.#running.delete(req);
    const r = recordOf(req);
    const { attempt, before } = running;
    const now = clockOf(r);
    attempt.endedAt = performance.now();
    attempt.took.lookup = newMs(before.lookup, now.lookup);
    attempt.took.connect = newMs(before.connect, now.connect);
    attempt.took.handshake = newMs(before.handshake, now.handshake);
    attempt.took.send = newMs(before.send, now.send);
    attempt.trailerFields = r.fields.trailer;
    attempt.trailer = r.response.trailer;
    attempt.error = error;
    attempt.complete = error === null && replyOf(r)?.decoder.done === true;
    this.attempts.push(attempt);
    if (this.attempts.length > this.settings.requests) this.attempts.shift();
  }

  #routeOf(s: Session, connection: Connection): Route {
    const known = this.#routes.get(connection);
    if (known !== undefined) return known;
    const { hop } = connection;
    const isHttp = hop?.kind === "http" || hop?.kind === "https";
    const route = {
      id: ++this.#connections,
      peer: connection.wire.ends?.peer.address ?? null,
      proxy: hop === null ? null : {
        url: `${proxyScheme(hop.kind)}://${hop.host}:${hop.port}`,
        login: hop.username === null ? null : `${hop.username}:${hop.password ?? ""}`,
        tunnel: !isHttp || s.secure || hop.tunnel,
      },
      unixPath: s.route.unixPath,
    };
    this.#routes.set(connection, route);
    return route;
  }
}

// curl's names: a SOCKS proxy of version 5 looks names up itself.
function proxyScheme(kind: NonNullable<Connection["hop"]>["kind"]): string {
  return kind === "socks5" ? "socks5h" : kind;
}

function recordOf(req: ne_request): Request {
  return requests.open(req, "recorder");
}

const NOTHING: Clock = { lookup: null, connect: null, handshake: null, send: null };

function clockOf(r: Request): Clock {
  const { lookup, connect, handshake, send } = r.clock.timings;
  // a first attempt begins, as most do
  if (send === null && lookup === null && connect === null) return NOTHING;
  return { lookup, connect, handshake, send };
}

function newMs(before: number | null, now: number | null): number | null {
  return now === null || now === before ? null : now * 1000;
}

export const recorders = new HandleType<"nx_recorder", Recorder>("nx_recorder");

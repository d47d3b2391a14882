// One call of this room while it runs: its session, its signal and its open requests. When the
// caller stops, all of the requests end.
import type { ne_session } from "../base/handle.js";
import { onAbort } from "../base/abort_signal.js";
import { Batches, batchesOf, type Source, type Supply } from "./batches.js";
import { abortFailure, failure } from "./failed_request.js";
import type { nx_resource } from "./resource.js";
import { checkPath } from "./argument_checks.js";
import { MultistatusRequest, type BoundSpec, type Collect } from "./multistatus_request.js";

/** The longest that a timer of Node waits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resources that are kept together. */
const MAX_RESOURCES = 65_536;

/** What a request of a call says; the rest is the call's. */
export type RequestSpec = Omit<BoundSpec, "sess" | "signal" | "caller">;

export class Call {
  readonly sess: ne_session;
  readonly signal: AbortSignal | null;
  readonly caller: string;
  readonly #requests = new Set<MultistatusRequest>();
  readonly #pauses = new Set<() => void>();
  #isStopped = false;

  /** @param caller the public function, for mistakes */
  constructor(sess: ne_session, signal: AbortSignal | null, caller: string) {
    this.sess = sess;
    this.signal = signal;
    this.caller = caller;
  }

  /** Its loop was left, or its signal has fired. */
  get isOver(): boolean {
    return this.#isStopped || this.signal?.aborted === true;
  }

  /** A request under way was broken off. */
  get isBroken(): boolean {
    for (const request of this.#requests) if (request.isBroken) return true;
    return false;
  }

  /** Sends a request; its batches are to be taken until the end, or the request stopped. */
  send(spec: RequestSpec, collect: Collect): MultistatusRequest {
    const { sess, signal, caller } = this;
    const request = new MultistatusRequest({ ...spec, sess, signal, caller }, collect);
    this.#requests.add(request);
    if (this.#isStopped) void request.stop();
    return request;
  }

  /**
   * What one request gives.
   * @param check called when all have come; throws where they are not all that there is
   */
  async *batches(
    spec: RequestSpec,
    collect: Collect,
    check: () => void = () => {},
  ): AsyncGenerator<Supply<nx_resource>, void> {
    const request = this.send(spec, collect);
    try {
      while (await request.hasMore()) yield request;
      check();
    } finally {
      await this.end(request);
    }
  }

  /** All that one request gives, which must not be much. */
  async all(spec: RequestSpec, collect: Collect): Promise<nx_resource[]> {
    const resources: nx_resource[] = [];
    for await (const supply of this.batches(spec, collect)) {
      for (const batch of batchesOf(supply)) resources.push(...batch);
      if (resources.length > MAX_RESOURCES) {
        throw failure(`${spec.context ?? ""}the answer has too many resources`, {
          path: spec.path,
        });
      }
    }
    return resources;
  }

  /** Ends a request, if it is not over. */
  async end(request: MultistatusRequest): Promise<void> {
    await request.stop();
    this.#requests.delete(request);
  }

  /** Waits, no longer than the call lasts. Throws where its signal fires. */
  async pause(ms: number): Promise<void> {
    const { signal } = this;
    if (!this.#isStopped && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          forget();
          this.#pauses.delete(end);
          resolve();
        };
        const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS));
        const forget = signal === null ? (): void => {} : onAbort(signal, end);
        this.#pauses.add(end);
      });
    }
    if (signal?.aborted === true) throw abortFailure(signal);
  }

  /** Breaks off all that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const end of [...this.#pauses]) end();
    await Promise.all([...this.#requests].map((request) => request.stop()));
  }

  /** What a generator of batches gives, as an iterator that ends the work when it is left. */
  iterate<T>(path: string, batches: AsyncGenerator<Supply<T>>): AsyncIterableIterator<T> {
    return new Batches(this.source(path, batches), this.signal);
  }

  /**
   * A generator of batches whose end is that of the work.
   * @param path what the caller asked about
   */
  source<T>(path: string, batches: AsyncGenerator<Supply<T>>): Source<T> {
    const isBroken = (): boolean => this.isBroken;
    return {
      next: async () => {
        checkPath(path, this.caller);
        const { done, value } = await batches.next();
        return done === true ? null : value;
      },
      stop: async () => {
        await this.stop();
        await batches.return(undefined);
      },
      get isBroken() {
        return isBroken();
      },
    };
  }
}

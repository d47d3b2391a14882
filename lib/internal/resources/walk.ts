// A collection and everything below it, folder by folder. A walk follows nothing but members of the
// folder that was asked for, whose paths are the folder's and one part more: so it goes nowhere
// else and meets each resource once. Folders are taken from a stack, so what is inside of a folder
// comes right behind its members, and several may be listed at once.
import { firstValue } from "../http/field_pairs.js";
import { nx_error } from "../script/nx_error.js";
import { misuse } from "../base/handle.js";
import { sessions } from "../session/session.js";
import { batchesOf, type Supply, supplyOf } from "./batches.js";
import { failure, isAbort } from "./failed_request.js";
import { ResourceCollector } from "./resource_collector.js";
import { listOnce, propfind, type Wanted } from "./propfind.js";
import { parseDate } from "./dates.js";
import type { nx_resource } from "./resource.js";
import type { Call } from "./call.js";

/** Folders one inside another: more are a loop on the server's side. */
const MAX_NESTING = 256;
/** Characters of folders that are still to be walked. */
const MAX_PENDING_CHARS = 1 << 25;
/** The pause before a folder is tried again, where the server names none, and its bound. */
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;

/** What to do about a folder that cannot be listed. */
type Verdict = "stop" | "skip" | "retry";

/** How to walk. */
export interface Walking {
  readonly path: string;
  readonly body: string;
  readonly self: boolean;
  readonly parallel: number;
  /** Asked about a folder that cannot be read; what it gives, or promises, is a `Verdict`. */
  readonly onError: ((path: string, error: nx_error) => unknown) | null;
}

interface Delivery {
  readonly batch: nx_resource[];
  /** The loop has come back for the next. */
  readonly taken: () => void;
}

/** The batches of a walk. */
export async function* walk(
  call: Call,
  walking: Walking,
): AsyncGenerator<Supply<nx_resource>, void> {
  const { turns } = sessions.open(call.sess, call.caller).work;
  const before = turns.max;
  const raised = Math.max(before, walking.parallel);
  turns.max = raised;
  try {
    yield* new Walk(call, walking).run();
  } finally {
    if (turns.max === raised) turns.max = before;
  }
}

class Walk {
  readonly #call: Call;
  readonly #walking: Walking;
  readonly #topLevel: number;
  readonly #pending: string[];
  #pendingChars = 0;
  #active = 0;
  readonly #ready: Delivery[] = [];
  #wake: (() => void) | null = null;
  #failed: { error: unknown } | null = null;

  constructor(call: Call, walking: Walking) {
    this.#call = call;
    this.#walking = walking;
    this.#topLevel = levelOf(walking.path);
    this.#pending = [walking.path];
    this.#pendingChars = walking.path.length;
  }

  async *run(): AsyncGenerator<Supply<nx_resource>, void> {
    for (;;) {
      this.#startMore();
      const delivery = this.#ready.shift();
      if (delivery !== undefined) {
        yield supplyOf(delivery.batch);
        delivery.taken();
        continue;
      }
      if (this.#failed !== null) throw this.#failed.error;
      if (this.#active === 0) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #startMore(): void {
    while (this.#failed === null && this.#active < this.#walking.parallel) {
      const folder = this.#pending.pop();
      if (folder === undefined) return;
      this.#pendingChars -= folder.length;
      this.#active++;
      void this.#visit(folder)
        .catch((error: unknown) => {
          this.#failed ??= { error };
        })
        .finally(() => {
          this.#active--;
          this.#wake?.();
        });
    }
  }

  async #visit(folder: string): Promise<void> {
    const isTop = folder === this.#walking.path;
    const collector = new ResourceCollector(folder, isTop ? "" : `${folder}: `);
    const below: string[] = [];
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        await this.#list(folder, collector, below);
        break;
      } catch (error) {
        const verdict = await this.#judge(folder, error);
        if (verdict === "skip") break;
        collector.beginAgain();
        await this.#call.pause(pauseOf(error, pauseMs));
      }
    }
    this.#pending.push(...below.reverse());
  }

  async #list(folder: string, collector: ResourceCollector, below: string[]): Promise<void> {
    const { body, path, self } = this.#walking;
    const isTop = folder === path;
    const context = isTop ? "" : `${folder}: `;
    if (levelOf(folder) - this.#topLevel > MAX_NESTING) {
      throw failure(`${folder}: folders are nested too deeply`, { path: folder });
    }
    const wanted: Wanted = (kind) =>
      kind === "member" || (kind === "self" && isTop && self);
    const spec = propfind(folder, 1, body, context);
    for await (const supply of listOnce(this.#call, spec, collector, wanted)) {
      for (const batch of batchesOf(supply)) {
        for (const resource of batch) if (!resource.self) this.#noteFolder(resource, folder, below);
        await this.#deliver(batch);
      }
    }
  }

  #noteFolder({ path, collection }: nx_resource, folder: string, below: string[]): void {
    // with a query it is a view of a folder, not a place of its own
    if (!collection || path.includes("?")) return;
    const inner = path.endsWith("/") ? path : `${path}/`;
    below.push(inner);
    this.#pendingChars += inner.length;
    if (this.#pendingChars > MAX_PENDING_CHARS) {
      throw failure(`${folder}: too many folders`, { path: folder });
    }
  }

  #deliver(batch: nx_resource[]): Promise<void> {
    return new Promise((resolve) => {
      this.#ready.push({ batch, taken: resolve });
      this.#wake?.();
    });
  }

  // Asks what to do; throws where nobody says otherwise.
  async #judge(folder: string, error: unknown): Promise<Verdict> {
    const { onError, path } = this.#walking;
    const isOurs = error instanceof nx_error && !isAbort(error);
    if (!isOurs || onError === null || folder === path || this.#call.isOver) throw error;
    const verdict: unknown = await onError(folder, error);
    if (verdict === "stop") throw error;
    if (verdict === "skip" || verdict === "retry") return verdict;
    throw misuse(this.#call.caller, 'on_error must answer "stop", "skip" or "retry"');
  }
}

function levelOf(path: string): number {
  return path.split("/").filter((part) => part !== "").length;
}

// Milliseconds to wait before a folder is tried again (RFC 9110 section 10.2.3).
function pauseOf(error: unknown, usualMs: number): number {
  const headers = error instanceof nx_error ? error.headers : [];
  const field = firstValue(headers, "retry-after")?.trim() ?? null;
  if (field === null) return usualMs;
  if (/^\d+$/.test(field)) return Number(field) * 1000;
  const time = parseDate(field);
  return Number.isNaN(time) ? usualMs : Math.max(0, time - Date.now());
}

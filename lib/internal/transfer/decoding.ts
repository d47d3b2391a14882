// Takes content codings off a download that was sent with some although none were asked for.
import type { ne_session } from "../base/handle.js";
import { codingsOf, decodeBody } from "../script/decode.js";
import { limitsOf } from "../session/plugin_access.js";
import { Failed } from "./failed_transfer.js";

type Write = (block: Buffer) => Promise<void>;

/** Names of files that are meant to stay as they are in a coding. */
const CODED_NAMES: readonly (readonly [coding: RegExp, name: RegExp])[] = [
  [/^(x-)?gzip$/i, /\.(gz|tgz|svgz)$/i],
  [/^(x-)?compress$/i, /\.(z|taz)$/i],
  [/^br$/i, /\.br$/i],
  [/^zstd$/i, /\.(zst|tzst)$/i],
];

/** Whether the content has to be decoded: servers call `a.tar.gz` a tar file, coded. */
export function isCoded(field: string | null, path: string): boolean {
  const coding = (field ?? "").trim();
  if (coding === "" || /^identity$/i.test(coding)) return false;
  const name = path.replace(/[?#].*$/s, "");
  return !CODED_NAMES.some(([codings, names]) => codings.test(coding) && names.test(name));
}

/** Blocks go in at one end as they come, and decoded ones out at the other. */
export class Decoding {
  #waiting: Buffer | null = null;
  #ended = false;
  #asked: () => void = () => {};
  #fed: () => void = () => {};
  #running: Promise<void>;
  #failed: { error: unknown } | null = null;

  /** Throws `Failed` for a coding that cannot be taken off. */
  constructor(sess: ne_session, field: string, write: Write) {
    const codings = codingsOf(field);
    if (codings.length === 0) throw new Failed(`Could not take off the Content-Encoding ${field}`);
    const limits = limitsOf(sess);
    this.#running = (async () => {
      for await (const block of decodeBody(this.#blocks(), codings, limits)) await write(block);
    })().catch((error: unknown) => {
      this.#failed = { error };
      this.#asked();
    });
  }

  async *#blocks(): AsyncGenerator<Buffer> {
    for (;;) {
      this.#asked();
      while (this.#waiting === null && !this.#ended) {
        await new Promise<void>((resolve) => (this.#fed = resolve));
      }
      if (this.#waiting === null) return;
      const block = this.#waiting;
      this.#waiting = null;
      yield block;
    }
  }

  /** Settled when the block has been taken. */
  async feed(block: Buffer): Promise<void> {
    this.#check();
    const taken = new Promise<void>((resolve) => (this.#asked = resolve));
    this.#waiting = Buffer.from(block);
    this.#fed();
    await taken;
    this.#check();
  }

  /** Settled when all that was fed has come out. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#fed();
    await this.#running;
    this.#check();
  }

  #check(): void {
    if (this.#failed === null) return;
    const { error } = this.#failed;
    if (error instanceof Failed || !(error instanceof Error)) throw error;
    throw new Failed(error.message, null, error);
  }
}

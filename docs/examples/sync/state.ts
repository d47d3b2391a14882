// What the last runs left both sides with. The file is replaced as a whole, after every step: it is
// written beside the old one, brought to the disk, and renamed.
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Base } from "./decide.js";

const FORMAT = 1;

interface Stored {
  readonly format: number;
  readonly url: string;
  readonly files: Readonly<Record<string, Base>>;
  readonly folders: readonly string[];
}

export class State {
  readonly files: Map<string, Base>;
  readonly folders: Set<string>;
  #file: string;
  #url: string;

  private constructor(file: string, url: string, stored: Stored | null) {
    this.#file = file;
    this.#url = url;
    this.files = new Map(Object.entries(stored?.files ?? {}));
    this.folders = new Set(stored?.folders ?? []);
  }

  /**
   * Without a state nothing is deleted and all is compared, so a lost state costs time only.
   * One that is there and cannot be read is an error all the same.
   */
  static async load(file: string, url: string): Promise<State> {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return new State(file, url, null);
    }
    const stored = parseStored(text);
    if (stored === null) throw new Error(`${file} is damaged; remove it to compare all anew`);
    if (stored.url !== url) {
      throw new Error(`the folder belongs to ${stored.url}; remove ${file} to give it to ${url}`);
    }
    return new State(file, url, stored);
  }

  /** Remembers that a step is begun: what it leaves, if interrupted, is compared by content. */
  async begin(path: string): Promise<void> {
    const base = this.files.get(path);
    if (base === undefined || base.pending) return;
    this.files.set(path, { ...base, pending: true });
    await this.save();
  }

  async setFile(path: string, base: Base): Promise<void> {
    this.files.set(path, base);
    await this.save();
  }

  async setFolder(path: string): Promise<void> {
    if (this.folders.has(path)) return;
    this.folders.add(path);
    await this.save();
  }

  async forget(path: string): Promise<void> {
    const known = [this.files.delete(path), this.folders.delete(path)];
    if (known.includes(true)) await this.save();
  }

  async save(): Promise<void> {
    const stored: Stored = {
      format: FORMAT,
      url: this.#url,
      files: Object.fromEntries(this.files),
      folders: [...this.folders],
    };
    const beside = `${this.#file}.new`;
    const handle = await open(beside, "w");
    try {
      await handle.writeFile(JSON.stringify(stored));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, this.#file);
    await syncFolder(dirname(this.#file));
  }
}

/** Brings names in a folder to the disk, where the system has a way to do so. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parseStored(text: string): Stored | null {
  try {
    const value = JSON.parse(text) as Partial<Stored> | null;
    if (value?.format !== FORMAT || typeof value.url !== "string") return null;
    if (!Array.isArray(value.folders)) return null;
    if (!Object.values(value.files ?? {}).every(isBase)) return null;
    return { format: FORMAT, url: value.url, files: value.files ?? {}, folders: value.folders };
  } catch {
    return null;
  }
}

function isBase(value: unknown): value is Base {
  const { hash, version, mark, pending } = (value ?? {}) as Partial<Base>;
  const texts = [hash, version, mark].every((text) => typeof text === "string");
  return texts && typeof pending === "boolean";
}

// What the last runs left both sides with. The file is replaced as a whole, before the first step
// and after the last: it is written beside the old one, brought to the disk, and renamed. Each step
// between adds a line to a journal; what a killed run has left there is read with the file.
import { open, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { Base } from "./decide.js";

const FORMAT = 1;

interface Stored {
  readonly format: number;
  readonly url: string;
  readonly files: Readonly<Record<string, Base>>;
  readonly folders: readonly string[];
}

/** A line of the journal: what is known of a file or folder now, `null` for nothing. */
interface Step {
  readonly path: string;
  readonly known: Base | "folder" | null;
}

export class State {
  readonly files: Map<string, Base>;
  readonly folders: Set<string>;
  #file: string;
  #url: string;
  #journal: FileHandle | null = null;

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
      await rm(journalOf(file), { force: true });
      return new State(file, url, null);
    }
    const stored = parseStored(text);
    if (stored === null) throw new Error(`${file} is damaged; remove it to compare all anew`);
    if (stored.url !== url) {
      throw new Error(`the folder belongs to ${stored.url}; remove ${file} to give it to ${url}`);
    }
    const state = new State(file, url, stored);
    for (const step of await readJournal(journalOf(file))) state.#apply(step);
    return state;
  }

  /** Remembers that a step is begun: what it leaves, if interrupted, is compared by content. */
  async begin(path: string): Promise<void> {
    const base = this.files.get(path);
    if (base === undefined || base.pending) return;
    await this.#note({ path, known: { ...base, pending: true } });
  }

  setFile(path: string, base: Base): Promise<void> {
    return this.#note({ path, known: base });
  }

  async setFolder(path: string): Promise<void> {
    if (!this.folders.has(path)) await this.#note({ path, known: "folder" });
  }

  async forget(path: string): Promise<void> {
    const isKnown = this.files.has(path) || this.folders.has(path);
    if (isKnown) await this.#note({ path, known: null });
  }

  #apply({ path, known }: Step): void {
    if (known === "folder") {
      this.folders.add(path);
    } else if (known !== null) {
      this.files.set(path, known);
    } else {
      this.files.delete(path);
      this.folders.delete(path);
    }
  }

  async #note(step: Step): Promise<void> {
    this.#apply(step);
    if (this.#journal === null) {
      this.#journal = await open(journalOf(this.#file), "a");
      await syncFolder(dirname(this.#file));
    }
    await this.#journal.appendFile(`${JSON.stringify(step)}\n`);
    await this.#journal.datasync();
  }

  /** Replaces the file, and begins a new journal. */
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
    // until it is gone, it says nothing that the file does not say
    await this.#journal?.close();
    this.#journal = null;
    await rm(journalOf(this.#file), { force: true });
  }
}

function journalOf(file: string): string {
  return `${file}.journal`;
}

// A line that is cut short is of a step that was not begun, or is not known to have ended.
async function readJournal(file: string): Promise<Step[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return [];
  }
  const steps = text.split("\n").slice(0, -1).map(parseStep);
  return steps.map((step) => {
    if (step !== null) return step;
    throw new Error(`${file} is damaged; remove it and what is beside it to compare all anew`);
  });
}

function parseStep(line: string): Step | null {
  try {
    const { path, known } = JSON.parse(line) as Partial<Step>;
    if (typeof path !== "string" || known === undefined) return null;
    return known === null || known === "folder" || isBase(known) ? { path, known } : null;
  } catch {
    return null;
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

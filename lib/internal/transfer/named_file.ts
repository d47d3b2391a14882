// A file by its name: written beside it, as NAME.part, and put in its place when it is whole and on
// the disk. So a reader finds the old file or the new one, whatever happens meanwhile.
import { constants, type Stats } from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";
import path from "node:path";
import { Failed, systemFailure } from "./failed_transfer.js";
import { OpenFile } from "./open_file.js";
import type { Target } from "./target.js";

/** Bytes written between one call to the disk and the next. */
const SYNC_STEP = 16 * 1024 * 1024;

/** Where the file is to be, and what is there now. */
interface Place {
  readonly name: string;
  readonly old: Stats | null;
}

/** Parts that are being written by this process, by their names, and by what is behind these. */
const busy = new Set<string>();

export class NamedFile implements Target {
  readonly canRewind = true;
  #name: string;
  #old: Stats | null;
  #handle: FileHandle;
  #file: OpenFile;
  /** Which file the part is. */
  #part: Stats;
  #unsynced = 0;
  #isSyncing = false;
  #synced: Promise<unknown> = Promise.resolve();
  #syncError: Failed | null = null;
  /** The URL that a part is kept for; `null` where it is not. */
  #url: string | null;

  private constructor(
    { name, old }: Place,
    { handle, file, stat }: { handle: FileHandle; file: OpenFile; stat: Stats },
    url: string | null,
  ) {
    this.#part = stat;
    this.#name = name;
    this.#old = old;
    this.#handle = handle;
    this.#file = file;
    this.#url = url;
  }

  /**
   * @param url of the resource
   * @param resumes whether a part is gone on with, and kept for the next time
   */
  static async open(given: string, url: string, resumes: boolean): Promise<Target> {
    try {
      const place = await lookAt(given);
      const { name, old } = place;
      // devices and pipes are written to: there is nothing to put in their place
      if (old !== null && !old.isFile()) return await openSpecial(name);
      if (old !== null) await (await fs.open(name, constants.O_WRONLY)).close();
      return await NamedFile.#openPart(place, resumes ? url : null);
    } catch (error) {
      if (error instanceof Failed) throw error;
      throw systemFailure(`Could not write ${given}`, error);
    }
  }

  static async #openPart(place: Place, url: string | null): Promise<NamedFile> {
    const { name, old } = place;
    const part = `${name}.part`;
    if (busy.has(part)) throw new Failed(`Another download is writing ${part}`);
    busy.add(part);
    try {
      const handle = await openPart(part, old === null ? 0o666 : old.mode & 0o777, url !== null);
      const stat = await handle.stat();
      if (busy.has(identityOf(stat))) {
        await handle.close();
        throw new Failed(`Another download is writing ${part}`);
      }
      // an odd one that has been planted is looked at more closely
      const file = stat.isFile() ? OpenFile.ofOne(handle, stat.size) : await OpenFile.open(handle);
      busy.add(identityOf(stat));
      return new NamedFile(place, { handle, file, stat }, url);
    } catch (error) {
      busy.delete(part);
      throw error;
    }
  }

  get at(): number {
    return this.#file.at;
  }

  async restart(): Promise<void> {
    // or it would cut what has been put in the file's place meanwhile
    await this.#needOwn(`${this.#name}.part`);
    return this.#file.restart();
  }

  async write(block: Buffer): Promise<void> {
    await this.#file.write(block);
    this.#unsynced += block.length;
    if (this.#unsynced < SYNC_STEP || this.#isSyncing) return;
    // the disk works while more comes, so that little is left to wait for at the end
    this.#unsynced = 0;
    this.#isSyncing = true;
    this.#synced = this.#handle
      .datasync()
      .catch((error: unknown) => (this.#syncError ??= systemFailure(this.#doing(), error)))
      .then(() => (this.#isSyncing = false));
  }

  #doing(): string {
    return `Could not write ${this.#name}`;
  }

  readBack(): AsyncIterable<Buffer> {
    return this.#file.readBack();
  }

  async finish(): Promise<void> {
    const part = `${this.#name}.part`;
    try {
      await this.#file.finish();
      if (this.#old !== null) await this.#takeAfter(this.#old);
      await this.#synced;
      if (this.#syncError !== null) throw this.#syncError;
      await this.#handle.sync();
      await this.#needOwn(part);
      await this.#handle.close();
      if (this.#url !== null) await remove(`${part}.etag`);
      await fs.rename(part, this.#name);
      await syncFolder(path.dirname(this.#name));
      this.#setFree();
    } catch (error) {
      if (error instanceof Failed) throw error;
      throw systemFailure(this.#doing(), error);
    }
  }

  #setFree(): void {
    busy.delete(`${this.#name}.part`);
    busy.delete(identityOf(this.#part));
  }

  // Another process that downloads to the same name may have put its own part there.
  async #needOwn(part: string): Promise<void> {
    const stat = await fs.lstat(part).catch(() => null);
    if (stat?.ino === this.#part.ino && stat.dev === this.#part.dev) return;
    throw new Failed(`Another download is writing ${part}`);
  }

  async #takeAfter({ mode, uid, gid }: Stats): Promise<void> {
    const now = await this.#handle.stat();
    // only root may give a file away; first, since it takes some bits of the mode away
    if (now.uid !== uid || now.gid !== gid) await this.#handle.chown(uid, gid).catch(() => {});
    await this.#handle.chmod(mode & 0o7777);
  }

  async fail(): Promise<void> {
    const part = `${this.#name}.part`;
    try {
      await this.#synced;
      if (this.#url !== null && this.at > 0) return;
      await this.#needOwn(part);
      if (this.#url !== null) await remove(`${part}.etag`);
      await remove(part);
    } catch {
      // the transfer's own failure is the one to tell
    } finally {
      await this.#handle.close().catch(() => {});
      this.#setFree();
    }
  }

  async keptTag(): Promise<string | null> {
    try {
      const kept: unknown = JSON.parse(await fs.readFile(`${this.#name}.part.etag`, "utf8"));
      const { url: from, etag } = (kept ?? {}) as { url?: unknown; etag?: unknown };
      return from === this.#url && typeof etag === "string" ? etag : null;
    } catch {
      // none was kept, or not by us
      return null;
    }
  }

  async keepTag(etag: string | null): Promise<void> {
    const url = this.#url;
    if (url === null) return;
    const name = `${this.#name}.part.etag`;
    try {
      if (etag === null) await remove(name);
      else await fs.writeFile(name, JSON.stringify({ url, etag }));
    } catch (error) {
      throw systemFailure(`Could not write ${name}`, error);
    }
  }
}

/** Removes a file, if it is there. */
async function remove(name: string): Promise<void> {
  try {
    await fs.unlink(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** @param resumes whether a part that is there is gone on with; else there is to be a new one */
async function openPart(part: string, mode: number, resumes: boolean): Promise<FileHandle> {
  // a link would lead elsewhere, and a pipe hold up the opening
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
  if (resumes && (await isOwnPart(part))) return fs.open(part, flags, mode);
  try {
    return await fs.open(part, flags | O_EXCL, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const stat = await fs.lstat(part).catch(() => null);
    const isBusy = stat !== null && busy.has(identityOf(stat));
    if (isBusy) throw new Failed(`Another download is writing ${part}`);
    // a tag must never outlive its part: it would be taken for the next one's
    await remove(`${part}.etag`);
    await remove(part);
    return fs.open(part, flags | O_EXCL, mode);
  }
}

// A file may have several names: by a link to its folder, or in letters that the system takes for
// the same.
function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** Whether a part that is there can be gone on with: another name of it is another file's. */
async function isOwnPart(part: string): Promise<boolean> {
  const stat = await fs.lstat(part).catch(() => null);
  return stat === null || (stat.isFile() && stat.nlink === 1);
}

// The system refuses directories and sockets.
async function openSpecial(name: string): Promise<Target> {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK;
  return OpenFile.openOwn(await fs.open(name, flags));
}

async function lookAt(given: string): Promise<Place> {
  try {
    const stat = await fs.lstat(given);
    if (!stat.isSymbolicLink()) return { name: path.resolve(given), old: stat };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { name: path.resolve(given), old: null };
  }
  return lookBehind(given);
}

// A link stays, and what it leads to is replaced, or still to be made.
async function lookBehind(link: string): Promise<Place> {
  try {
    const name = await fs.realpath(link);
    return { name, old: await fs.stat(name) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const folder = await fs.realpath(path.dirname(link));
    return lookAt(path.resolve(folder, await fs.readlink(link)));
  }
}

/** Folders that are being brought to the disk, and those that will be when that is over. */
const syncing = new Map<string, Promise<void>>();
const waiting = new Map<string, Promise<void>>();

// A rename is on the disk when its folder is. What has been renamed while the folder was under way
// waits for the next time, all of it for the same one.
function syncFolder(name: string): Promise<void> {
  const next = waiting.get(name) ?? afterwards(name, syncing.get(name) ?? Promise.resolve());
  waiting.set(name, next);
  return next;
}

async function afterwards(name: string, before: Promise<void>): Promise<void> {
  await before;
  const mine = waiting.get(name) ?? Promise.resolve();
  waiting.delete(name);
  syncing.set(name, mine);
  await syncNow(name);
  if (syncing.get(name) === mine) syncing.delete(name);
}

// Where that cannot be asked for, the system decides.
async function syncNow(name: string): Promise<void> {
  try {
    const folder = await fs.open(name, constants.O_RDONLY);
    await folder.sync().finally(() => folder.close());
  } catch {
    // no such thing on this system
  }
}

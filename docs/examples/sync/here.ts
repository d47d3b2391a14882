// The local folder: what is in it, by content, and changes to it that overwrite nothing that was
// not known before.
import { createHash } from "node:crypto";
import { constants, type BigIntStats } from "node:fs";
import { copyFile, link, lstat, open, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Base } from "./decide.js";
import { faultOf, isOwn } from "./names.js";
import { emptySide, type Side } from "./side.js";
import { syncFolder } from "./state.js";

/** A file as it was read. */
export interface LocalFile {
  readonly hash: string;
  /** size, times and number: the same mark is the same content, unless the file is young */
  readonly mark: string;
  readonly young: boolean;
}

/** Within so many milliseconds a second change may bear the same time. */
const YOUNG_MS = 2000;

/** Thrown where a file is not what it was when the step was decided. */
export class Changed extends Error {}

/** Reads the whole folder. What cannot be read is unknown. */
export async function readHere(
  root: string,
  bases: ReadonlyMap<string, Base>,
): Promise<Side<LocalFile>> {
  const side = emptySide<LocalFile>();
  await readFolder(root, "", bases, side);
  return side;
}

async function readFolder(
  root: string,
  folder: string,
  bases: ReadonlyMap<string, Base>,
  side: Side<LocalFile>,
): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true, encoding: "buffer" });
  for (const entry of entries) {
    const name = entry.name.toString();
    const path = folder === "" ? name : `${folder}/${name}`;
    const isText = Buffer.from(name).equals(entry.name);
    const fault = isText ? faultOf(name) : "is not UTF-8";
    if (isOwn(name)) continue;
    if (fault !== null) {
      side.unknown.set(path, `the name ${fault}`);
    } else if (entry.isDirectory()) {
      side.folders.set(path, path);
      await orUnknown(path, side, () => readFolder(root, path, bases, side));
    } else if (entry.isFile()) {
      await orUnknown(path, side, async () => {
        side.files.set(path, await readFile(join(root, path), bases.get(path)));
      });
    } else {
      side.unknown.set(path, "neither a file nor a folder");
    }
  }
}

async function orUnknown(
  path: string,
  side: Side<LocalFile>,
  read: () => Promise<void>,
): Promise<void> {
  try {
    await read();
  } catch (error) {
    side.unknown.set(path, (error as Error).message);
  }
}

/** Reads a file, or takes the hash of a base whose mark it still has. */
export async function readFile(file: string, base?: Base): Promise<LocalFile> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const before = await handle.stat({ bigint: true });
    const mark = markOf(before);
    const young = Date.now() - Number(before.ctimeMs) < YOUNG_MS;
    if (base?.mark === mark) return { hash: base.hash, mark, young };
    const hash = createHash("sha256");
    for await (const block of handle.createReadStream({ autoClose: false })) {
      hash.update(block as Buffer);
    }
    if (markOf(await handle.stat({ bigint: true })) !== mark) throw new Changed("is being written");
    return { hash: hash.digest("hex"), mark, young };
  } finally {
    await handle.close();
  }
}

function markOf(stat: BigIntStats): string {
  return `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.ino}`;
}

/** The last look before a file is replaced or removed: it has to be the one that was read. */
export async function needUnchanged(file: string, known: LocalFile): Promise<void> {
  const stat = await lstat(file, { bigint: true });
  if (!stat.isFile() || markOf(stat) !== known.mark) throw new Changed("changed meanwhile");
}

/** Puts a file where there is none; fails with EEXIST where there is one after all. */
export async function placeNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL); // a disk without hard links
  }
  await syncFolder(dirname(to));
  await unlink(from);
}

export async function replace(from: string, to: string, known: LocalFile): Promise<void> {
  await needUnchanged(to, known);
  await rename(from, to);
  await syncFolder(dirname(to));
}

export async function remove(file: string, known: LocalFile): Promise<void> {
  await needUnchanged(file, known);
  await unlink(file);
}

/** @returns whether it was empty and is gone. */
export async function removeFolder(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
  }
}

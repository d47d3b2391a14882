// What both sides have, brought together: which of the server's names is which local one, and which
// paths have to be left alone.
import type { Base } from "./decide.js";
import { foldersAbove, foldName, parentOf } from "./names.js";
import type { LocalFile } from "./here.js";
import type { Side } from "./side.js";
import type { RemoteFile } from "./there.js";

export interface Known {
  readonly files: ReadonlyMap<string, Base>;
  readonly folders: ReadonlySet<string>;
}

/**
 * The server's side under local names. A server or a disk may keep names in another case or form of
 * Unicode: a name that has no partner is taken for one that differs in nothing else and has none.
 */
export function pair(
  here: Side<LocalFile>,
  there: Side<RemoteFile>,
  known: Known,
): Side<RemoteFile> {
  const shown = new Set([...there.files.keys(), ...there.folders.keys(), ...there.unknown.keys()]);
  const local = [...here.files.keys(), ...here.folders.keys()];
  const ours = new Set([...local, ...known.files.keys(), ...known.folders]);
  const lonely = new Map<string, string>();
  for (const path of ours) if (!shown.has(path)) lonely.set(foldName(path), path);
  const strangers = new Map<string, number>();
  for (const path of shown) {
    const fold = foldName(path);
    if (!ours.has(path)) strangers.set(fold, (strangers.get(fold) ?? 0) + 1);
  }
  const named = (path: string): string => {
    // several that differ in nothing else are several files: none of them is the partner
    const isOne = strangers.get(foldName(path)) === 1;
    const partner = ours.has(path) ? path : isOne ? lonely.get(foldName(path)) : undefined;
    const parent = parentOf(path);
    if (partner !== undefined || parent === "") return partner ?? path;
    return named(parent) + path.slice(parent.length);
  };
  const rename = <T>(paths: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...paths].map(([path, value]) => [named(path), value]));
  return {
    files: rename(there.files),
    folders: rename(there.folders),
    unknown: rename(there.unknown),
  };
}

/** Paths to leave alone, all below them included, with the reason. */
export function findUnknown(
  here: Side<LocalFile>,
  there: Side<RemoteFile>,
): Map<string, string> {
  const unknown = new Map([...there.unknown, ...here.unknown]);
  const aFolderAndAFile = "a folder on one side and a file on the other";
  for (const [one, other] of [[here, there], [there, here]] as const) {
    for (const path of one.folders.keys()) {
      if (other.files.has(path)) unknown.set(path, aFolderAndAFile);
    }
  }
  return unknown;
}

export function isLeftAlone(path: string, unknown: ReadonlyMap<string, string>): boolean {
  return [path, ...foldersAbove(path)].some((each) => unknown.has(each));
}

/**
 * The side that shows none of several files that both had: an unmounted disk and a server with
 * another root look like that, and so does a folder that was emptied. Only a person knows.
 */
export function findEmptied(
  here: Side<LocalFile>,
  there: Side<RemoteFile>,
  known: Known,
): "this folder" | "the server" | null {
  const paths = [...known.files.keys()];
  if (paths.length < 2) return null;
  const shows = ({ files, unknown }: Side<unknown>): boolean =>
    paths.some((path) => files.has(path) || isLeftAlone(path, unknown));
  const [hereShows, thereShows] = [shows(here), shows(there)];
  if (hereShows === thereShows) return null;
  return hereShows ? "the server" : "this folder";
}

// One run: both sides are read, each file is decided about, and the steps are carried out one by
// one. A step that fails leaves its file as it is, and the others go on.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { nx_error } from "libneon/nx_script";
import { decide } from "./decide.js";
import * as disk from "./here.js";
import type { LocalFile } from "./here.js";
import { conflictName, foldersAbove, parentOf } from "./names.js";
import { findEmptied, findUnknown, isLeftAlone, pair } from "./plan.js";
import type { Side } from "./side.js";
import type { State } from "./state.js";
import type { RemoteFile, There } from "./there.js";
import type { Workspace } from "./workspace.js";

export interface Settings {
  readonly root: string;
  readonly workspace: Workspace;
  readonly state: State;
  readonly server: There;
  /** believe a side that shows nothing of what was there */
  readonly emptied: boolean;
  readonly say: (what: string, path: string, why?: string) => void;
}

const STILL_THERE = "not in the server's listing, but the server has it";

/** @returns how many paths somebody should look at: those left alone, and conflicts. */
export async function synchronise(settings: Settings): Promise<number> {
  const { root, state, server } = settings;
  const here = await disk.readHere(root, state.files);
  const there = pair(here, await server.read(), state);
  const emptied = settings.emptied ? null : findEmptied(here, there, state);
  if (emptied !== null) {
    throw new Error(
      `${emptied} shows none of the ${state.files.size} files that both had; ` +
        "if they were meant to go, say --emptied",
    );
  }
  const run = new Run(settings, here, there);
  await run.files();
  await run.folders();
  return run.left;
}

class Run {
  left = 0;
  readonly #settings: Settings;
  readonly #here: Side<LocalFile>;
  readonly #there: Side<RemoteFile>;
  readonly #unknown: Map<string, string>;

  constructor(settings: Settings, here: Side<LocalFile>, there: Side<RemoteFile>) {
    this.#settings = settings;
    this.#here = here;
    this.#there = there;
    this.#unknown = findUnknown(here, there);
    for (const [path, why] of this.#unknown) this.#leave(path, why);
  }

  async files(): Promise<void> {
    const { state } = this.#settings;
    const all = [...this.#here.files.keys(), ...this.#there.files.keys(), ...state.files.keys()];
    for (const path of [...new Set(all)].sort()) {
      if (!isLeftAlone(path, this.#unknown)) await this.#orLeave(path, () => this.#file(path));
    }
  }

  async #file(path: string): Promise<void> {
    const { state, say } = this.#settings;
    const base = state.files.get(path) ?? null;
    const here = this.#here.files.get(path) ?? null;
    const there = this.#there.files.get(path) ?? null;
    const decision = decide(base, here?.hash ?? null, there?.version ?? null);
    if (decision === "nothing") return;
    if (decision === "forget") return state.forget(path);
    if (decision === "compare" || decision === "replace here") {
      return this.#compare(path, here, there);
    }
    await state.begin(path);
    if (decision === "create there") await this.#createThere(path, here);
    if (decision === "replace there") await this.#replaceThere(path, here, there);
    if (decision === "create here") await this.#createHere(path, there);
    if (decision === "remove there") await this.#removeThere(path, there);
    if (decision === "remove here") await this.#removeHere(path, here);
    say(decision, path);
  }

  async #createThere(path: string, here: LocalFile | null): Promise<void> {
    const { root, server } = this.#settings;
    for (const folder of foldersAbove(path)) await this.#folderThere(folder);
    const spelling = this.#spell(path);
    const etag = await server.create(spelling, join(root, path));
    await this.#settle(path, spelling, need(here), etag);
  }

  async #replaceThere(
    path: string,
    here: LocalFile | null,
    there: RemoteFile | null,
  ): Promise<void> {
    const { root, server } = this.#settings;
    const { spelling } = need(there);
    const etag = await server.replace(need(there), join(root, path));
    await this.#settle(path, spelling, need(here), etag);
  }

  // The server has what this side has, if the file kept still and the answer named the version;
  // else the content is read back. What is not sure stays pending, for the next run to compare.
  async #settle(path: string, spelling: string, here: LocalFile, etag: string): Promise<void> {
    const { root, workspace, server } = this.#settings;
    await disk.needUnchanged(join(root, path), here);
    let version = etag;
    if (etag === "") {
      const copy = workspace.incoming();
      version = await server.fetch(spelling, copy);
      const { hash } = await disk.readFile(copy);
      if (hash !== here.hash) throw new disk.Changed("changed on the server meanwhile");
    }
    await this.#alike(path, here, version);
  }

  #alike(path: string, { hash, mark, young }: LocalFile, version: string): Promise<void> {
    const { state } = this.#settings;
    return state.setFile(path, { hash, mark: young ? "" : mark, version, pending: false });
  }

  async #createHere(path: string, there: RemoteFile | null): Promise<void> {
    const { root, workspace, server } = this.#settings;
    const copy = workspace.incoming();
    const version = await server.fetch(need(there).spelling, copy);
    for (const folder of foldersAbove(path)) await this.#folderHere(folder);
    await disk.placeNew(copy, join(root, path));
    await this.#alike(path, await disk.readFile(join(root, path)), version);
  }

  // Both sides may have a new version. Which of them are new is known by their content.
  async #compare(path: string, here: LocalFile | null, there: RemoteFile | null): Promise<void> {
    const { root, workspace, server, state, say } = this.#settings;
    const base = state.files.get(path);
    const copy = workspace.incoming();
    const version = await server.fetch(need(there).spelling, copy);
    const { hash } = await disk.readFile(copy);
    const mine = need(here);
    const file = join(root, path);
    if (hash === mine.hash) return this.#alike(path, mine, version);
    const isMineOld = base !== undefined && mine.hash === base.hash && !base.pending;
    await state.begin(path);
    if (isMineOld) {
      await disk.replace(copy, file, mine);
      say("replace here", path);
    } else {
      await this.#keepBoth(path, mine, copy);
    }
    await this.#alike(path, await disk.readFile(file), version);
  }

  // The server's version keeps the name, since others know it by that; ours gets a new one.
  async #keepBoth(path: string, mine: LocalFile, copy: string): Promise<void> {
    const { root, say } = this.#settings;
    const other = this.#freeName(path);
    await disk.needUnchanged(join(root, path), mine);
    await disk.placeNew(join(root, path), join(root, other));
    await disk.placeNew(copy, join(root, path));
    this.left++;
    say("conflict", path, `the version from here is now ${other}`);
    const moved = await disk.readFile(join(root, other));
    this.#here.files.set(other, moved);
    await this.#orLeave(other, async () => {
      await this.#createThere(other, moved);
      say("create there", other);
    });
  }

  #freeName(path: string): string {
    const now = new Date();
    for (let count = 1; ; count++) {
      const name = conflictName(path, now, count);
      if (!this.#here.files.has(name) && !this.#there.files.has(name)) return name;
    }
  }

  async #removeThere(path: string, there: RemoteFile | null): Promise<void> {
    await this.#settings.server.remove(need(there));
    this.#there.files.delete(path);
    await this.#settings.state.forget(path);
  }

  // A listing that does not name a file is not enough: the server is asked for the file itself.
  async #removeHere(path: string, here: LocalFile | null): Promise<void> {
    const { root, server, state } = this.#settings;
    if (!(await server.isGone(this.#spell(path)))) throw new disk.Changed(STILL_THERE);
    await disk.remove(join(root, path), need(here));
    this.#here.files.delete(path);
    await state.forget(path);
  }

  /** Folders that are on one side only: new ones are made, old ones removed when they are empty. */
  async folders(): Promise<void> {
    const { state } = this.#settings;
    const [here, there] = [this.#here.folders, this.#there.folders];
    const all = [...new Set([...here.keys(), ...there.keys(), ...state.folders])].sort();
    const known = all.filter((path) => !isLeftAlone(path, this.#unknown));
    for (const path of known) {
      if (state.folders.has(path) && here.has(path) !== there.has(path)) continue;
      await this.#orLeave(path, async () => {
        if (here.has(path)) await this.#folderThere(path);
        if (there.has(path)) await this.#folderHere(path);
        if (!here.has(path) && !there.has(path)) await state.forget(path);
      });
    }
    for (const path of known.reverse()) {
      if (here.has(path) !== there.has(path)) {
        await this.#orLeave(path, () => this.#removeFolder(path));
      }
    }
  }

  // What is new in a folder that went away on the other side brings the folder back.
  async #removeFolder(path: string): Promise<void> {
    const { root, server, state, say } = this.#settings;
    if (this.#here.folders.has(path)) {
      if (!(await server.isGone(this.#spell(path)))) throw new disk.Changed(STILL_THERE);
      if (!(await disk.removeFolder(join(root, path)))) {
        for (const folder of [...foldersAbove(path), path]) await this.#folderThere(folder);
        return;
      }
      say("remove here", `${path}/`);
      this.#here.folders.delete(path);
    } else {
      const spelling = this.#there.folders.get(path) ?? path;
      if (!(await server.removeFolder(spelling))) {
        for (const folder of [...foldersAbove(path), path]) await this.#folderHere(folder);
        return;
      }
      say("remove there", `${path}/`);
      this.#there.folders.delete(path);
    }
    await state.forget(path);
  }

  async #folderThere(path: string): Promise<void> {
    const { server, state, say } = this.#settings;
    if (!this.#there.folders.has(path)) {
      const spelling = this.#spell(path);
      await server.makeFolder(spelling);
      this.#there.folders.set(path, spelling);
      say("create there", `${path}/`);
    }
    await state.setFolder(path);
  }

  async #folderHere(path: string): Promise<void> {
    const { root, state, say } = this.#settings;
    if (!this.#here.folders.has(path)) {
      await mkdir(join(root, path));
      this.#here.folders.set(path, path);
      say("create here", `${path}/`);
    }
    await state.setFolder(path);
  }

  // Something new is spelled as here, in a folder that is spelled as there.
  #spell(path: string): string {
    const parent = parentOf(path);
    return (this.#there.folders.get(parent) ?? parent) + path.slice(parent.length);
  }

  // One file that is refused, locked or changing is no reason to stop; a server that is gone is.
  async #orLeave(path: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof nx_error && error.status === null && !isOfTheDisk(error)) throw error;
      this.#leave(path, (error as Error).message);
    }
  }

  #leave(path: string, why: string): void {
    this.left++;
    this.#settings.say("left", path, why);
  }
}

// A transfer fails for want of a readable file or of room as well. A write to a file that is open
// fails without a path, as one to a connection does.
function isOfTheDisk({ cause }: nx_error): boolean {
  if (!(cause instanceof Error) || !("syscall" in cause)) return false;
  const { code = "" } = cause as NodeJS.ErrnoException;
  return "path" in cause || ["EDQUOT", "EFBIG", "EIO", "ENOSPC", "EROFS"].includes(code);
}

function need<T>(value: T | null): T {
  if (value === null) throw new Error("decided without looking");
  return value;
}

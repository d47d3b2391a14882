// The collection on the server: what is in it, by ETag, and changes to it, each with a condition,
// so that a version which somebody else has just written is never overwritten or removed.
import { setTimeout } from "node:timers/promises";
import { ne_delete, ne_move } from "libneon/ne_basic";
import { NE_OK } from "libneon/ne_request";
import { ne_get_error, ne_session_destroy, type ne_session } from "libneon/ne_session";
import { ne_path_unescape } from "libneon/ne_uri";
import { nx_mkcol, nx_path, nx_stat } from "libneon/nx_dav";
import { nx_error, nx_list, nx_send, type nx_resource } from "libneon/nx_script";
import { nx_download, nx_upload } from "libneon/nx_transfer";
import { isSameVersion } from "./decide.js";
import { Changed } from "./here.js";
import { faultOf, isOwn, parentOf } from "./names.js";
import { emptySide, type Side } from "./side.js";

export interface RemoteFile {
  /** its path as the server spells it, relative to the collection */
  readonly spelling: string;
  readonly version: string;
}

const AT_ONCE = 4;
/** How long a server may call the ETag of a new file weak: its clock tells whole seconds. */
const YOUTH_MS = 2000;
const SET_ASIDE = ".libneon-removed-";

export class There {
  readonly sess: ne_session;
  readonly #root: readonly string[];
  /** ends when everything that was listed has its final ETag */
  #grown: Promise<void> | null = null;
  /** whether listings tell ETags: those of other answers are no versions where they don't */
  #tellsTags: boolean | null = null;

  /** @param root the decoded names of the path of the collection */
  constructor(sess: ne_session, root: readonly string[]) {
    this.sess = sess;
    this.#root = root;
  }

  close(): void {
    ne_session_destroy(this.sess);
  }

  #file(path: string): string {
    return nx_path(...this.#root, ...path.split("/"));
  }

  #folder(path: string): string {
    return nx_path(...this.#root, ...(path === "" ? [] : path.split("/")), "");
  }

  /** Makes the collection itself, if there is none. */
  async makeRoot(): Promise<void> {
    if ((await nx_stat(this.sess, this.#folder(""))) === null) await this.makeFolder("");
  }

  /**
   * Lists the whole collection. A folder that cannot be listed is unknown, and so is a member that
   * the server could not look at; where the collection itself cannot be listed, it throws.
   */
  async read(): Promise<Side<RemoteFile>> {
    const side = emptySide<RemoteFile>();
    const top = this.#folder("");
    const walk = nx_list(this.sess, top, {
      depth: Infinity,
      parallel: AT_ONCE,
      self: false,
      on_error: (path, error) => {
        const place = path === top ? null : this.#placeOf(path);
        if (place === null || place === "" || error.status === null) return "stop";
        side.unknown.set(place, error.message);
        return "skip";
      },
    });
    for await (const resource of walk) this.#note(resource, side);
    for (const path of side.folders.keys()) {
      if (isLeftover(path, side)) await this.#tidy(path, side);
    }
    return side;
  }

  // what a run that was killed had set aside
  async #tidy(path: string, side: Side<RemoteFile>): Promise<void> {
    if (!(await this.#isEmpty(path))) return;
    await this.#delete(this.#folder(path));
    side.folders.delete(path);
  }

  #note(resource: nx_resource, side: Side<RemoteFile>): void {
    const place = this.#placeOf(resource.path);
    if (place === "") return;
    if (place === null) {
      side.unknown.set(resource.path, "the server's name for it is none that a file can have");
    } else if (place.split("/").some(isOwn)) {
      return;
    } else if (resource.status !== null && resource.status.klass !== 2) {
      side.unknown.set(place, `the server says ${resource.status.code}`);
    } else if (side.files.has(place) || side.folders.has(place)) {
      side.unknown.set(place, "the server names it twice");
    } else if (resource.collection) {
      side.folders.set(place, place);
    } else {
      this.#noteTag(resource);
      side.files.set(place, { spelling: place, version: versionOf(resource) });
    }
  }

  #noteTag({ etag }: nx_resource): void {
    this.#tellsTags = etag !== null && this.#tellsTags !== false;
  }

  /** The names below the collection, joined by slashes; `null` where one may not be used here. */
  #placeOf(path: string): string | null {
    if (path.includes("?")) return null;
    const names = path.split("/").filter((part) => part !== "").map(ne_path_unescape);
    const isBelow = this.#root.every((name, at) => names[at] === name);
    const below = names.slice(this.#root.length);
    const isFit = below.every((name) => name !== null && faultOf(name) === null);
    return isBelow && isFit ? below.join("/") : null;
  }

  /** Whether the server surely has nothing by that name, asked once more and directly. */
  async isGone(path: string): Promise<boolean> {
    return (await nx_stat(this.sess, this.#file(path))) === null;
  }

  /** @returns the version that was fetched. */
  async fetch(spelling: string, to: string): Promise<string> {
    const before = this.#tellsTags === true ? null : await this.#versionNow(spelling);
    const { etag } = await nx_download(this.sess, this.#file(spelling), to);
    if (etag !== null && this.#tellsTags === true) return etag;
    const now = await this.#versionNow(spelling);
    if (before !== null && before !== now) throw new Changed("changed on the server meanwhile");
    return now;
  }

  async #versionNow(spelling: string): Promise<string> {
    const now = await nx_stat(this.sess, this.#file(spelling));
    if (now === null) throw new Changed("removed on the server meanwhile");
    this.#noteTag(now);
    return versionOf(now);
  }

  /** Uploads a file that must not be there yet. @returns its ETag, `""` where it was not told. */
  async create(path: string, from: string): Promise<string> {
    // there are servers that look at no condition, and names that they take for the same
    if (!(await this.isGone(path))) throw new Changed("the server has something by that name");
    const options = { protocol: "put", if_none_match: "*" } as const;
    return await this.#upload(path, from, options);
  }

  /** Uploads a new version in place of the known one. @returns as `create`. */
  async replace(known: RemoteFile, from: string): Promise<string> {
    const if_match = await this.#strongTag(known);
    const options = { protocol: "put", if_match } as const;
    return await this.#upload(known.spelling, from, options);
  }

  async #upload(
    path: string,
    from: string,
    options: Parameters<typeof nx_upload>[3],
  ): Promise<string> {
    try {
      const { etag } = await nx_upload(this.sess, this.#file(path), from, options);
      if (etag === null) return "";
      if (this.#tellsTags === null) await this.#versionNow(path);
      return this.#tellsTags === true ? etag : "";
    } catch (error) {
      if (error instanceof nx_error && error.status?.code === 412) {
        throw new Changed("changed on the server meanwhile");
      }
      throw error;
    }
  }

  /** Removes the known version of a file. */
  async remove(known: RemoteFile): Promise<void> {
    const tag = await this.#strongTag(known);
    const path = this.#file(known.spelling);
    // If-Match is HTTP's condition, If is WebDAV's: a server may look at one of them only
    const both = { "If-Match": tag, If: `<${path}> ([${tag}])` };
    if (await this.#deleteIf(path, both)) return;
    // Go's server takes an If without a lock for one that fails: what has the same ETag still
    await this.#strongTag(known);
    if (await this.#deleteIf(path, { "If-Match": tag })) return;
    throw new Changed("changed on the server meanwhile");
  }

  /** @returns whether it is gone; `false` where the condition failed. */
  async #deleteIf(path: string, headers: Record<string, string>): Promise<boolean> {
    const { ok, status, error } = await nx_send(this.sess, "DELETE", path, { headers });
    if (status?.code === 412) return false;
    if (status?.code === 404) return true;
    if (!ok || status?.code === 207) throw new Error(error);
    return true;
  }

  /**
   * The ETag for a condition on the known version. One that is weak never holds; while a file is
   * young, Apache has no other, so one wait of the run lets all files grow old enough.
   */
  async #strongTag(known: RemoteFile): Promise<string> {
    let tag = await this.#tagOf(known);
    if (!isStrong(tag)) {
      await (this.#grown ??= setTimeout(YOUTH_MS));
      tag = await this.#tagOf(known);
    }
    if (!isStrong(tag)) {
      throw new Changed("the server gives no strong ETag, so it can't be replaced safely");
    }
    return tag;
  }

  async #tagOf({ spelling, version }: RemoteFile): Promise<string | null> {
    const now = await nx_stat(this.sess, this.#file(spelling));
    if (now === null || !isSameVersion(versionOf(now), version)) {
      throw new Changed("changed on the server meanwhile");
    }
    return now.etag;
  }

  async makeFolder(path: string): Promise<void> {
    await nx_mkcol(this.sess, this.#folder(path), { exists_ok: true });
  }

  /**
   * Removes a folder that is empty. DELETE takes all that is in a folder, and has no condition for
   * it; so the folder is first set aside by a MOVE, after which nobody can put a file into it by
   * its name, and it comes back where somebody has done so just before.
   * @returns whether it was empty and is gone.
   */
  async removeFolder(path: string): Promise<boolean> {
    if (!(await this.#isEmpty(path))) return false;
    const parent = parentOf(path);
    const name = SET_ASIDE + Date.now().toString(36);
    const aside = parent === "" ? name : `${parent}/${name}`;
    await this.#move(path, aside);
    if (await this.#isEmpty(aside)) {
      await this.#delete(this.#folder(aside));
      return true;
    }
    await this.#move(aside, path);
    return false;
  }

  async #delete(path: string): Promise<void> {
    if ((await ne_delete(this.sess, path)) !== NE_OK) throw new Error(ne_get_error(this.sess));
  }

  async #isEmpty(path: string): Promise<boolean> {
    for await (const { self } of nx_list(this.sess, this.#folder(path))) if (!self) return false;
    return true;
  }

  async #move(from: string, to: string): Promise<void> {
    const done = await ne_move(this.sess, 0, this.#folder(from), this.#folder(to));
    if (done !== NE_OK) throw new Error(ne_get_error(this.sess));
  }
}

function isLeftover(path: string, { unknown }: Side<RemoteFile>): boolean {
  return path.slice(path.lastIndexOf("/") + 1).startsWith(SET_ASIDE) && !unknown.has(path);
}

function isStrong(tag: string | null): tag is string {
  return tag?.startsWith('"') === true;
}

/** What tells versions apart; of servers without ETags, size and date. */
function versionOf({ etag, size, modified }: nx_resource): string {
  return etag ?? `${size ?? "?"}/${modified?.getTime() ?? "?"}`;
}

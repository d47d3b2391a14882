// What the parts of the demo's WebDAV server share: the folder being served, one exchange with a
// client, the way from a request target to a file, and the refusal that any step may throw.
//
// A resource is known by its path: decoded, beginning with a slash, without one at its end ("/" for
// the root). A path never leads out of the folder: dot segments are refused, symbolic links are
// neither followed nor listed.

import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { join, sep } from "node:path";
import type { LockTable } from "./locks.js";
import type { DeadProperties } from "./dead.js";

/** Files with this beginning are uploads under way: not listed, not reachable. */
export const UPLOAD_PREFIX = ".dav-upload-";

/** Thrown by a step that turns the request down; becomes the response. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    /** what stands inside the response's DAV:error element, or plain text */
    readonly detail: { condition?: string; text?: string } = {},
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(`refused with ${status}`);
  }
}

/** A folder being served, with what WebDAV knows about it beyond the files. */
export interface Share {
  root: string;
  locks: LockTable;
  properties: DeadProperties;
  /** the status with which one resource refuses a method, 0 for none */
  refuse: (method: string, path: string) => number;
  gzip: boolean;
}

/** One request and its response. */
export interface Exchange {
  share: Share;
  req: IncomingMessage;
  res: ServerResponse;
  method: string;
  path: string;
  /** whether the request target ended in a slash */
  slash: boolean;
  /** lock tokens submitted with the If field */
  tokens: Set<string>;
  /** the client waits for 100 Continue, and did not get it yet */
  awaitsContinue: boolean;
}

/** A path, the file it stands for, and what is there now (`null` for nothing). */
export interface Resource {
  path: string;
  file: string;
  stat: Stats | null;
}

/** Decodes a request target, an absolute URL or a path, to a path. */
export function decodePath(target: string): string {
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target);
  const raw = target.slice(origin?.[0].length ?? 0).replace(/\?.*$/s, "");
  if (target.includes("#") || (raw !== "" && !raw.startsWith("/"))) throw new Refusal(400);
  const names = raw.split("/").filter((segment) => segment !== "").map(decodeSegment);
  return "/" + names.join("/");
}

/** The path that an If tag or a Destination names; `null` for one of another server. */
export function pathHere(reference: string, host: string): string | null {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(reference)?.[1];
  if (authority !== undefined && authority.toLowerCase() !== host.toLowerCase()) return null;
  return decodePath(reference);
}

function decodeSegment(segment: string): string {
  let name: string;
  try {
    name = decodeURIComponent(segment);
  } catch {
    throw new Refusal(400, { text: "a path must be percent-encoded UTF-8" });
  }
  if (name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw new Refusal(400);
  }
  if (name.includes(sep) || name.startsWith(UPLOAD_PREFIX)) throw new Refusal(403);
  return name;
}

/** The URL path of a resource, percent-encoded, with a slash at the end of a collection. */
export function hrefOf(path: string, collection: boolean): string {
  const href = path.split("/").map(encodeURIComponent).join("/");
  return collection && !href.endsWith("/") ? `${href}/` : href;
}

/** The parent's path; that of the root is the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** The path of a member. */
export function memberOf(path: string, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}

/** Whether `path` lies below `ancestor`. */
export function isBelow(path: string, ancestor: string): boolean {
  return path !== ancestor && path.startsWith(ancestor === "/" ? "/" : `${ancestor}/`);
}

/** Finds what a path stands for, looking at each step so that no link leads astray. */
export async function locate(share: Share, path: string): Promise<Resource> {
  let file = share.root;
  let stat = await lstatOrNull(file);
  for (const name of path.split("/")) {
    if (name === "") continue;
    file = join(file, name);
    stat = stat?.isDirectory() ? await lstatOrNull(file) : null;
    if (stat && !stat.isDirectory() && !stat.isFile()) throw new Refusal(403);
  }
  return { path, file, stat };
}

/** `locate` for a resource that has to be there. */
export async function locateExisting(
  share: Share,
  path: string,
): Promise<Resource & { stat: Stats }> {
  const found = await locate(share, path);
  if (!found.stat) throw new Refusal(404);
  return { ...found, stat: found.stat };
}

/** The members of a collection, in the order of their names. */
export async function membersOf(of: Resource): Promise<(Resource & { stat: Stats })[]> {
  const members: (Resource & { stat: Stats })[] = [];
  for (const name of (await readdir(of.file)).sort()) {
    if (name.startsWith(UPLOAD_PREFIX)) continue;
    const file = join(of.file, name);
    const stat = await lstatOrNull(file);
    if (stat && (stat.isDirectory() || stat.isFile())) {
      members.push({ path: memberOf(of.path, name), file, stat });
    }
  }
  return members;
}

async function lstatOrNull(file: string): Promise<Stats | null> {
  try {
    return await lstat(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new Refusal(statusOf(error));
  }
}

/** The status for what the file system refused. */
export function statusOf(error: unknown): number {
  switch ((error as NodeJS.ErrnoException).code) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ELOOP":
    case "ENOTEMPTY": // a link or an upload under way is left in it
      return 403;
    case "ENOENT":
      return 404;
    case "ENAMETOOLONG":
      return 414;
    case "ENOSPC":
    case "EDQUOT":
      return 507;
    default:
      return 500;
  }
}

/** Lets a client that asked with `Expect: 100-continue` send its body. */
export function sendContinue(x: Exchange): void {
  if (!x.awaitsContinue) return;
  x.awaitsContinue = false;
  x.res.writeContinue();
}

/** Begins the response. A body that the client still holds back is not waited for. */
export function writeHead(x: Exchange, status: number, headers: OutgoingHttpHeaders = {}): void {
  if (x.awaitsContinue) x.res.setHeader("Connection", "close");
  x.res.writeHead(status, headers);
}

/** Sends a whole response. */
export function answer(
  x: Exchange,
  status: number,
  headers: OutgoingHttpHeaders = {},
  body: string | Buffer = "",
): void {
  const bytes = Buffer.from(body as string);
  const length = status === 204 || status === 304 ? {} : { "Content-Length": bytes.length };
  writeHead(x, status, { ...length, ...headers });
  x.res.end(bytes);
}

/** Reads a request body into memory. */
export async function readBody(x: Exchange, limit: number): Promise<Buffer> {
  sendContinue(x);
  const blocks: Buffer[] = [];
  let length = 0;
  for await (const block of x.req as AsyncIterable<Buffer>) {
    length += block.length;
    if (length > limit) throw new Refusal(413, {}, { Connection: "close" });
    blocks.push(block);
  }
  return Buffer.concat(blocks);
}

// Locks of the demo's WebDAV server (RFC 4918, sections 6, 7, 9.10 and 9.11): the table of locks
// and the methods LOCK and UNLOCK. A lock whose time is over is dropped when it is next met.

import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import {
  answer,
  type Exchange,
  hrefOf,
  isBelow,
  locate,
  parentOf,
  Refusal,
} from "./share.js";
import {
  davChild,
  errorDocument,
  escapeXml,
  readXml,
  writeChildren,
  type XmlElement,
  XML_DECLARATION,
  XML_TYPE,
} from "./xml.js";
import { checkConditions } from "./conditions.js";
import { answerFailures } from "./multistatus.js";

const MAX_TIMEOUT = 7 * 24 * 3600; // seconds; a longer one is cut down to it, unless infinite

export interface Lock {
  token: string;
  /** what was locked */
  path: string;
  collection: boolean;
  infinite: boolean;
  exclusive: boolean;
  /** the owner element's content, written back as it came */
  owner: string;
  /** seconds, `Infinity` for a lock without end */
  timeout: number;
  expiresMs: number;
}

/** All locks of a share. */
export class LockTable {
  #byToken = new Map<string, Lock>();

  #alive(): Lock[] {
    const now = Date.now();
    for (const lock of this.#byToken.values()) {
      if (lock.expiresMs <= now) this.#byToken.delete(lock.token);
    }
    return [...this.#byToken.values()];
  }

  /** The locks that a resource is subject to, its own and those of infinite depth above it. */
  covering(path: string): Lock[] {
    if (this.#byToken.size === 0) return [];
    return this.#alive().filter(
      (lock) => lock.path === path || (lock.infinite && isBelow(path, lock.path)),
    );
  }

  /** The locks on members of a collection, at any depth. */
  below(path: string): Lock[] {
    return this.#alive().filter((lock) => isBelow(lock.path, path));
  }

  add(lock: Lock): void {
    this.#byToken.set(lock.token, lock);
  }

  remove(lock: Lock): void {
    this.#byToken.delete(lock.token);
  }

  /** The resource is gone, and its locks with it. */
  forget(path: string): void {
    for (const lock of this.#byToken.values()) {
      if (lock.path === path || isBelow(lock.path, path)) this.#byToken.delete(lock.token);
    }
  }

  /** Whether a resource is locked against who submits these tokens. */
  bars(path: string, tokens: ReadonlySet<string>): boolean {
    const locks = this.covering(path);
    return locks.length > 0 && !locks.some((lock) => tokens.has(lock.token));
  }
}

/** Refuses a change of a resource (or of who its members are) without the token of its lock. */
export function requireToken(x: Exchange, path: string): void {
  const { locks } = x.share;
  if (!locks.bars(path, x.tokens)) return;
  const [lock] = locks.covering(path) as [Lock];
  const href = escapeXml(hrefOf(lock.path, lock.collection));
  const condition = `<D:lock-token-submitted><D:href>${href}</D:href></D:lock-token-submitted>`;
  throw new Refusal(423, { condition });
}

/** The value of the lockdiscovery property. */
export function lockDiscovery(locks: readonly Lock[]): string {
  return locks.map(activeLock).join("");
}

function activeLock(lock: Lock): string {
  const owner = lock.owner === "" ? "" : `<D:owner>${lock.owner}</D:owner>`;
  return (
    "<D:activelock><D:locktype><D:write/></D:locktype>" +
    `<D:lockscope><D:${lock.exclusive ? "exclusive" : "shared"}/></D:lockscope>` +
    `<D:depth>${lock.infinite ? "infinity" : "0"}</D:depth>${owner}` +
    `<D:timeout>${timeoutText(lock)}</D:timeout>` +
    `<D:locktoken><D:href>${lock.token}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${escapeXml(hrefOf(lock.path, lock.collection))}</D:href></D:lockroot>` +
    "</D:activelock>"
  );
}

function timeoutText(lock: Lock): string {
  if (lock.timeout === Infinity) return "Infinite";
  return `Second-${Math.max(1, Math.round((lock.expiresMs - Date.now()) / 1000))}`;
}

/** LOCK: a new lock, or without a body the refresh of one. */
export async function lock(x: Exchange): Promise<void> {
  const request = await readXml(x);
  return request === null ? refresh(x) : create(x, request);
}

function refresh(x: Exchange): void {
  const [held] = x.share.locks.covering(x.path).filter((lock) => x.tokens.has(lock.token));
  if (x.req.headers["if"] === undefined) {
    throw new Refusal(400, { text: "LOCK without a body refreshes the lock named in If" });
  }
  if (!held) throw new Refusal(412, { condition: "<D:lock-token-matches-request-uri/>" });
  setTimeoutOf(held, x.req.headers["timeout"]);
  answerLock(x, 200, held, false);
}

async function create(x: Exchange, request: XmlElement): Promise<void> {
  const { locks } = x.share;
  const scope = davChild(request, "lockscope");
  const exclusive = scope !== undefined && davChild(scope, "exclusive") !== undefined;
  const shared = scope !== undefined && davChild(scope, "shared") !== undefined;
  const type = davChild(request, "locktype");
  if (request.name !== "lockinfo" || exclusive === shared || !type || !davChild(type, "write")) {
    throw new Refusal(422, { text: "lockinfo must ask for an exclusive or shared write lock" });
  }
  const depth = String(x.req.headers["depth"] ?? "infinity").toLowerCase();
  if (depth !== "0" && depth !== "infinity") throw new Refusal(400);

  const { stat, file } = await locate(x.share, x.path);
  checkConditions(x, stat);
  const collection = stat?.isDirectory() ?? false;
  const infinite = depth === "infinity";
  const conflicting = (lock: Lock): boolean => exclusive || lock.exclusive;
  refuseConflicts(locks.covering(x.path).filter(conflicting));
  const below = infinite ? locks.below(x.path).filter(conflicting) : [];
  if (below.length > 0) {
    const failures = below.map(({ path, collection }) => ({ path, collection, status: 423 }));
    answerFailures(x, [...failures, { path: x.path, collection, status: 424 }]);
    return;
  }
  if (!stat) {
    if (!(await locate(x.share, parentOf(x.path))).stat?.isDirectory()) throw new Refusal(409);
    requireToken(x, parentOf(x.path));
    await writeFile(file, "", { flag: "wx" });
  }
  const owner = davChild(request, "owner");
  const made: Lock = {
    token: `urn:uuid:${randomUUID()}`,
    path: x.path,
    collection,
    infinite,
    exclusive,
    owner: owner ? writeChildren(owner, null) : "",
    timeout: 0,
    expiresMs: 0,
  };
  setTimeoutOf(made, x.req.headers["timeout"]);
  locks.add(made);
  answerLock(x, stat ? 200 : 201, made, true);
}

// An exclusive lock stands next to no other; shared ones stand next to each other.
function refuseConflicts(conflicts: readonly Lock[]): void {
  if (conflicts.length === 0) return;
  const hrefs = conflicts.map((lock) => escapeXml(hrefOf(lock.path, lock.collection)));
  const list = hrefs.map((href) => `<D:href>${href}</D:href>`).join("");
  throw new Refusal(423, { condition: `<D:no-conflicting-lock>${list}</D:no-conflicting-lock>` });
}

function setTimeoutOf(lock: Lock, field: string | string[] | undefined): void {
  lock.timeout = parseTimeout(String(field ?? ""));
  lock.expiresMs = lock.timeout === Infinity ? Infinity : Date.now() + lock.timeout * 1000;
}

// The first wish of the list that can be read decides (section 10.7).
function parseTimeout(field: string): number {
  for (const wish of field.split(",")) {
    const seconds = /^\s*Second-(\d+)\s*$/i.exec(wish)?.[1];
    if (seconds !== undefined) return Math.max(1, Math.min(Number(seconds), MAX_TIMEOUT));
    if (/^\s*Infinite\s*$/i.test(wish)) return Infinity;
  }
  return MAX_TIMEOUT;
}

function answerLock(x: Exchange, status: number, lock: Lock, fresh: boolean): void {
  const body =
    `${XML_DECLARATION}<D:prop xmlns:D="DAV:">` +
    `<D:lockdiscovery>${activeLock(lock)}</D:lockdiscovery></D:prop>\n`;
  const token = fresh ? { "Lock-Token": `<${lock.token}>` } : {};
  answer(x, status, { ...token, "Content-Type": XML_TYPE }, body);
}

/** UNLOCK: removes the lock named in Lock-Token, which must cover the resource. */
export async function unlock(x: Exchange): Promise<void> {
  const token = /^\s*<([^>]*)>\s*$/.exec(String(x.req.headers["lock-token"] ?? ""))?.[1];
  if (token === undefined) throw new Refusal(400, { text: "UNLOCK needs a Lock-Token field" });
  const held = x.share.locks.covering(x.path).find((lock) => lock.token === token);
  if (!held) {
    const body = errorDocument("<D:lock-token-matches-request-uri/>");
    answer(x, 409, { "Content-Type": XML_TYPE }, body);
    return;
  }
  x.share.locks.remove(held);
  answer(x, 204);
}

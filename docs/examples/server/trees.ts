// MKCOL, DELETE, COPY and MOVE of the demo's WebDAV server (RFC 4918, sections 9.3 and 9.6 to 9.9).
// Where a member of a tree cannot be treated its collections stay too; the answer is then a 207
// that names the members, but not those collections.

import type { Stats } from "node:fs";
import { constants, copyFile, mkdir, rename, rmdir, unlink } from "node:fs/promises";
import { checkConditions } from "./conditions.js";
import { ALLOW } from "./files.js";
import { requireToken } from "./locks.js";
import { answerFailures, type Failure } from "./multistatus.js";
import {
  answer,
  type Exchange,
  isBelow,
  locate,
  locateExisting,
  membersOf,
  memberOf,
  parentOf,
  pathHere,
  Refusal,
  type Resource,
  statusOf,
} from "./share.js";

type Existing = Resource & { stat: Stats };

/** MKCOL: an empty collection, in one that is there. */
export async function mkcol(x: Exchange): Promise<void> {
  const { stat, file } = await locate(x.share, x.path);
  if (stat) throw new Refusal(405, {}, { Allow: ALLOW });
  if (Number(x.req.headers["content-length"] ?? 0) > 0 || x.req.headers["transfer-encoding"]) {
    throw new Refusal(415);
  }
  if (!(await locate(x.share, parentOf(x.path))).stat?.isDirectory()) throw new Refusal(409);
  checkConditions(x, null);
  requireToken(x, x.path);
  requireToken(x, parentOf(x.path));
  await mkdir(file);
  answer(x, 201);
}

/** DELETE of a file or a whole tree. */
export async function remove(x: Exchange): Promise<void> {
  const found = await locateExisting(x.share, x.path);
  if (x.path === "/") throw new Refusal(403);
  if (found.stat.isDirectory() && !/^infinity$/i.test(header(x, "depth") ?? "infinity")) {
    throw new Refusal(400, { text: "DELETE of a collection has depth infinity" });
  }
  checkConditions(x, found.stat);
  requireToken(x, x.path);
  requireToken(x, parentOf(x.path));
  finish(x, await removeTree(x, "DELETE", found), 204);
}

/** COPY and MOVE. */
export async function copyOrMove(x: Exchange): Promise<void> {
  const source = await locateExisting(x.share, x.path);
  const moves = x.method === "MOVE";
  const depth = (header(x, "depth") ?? "infinity").toLowerCase();
  if (depth !== "infinity" && (moves || depth !== "0")) throw new Refusal(400);
  const overwrite = (header(x, "overwrite") ?? "T").toUpperCase();
  if (overwrite !== "T" && overwrite !== "F") throw new Refusal(400);
  const path = destinationOf(x);
  const overlaps = path === x.path || isBelow(x.path, path) || isBelow(path, x.path);
  const apart = !overlaps || (isBelow(path, x.path) && depth === "0");
  if (!apart || path === "/" || (moves && x.path === "/")) throw new Refusal(403);

  const target = await locate(x.share, path);
  if (!(await locate(x.share, parentOf(path))).stat?.isDirectory()) throw new Refusal(409);
  checkConditions(x, source.stat);
  if (target.stat && overwrite === "F") throw new Refusal(412);
  if (moves) {
    requireToken(x, x.path);
    requireToken(x, parentOf(x.path));
  }
  requireToken(x, path);
  if (!target.stat) requireToken(x, parentOf(path));

  if (target.stat) {
    const failures = await removeTree(x, "DELETE", { ...target, stat: target.stat });
    if (failures.length > 0) return finish(x, failures, 0);
  }
  const act = moves ? moveTree : copyTree;
  const failures = await act(x, source, target, depth === "infinity");
  finish(x, failures, target.stat ? 204 : 201);
}

function header(x: Exchange, name: string): string | undefined {
  const value = x.req.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function destinationOf(x: Exchange): string {
  const field = header(x, "destination");
  if (field === undefined) throw new Refusal(400, { text: "a Destination field is missing" });
  const path = pathHere(field, x.req.headers.host ?? "");
  if (path === null) throw new Refusal(502, { text: "the destination is on another server" });
  return path;
}

// A failure of the request's own resource is the response itself.
function finish(x: Exchange, failures: readonly Failure[], status: number): void {
  const [first] = failures;
  if (!first) answer(x, status);
  else if (failures.length === 1 && first.path === x.path) throw new Refusal(first.status);
  else answerFailures(x, failures);
}

function failure(of: Existing, status: number): Failure {
  return { path: of.path, collection: of.stat.isDirectory(), status };
}

async function removeTree(x: Exchange, method: string, of: Existing): Promise<Failure[]> {
  const { refuse, locks, properties } = x.share;
  const refused = refuse(method, of.path) || (locks.bars(of.path, x.tokens) ? 423 : 0);
  if (refused) return [failure(of, refused)];
  const failures: Failure[] = [];
  try {
    if (of.stat.isDirectory()) {
      for (const member of await membersOf(of)) {
        failures.push(...(await removeTree(x, method, member)));
      }
      if (failures.length > 0) return failures;
      await rmdir(of.file);
    } else {
      await unlink(of.file);
    }
  } catch (error) {
    return [...failures, failure(of, statusOf(error))];
  }
  properties.forget(of.path);
  locks.forget(of.path);
  return [];
}

async function copyTree(
  x: Exchange,
  from: Existing,
  to: Resource,
  deep: boolean,
): Promise<Failure[]> {
  const refused = x.share.refuse("COPY", from.path);
  if (refused) return [failure(from, refused)];
  const failures: Failure[] = [];
  try {
    if (from.stat.isDirectory()) {
      const members = deep ? await membersOf(from) : [];
      await mkdir(to.file);
      for (const member of members) {
        failures.push(...(await copyTree(x, member, destinationBelow(to, from, member), deep)));
      }
    } else {
      await copyFile(from.file, to.file, constants.COPYFILE_EXCL);
    }
  } catch (error) {
    return [...failures, failure(from, statusOf(error))];
  }
  x.share.properties.copy(from.path, to.path);
  return failures;
}

async function moveTree(x: Exchange, from: Existing, to: Resource): Promise<Failure[]> {
  const { refuse, locks, properties } = x.share;
  const refused = refuse("MOVE", from.path) || (locks.bars(from.path, x.tokens) ? 423 : 0);
  if (refused) return [failure(from, refused)];
  const failures: Failure[] = [];
  try {
    if (from.stat.isDirectory()) {
      const members = await membersOf(from);
      await mkdir(to.file);
      properties.copy(from.path, to.path);
      for (const member of members) {
        failures.push(...(await moveTree(x, member, destinationBelow(to, from, member))));
      }
      if (failures.length > 0) return failures;
      await rmdir(from.file);
    } else {
      await rename(from.file, to.file);
      properties.copy(from.path, to.path);
    }
  } catch (error) {
    return [...failures, failure(from, statusOf(error))];
  }
  properties.forget(from.path);
  locks.forget(from.path);
  return [];
}

function destinationBelow(to: Resource, from: Resource, member: Resource): Resource {
  const name = member.path.slice(from.path === "/" ? 1 : from.path.length + 1);
  return { path: memberOf(to.path, name), file: `${to.file}/${name}`, stat: null };
}

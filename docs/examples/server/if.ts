// The If field of WebDAV (RFC 4918, section 10.4): lists of conditions on lock tokens and entity
// tags, each list for the resource of the request or for a tagged one. The field holds if any list
// does. Every token it names counts as submitted.

import { entityTag } from "./conditions.js";
import { type Exchange, locate, pathHere, Refusal } from "./share.js";

interface Condition {
  not: boolean;
  token: string | null;
  etag: string | null;
}

interface List {
  /** the tag, `null` for the resource of the request */
  tag: string | null;
  conditions: Condition[];
}

const TOKEN = /\s*(?:<([^<>]*)>|\[((?:W\/)?"[^"]*")\]|(\()|(\))|(Not\b))\s*/iy;

/** Reads an If field. @returns its lists, or `null` for text that is none. */
export function parseIf(field: string): List[] | null {
  const lists: List[] = [];
  let tag: string | null = null;
  let open: List | null = null;
  let not = false;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < field.length) {
    const match = TOKEN.exec(field);
    if (!match) return null;
    const [, uri, etag, begin, end] = match;
    if (open === null) {
      if (uri !== undefined) tag = uri;
      else if (begin !== undefined) open = { tag, conditions: [] };
      else return null;
    } else if (uri !== undefined || etag !== undefined) {
      open.conditions.push({ not, token: uri ?? null, etag: etag ?? null });
      not = false;
    } else if (end !== undefined && !not && open.conditions.length > 0) {
      lists.push(open);
      open = null;
    } else if (begin === undefined && end === undefined && !not) {
      not = true;
    } else {
      return null;
    }
  }
  return open === null && lists.length > 0 ? lists : null;
}

/** Checks the request's If field, if it has one, and notes the tokens submitted. */
export async function checkIf(x: Exchange): Promise<void> {
  const field = x.req.headers["if"];
  if (field === undefined) return;
  const lists = parseIf(String(field));
  if (lists === null) throw new Refusal(400, { text: "the If field cannot be read" });
  let holds = false;
  for (const list of lists) {
    for (const { token } of list.conditions) {
      if (token !== null) x.tokens.add(token);
    }
    holds = (await listHolds(x, list)) || holds;
  }
  if (!holds) throw new Refusal(412);
}

async function listHolds(x: Exchange, list: List): Promise<boolean> {
  const host = x.req.headers.host ?? "";
  const path = list.tag === null ? x.path : pathHere(list.tag, host);
  const locks = path === null ? [] : x.share.locks.covering(path);
  const stat = path === null ? null : (await locate(x.share, path)).stat;
  return list.conditions.every(({ not, token, etag }) => {
    const is =
      token !== null
        ? locks.some((lock) => lock.token === token)
        : stat !== null && entityTag(stat) === etag;
    return is !== not;
  });
}

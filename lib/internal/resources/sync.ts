// Synchronisation of a collection (RFC 6578): what changed since a token, in as many requests as
// the server needs. If the server threw the token away, everything is listed again; if it has no
// such report, entity tags are compared. A token is given only after everything before it.
import { mapSupply, type Supply, supplyOf } from "./batches.js";
import { failure } from "./failed_request.js";
import { Fingerprints } from "./fingerprints.js";
import { CUT_SHORT, ResourceCollector } from "./resource_collector.js";
import { listOnce, propfind, propfindBody } from "./propfind.js";
import { isAbsence } from "./stat.js";
import type { ne_propname } from "../../ne_props.js";
import { nx_error } from "../script/nx_error.js";
import { keyOf, locate } from "../uri/same_path.js";
import { HrefResolver } from "./href_resolver.js";
import { STANDARD_PROPS, type nx_resource } from "./resource.js";
import { walk } from "./walk.js";
import type { Call } from "./call.js";
import { escapeText, propElements, PROLOGUE } from "./xml_text.js";

/** Requests without any change before the responses are taken to be without end. */
const MAX_EMPTY_ROUNDS = 100;

/** One member that changed. */
export interface nx_change {
  /** its URL path, percent-encoded */
  readonly path: string;
  /** whether it is gone */
  readonly removed: boolean;
  /**
   * the resource, `null` for a member that is gone. If it has a `status`, the server failed to read
   * it
   */
  readonly resource: nx_resource | null;
}

/** A synchronisation to do. */
export interface Syncing {
  readonly path: string;
  readonly level: 1 | "infinite";
  /** Changes to ask for at a time, `null` for all. */
  readonly limit: number | null;
  readonly props: readonly ne_propname[];
  /** `""` for none. */
  readonly token: string;
  /** What is known already, by path. */
  readonly known: ReadonlyMap<string, string> | null;
}

/** What came of it, as far as it is known. */
export interface SyncState {
  token: string | null;
  anew: boolean;
}

/** Gives the changes. `state` has the next token when all were taken. */
export async function* sync(
  call: Call,
  syncing: Syncing,
  state: SyncState,
): AsyncGenerator<Supply<nx_change>> {
  if (syncing.known !== null) return yield* syncKnown(call, syncing, syncing.known, state);
  let next: string;
  try {
    next = yield* rounds(call, syncing, syncing.token);
  } catch (error) {
    if (syncing.token === "" || !isForgotten(error)) throw error;
    state.anew = true;
    next = yield* rounds(call, syncing, "");
  }
  state.token = next;
}

// The token is not valid any more.
function isForgotten(error: unknown): boolean {
  if (!(error instanceof nx_error)) return false;
  return error.condition === "valid-sync-token" || error.status?.code === 410;
}

/** Asks until nothing is left out. @returns the token to go on with */
async function* rounds(
  call: Call,
  syncing: Syncing,
  first: string,
): AsyncGenerator<Supply<nx_change>, string> {
  let token = first;
  let empty = 0;
  for (;;) {
    const round = { isCut: false, isEmpty: true };
    const next: string | null = yield* askOnce(call, syncing, token, round);
    const { path } = syncing;
    if (next === null || next === "") throw failure("the answer has no sync-token", { path });
    if (!round.isCut) return next;
    empty = round.isEmpty ? empty + 1 : 0;
    if (next === token || empty > MAX_EMPTY_ROUNDS) {
      throw failure("the server cuts every answer short and does not go on", { path });
    }
    token = next;
  }
}

async function* askOnce(
  call: Call,
  syncing: Syncing,
  token: string,
  round: { isCut: boolean; isEmpty: boolean },
): AsyncGenerator<Supply<nx_change>, string | null> {
  const { path } = syncing;
  const collector = new ResourceCollector(path);
  const body = syncBody(call.caller, syncing, token);
  const request = call.send({ method: "REPORT", path, depth: 0, body }, (response, batch) => {
    collector.take(response, batch, (kind) => {
      // a server may know the collection by another name; it speaks of no member at any rate
      if (response.status?.code !== CUT_SHORT || kind !== "elsewhere") return kind !== "self";
      round.isCut = true;
      return false;
    });
  });
  try {
    while (await request.hasMore()) {
      round.isEmpty = false;
      yield mapSupply(request, (batch) => batch.map(changeOf));
    }
    // what the server does not say about a collection that it refuses is not "no members"
    collector.checkOwn(path);
    round.isCut ||= collector.isCut;
    return request.token;
  } finally {
    await call.end(request);
  }
}

function changeOf(resource: nx_resource): nx_change {
  const removed = isAbsence(resource.status?.code);
  return { path: resource.path, removed, resource: removed ? null : resource };
}

function syncBody(caller: string, { level, limit, props }: Syncing, token: string): string {
  const bound = limit === null ? "" : `<D:limit><D:nresults>${limit}</D:nresults></D:limit>`;
  const wanted = propElements([...STANDARD_PROPS, ...props], caller);
  const text = escapeText(token, caller, "the token");
  return (
    `${PROLOGUE}<D:sync-collection xmlns:D="DAV:"><D:sync-token>${text}</D:sync-token>` +
    `<D:sync-level>${level}</D:sync-level>${bound}<D:prop>${wanted}</D:prop></D:sync-collection>`
  );
}

// ---- by entity tags ----

/** What is known of a member, or was told of it since. */
interface Member {
  readonly path: string;
  etag: string;
  isThere: boolean;
}

async function* syncKnown(
  call: Call,
  syncing: Syncing,
  known: ReadonlyMap<string, string>,
  state: SyncState,
): AsyncGenerator<Supply<nx_change>> {
  const members = new Map<string, Member>();
  const resolver = new HrefResolver(syncing.path, true);
  for (const [path, etag] of known) {
    // of the collection itself, and of what is not asked about, no response says that it is gone
    const { kind } = resolver.place(path);
    const isAsked = kind === "member" || (kind === "below" && syncing.level === "infinite");
    if (isAsked) members.set(keyOf(locate(path)[0]), { path, etag, isThere: false });
  }
  const told = new Fingerprints();
  const isNews = ({ path, removed, resource }: nx_change): boolean => {
    const key = keyOf(locate(path)[0]);
    const member = members.get(key);
    if (removed) {
      // what is gone is told at the end, also what was there when the response began; but nothing
      // that the caller has never heard of
      const isHeardOf = member !== undefined || !told.add(key);
      if (isHeardOf) members.set(key, { path, etag: "", ...member, isThere: false });
      return false;
    }
    if (member === undefined) {
      told.add(key);
      return true;
    }
    const isSame = resource?.etag === member.etag;
    member.isThere = true;
    // so that what it is now told to be is not taken for what it was
    member.etag = resource?.etag ?? "";
    return !isSame;
  };
  let next: string | null = null;
  try {
    const found = rounds(call, syncing, "");
    for (;;) {
      const { done, value } = await found.next();
      if (done === true) {
        next = value;
        break;
      }
      yield mapSupply(value, (batch) => batch.filter(isNews));
    }
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    for (const member of members.values()) member.isThere = false;
    for await (const supply of listAll(call, syncing)) {
      yield mapSupply(supply, (batch) => batch.map(changeOf).filter(isNews));
    }
  }
  const gone = [...members.values()].filter(({ isThere }) => !isThere);
  yield supplyOf(gone.map(({ path }) => ({ path, removed: true, resource: null })));
  state.token = next;
}

// The server has no sync-collection report.
function isUnsupported(error: unknown): boolean {
  if (!(error instanceof nx_error)) return false;
  const code = error.status?.code;
  return code === 405 || code === 501 || code === 400 || error.condition === "supported-report";
}

function listAll(call: Call, { path, level, props }: Syncing): AsyncGenerator<Supply<nx_resource>> {
  const body = propfindBody(props, call.caller);
  if (level === "infinite") {
    return walk(call, { path, body, self: false, parallel: 1, onError: null });
  }
  const spec = propfind(path, 1, body, "");
  return listOnce(call, spec, new ResourceCollector(path), (kind) => kind === "member");
}

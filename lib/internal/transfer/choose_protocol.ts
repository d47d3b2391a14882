// Chooses the protocol of an upload: of those that the server offers, the one that best survives a
// broken connection.
import { NE_DBG_HTTP } from "../base/constants.js";
import type { ne_session } from "../base/handle.js";
import { traceSession } from "../session/plugin_access.js";
import { ne_path_parent } from "../../ne_uri.js";
import { contentRange } from "./content_range.js";
import { fieldOf, type TransferResponse } from "./transfer_request.js";
import { sendUntilDone, type Job, type Protocol, type ProtocolName } from "./upload_job.js";
import { nextcloud, uploadsOf } from "./nextcloud.js";
import { isLost } from "./retries.js";
import { sabrePatch } from "./sabre_patch.js";
import { tus } from "./tus.js";

/** A protocol that may do, and why. */
export interface Candidate {
  readonly name: ProtocolName;
  readonly reason: string;
}

/** What a server says of itself in answer to OPTIONS. */
interface Offer {
  /** Tokens of the DAV field, in lower case. */
  readonly dav: ReadonlySet<string>;
  readonly tus: boolean;
  /** Bytes that a tus upload may have. */
  readonly tusMost: number;
}

/** Offers of collections, for each session. */
const offers = new WeakMap<ne_session, Map<string, Offer>>();
/** Collections that are remembered of a session. */
const MOST_OFFERS = 1000;

/** The protocol of a name, for one upload; `null` for `put`, which has no pieces. */
export function protocolOf(name: ProtocolName): Protocol | null {
  switch (name) {
    case "put":
      return null;
    case "nextcloud":
      return nextcloud();
    case "tus":
      return tus();
    case "sabre-patch":
      return sabrePatch;
    case "content-range":
      return contentRange;
    default:
      return name satisfies never;
  }
}

/** The protocols to try, the best first. */
export async function candidates(job: Job): Promise<Candidate[]> {
  const { size } = job.source;
  const offer = await offerOf(job);
  const found: Candidate[] = [];
  if (uploadsOf(job.path) !== null) {
    found.push({ name: "nextcloud", reason: "the path is in a user's files" });
  }
  if (offer.tus && (size ?? 0) <= offer.tusMost) {
    found.push({ name: "tus", reason: "OPTIONS names Tus-Version 1.0.0 and creation" });
  }
  if (offer.dav.has("sabredav-partialupdate")) {
    found.push({ name: "sabre-patch", reason: "DAV names sabredav-partialupdate" });
  }
  if (offer.dav.has("1")) {
    found.push({ name: "content-range", reason: "it is a DAV server, which may have proven it" });
  }
  if (size === null || size > job.chunk) {
    return [...found, { name: "put", reason: "nothing else is offered" }];
  }
  // pieces would only be more requests; what cannot take a PUT may still take them
  return [{ name: "put", reason: "the file is no longer than a piece" }, ...found];
}

async function offerOf(job: Job): Promise<Offer> {
  const { sess } = job.context;
  const known = offers.get(sess) ?? new Map<string, Offer>();
  offers.set(sess, known);
  const target = ne_path_parent(job.path) ?? "/";
  const before = known.get(target);
  if (before !== undefined) return before;
  const isResponse = (response: TransferResponse): boolean =>
    response.status !== null && !isLost(response);
  const response = await sendUntilDone(job, { method: "OPTIONS", target }, isResponse);
  const offer = readOffer(response);
  if (known.size >= MOST_OFFERS) known.clear();
  known.set(target, offer);
  return offer;
}

function readOffer(response: TransferResponse): Offer {
  const dav = response.headers
    .filter(([name]) => name.toLowerCase() === "dav")
    .flatMap(([, value]) => value.toLowerCase().split(","));
  const versions = fieldOf(response, "tus-version") ?? fieldOf(response, "tus-resumable") ?? "";
  const extensions = fieldOf(response, "tus-extension") ?? "";
  const most = Number(fieldOf(response, "tus-max-size") ?? NaN);
  return {
    dav: new Set(dav.map((token) => token.trim())),
    tus: /(^|,)\s*1\.0\.0\s*(,|$)/.test(versions) && /(^|,)\s*creation\s*(,|$)/.test(extensions),
    tusMost: Number.isFinite(most) ? most : Infinity,
  };
}

/** Explains a choice in debug output. */
export function explain(job: Job, name: ProtocolName, reason: string): void {
  traceSession(job.context.sess, NE_DBG_HTTP, "upload: %s for %s: %s\n", name, job.path, reason);
}

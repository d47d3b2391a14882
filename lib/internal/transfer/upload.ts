// An upload from its beginning to its end: by one protocol after the other until one is supported,
// started again where what was begun is of no use any more.
//
//   candidates ──► begin ──► piece ──► piece ──► … ──► finish ──► result
//       ▲            ▲         ▲         │
//       │            │         └─────────┤ failed, may do better: pause, ask where things stand
//       │            └───────────────────┤ BeginAnew: the pieces are gone, or the source is another
//       └────────────────────────────────┘ Unsupported: the next protocol
import { findUploaded } from "./verify_upload.js";
import { candidates, explain, protocolOf, type Candidate } from "./choose_protocol.js";
import { checkConditions } from "./conditions.js";
import { hasStatus, isDone } from "./transfer_request.js";
import { BeginAnew, checkSignal, Failed, Unsupported } from "./failed_transfer.js";
import {
  resultOf,
  tell,
  type Job,
  type Piece,
  type Protocol,
  type ProtocolName,
  type Result,
  type State,
} from "./upload_job.js";
import { Tries } from "./retries.js";
import { putWhole } from "./put.js";
import { countBytes } from "./source.js";

/** How often an upload is begun: a source that never stops changing has no content. */
const MOST_BEGINNINGS = 4;
/** What takes a piece less time than this is a line for larger ones, so many times as large. */
const QUICK_MS = 1000;
const GROWTH = 4;
const LARGEST_CHUNK = 1 << 30;
/** Pieces of which a server may take less than was sent. */
const MOST_CUT_PIECES = 10_000;

/** Uploads by the protocol of a name, or the best that the server has. */
export async function upload(
  job: Job,
  wanted: ProtocolName | "auto",
  state: State | null,
): Promise<Result> {
  const list: Candidate[] =
    state !== null
      ? [{ name: state.protocol, reason: "it was begun so" }]
      : wanted !== "auto"
        ? [{ name: wanted, reason: "the caller wants it" }]
        : await candidates(job);
  for (const [at, { name, reason }] of list.entries()) {
    explain(job, name, reason);
    try {
      const earlier = at === 0 ? state : null;
      // there are servers that let a PUT pass whatever its conditions say
      if (name === "put" && wanted === "auto" && earlier === null) await checkConditions(job);
      return await uploadBy(job, name, earlier);
    } catch (error) {
      if (!(error instanceof Unsupported) || at === list.length - 1) throw error;
      explain(job, name, `does not do: ${error.message}`);
    }
  }
  throw new Failed("The server has no protocol for it");
}

// By one protocol, as often as it has to be begun.
async function uploadBy(job: Job, name: ProtocolName, state: State | null): Promise<Result> {
  for (let begun = 1; ; begun++) {
    const protocol = protocolOf(name);
    const earlier = begun === 1 ? state : null;
    try {
      return protocol === null
        ? await wholeAtOnce(job, earlier)
        : await inPieces(job, protocol, earlier);
    } catch (error) {
      if (!(error instanceof BeginAnew) || begun === MOST_BEGINNINGS) throw error;
      explain(job, name, `begins anew: ${error.message}`);
      await job.source.renew();
      if (job.fingerprint !== "") job.fingerprint = await job.source.fingerprint();
      job.done = 0;
    }
  }
}

async function wholeAtOnce(job: Job, state: State | null): Promise<Result> {
  const { source } = job;
  if (state !== null && state.source === job.fingerprint) {
    // who stored the state may have died before the response came
    const found = await findUploaded(job);
    if (found !== null) return resultOf(job, { found });
  }
  await tell(job, "put", job.path);
  const result = await putWhole(job);
  await needUnchanged(job, result);
  job.done = source.size ?? job.done;
  await tell(job, "put", job.path);
  return result;
}

/** @param made the file that has been made of it already: it may be replaced */
async function needUnchanged(job: Job, made: Result | null = null): Promise<void> {
  if (await job.source.isUnchanged()) return;
  const etag = made?.etag ?? null;
  if (etag !== null) job.conditions = { match: etag, noneMatch: null };
  throw new BeginAnew("The source changed while it was sent");
}

// ---- in pieces ----

async function inPieces(job: Job, protocol: Protocol, state: State | null): Promise<Result> {
  const begun = state === null ? null : await resume(job, protocol, state);
  if (begun !== null && typeof begun !== "string") return begun;
  // where all has been sent, the file may be there already, by our own doing
  if (begun === null || job.done !== job.source.size) await checkConditions(job);
  const url = begun ?? (await protocol.begin(job));
  try {
    await tell(job, protocol.name, url);
    await sendPieces(job, protocol, url);
    // the last piece of a tus upload has made the file already
    const isMade = protocol.name === "tus";
    if (!isMade) await needUnchanged(job);
    const result = await protocol.finish(job, url);
    if (isMade) await needUnchanged(job, result);
    return result;
  } catch (error) {
    if (!isOfUse(job, error)) await remove(job, protocol, url);
    throw error;
  }
}

/** Goes on with what was begun. @returns its place, the result if all is done, `null` to begin */
async function resume(
  job: Job,
  protocol: Protocol,
  { url, done, source }: State,
): Promise<string | Result | null> {
  if (source !== job.fingerprint) {
    explain(job, protocol.name, "begins anew: the source has changed");
    await remove(job, protocol, url);
    return null;
  }
  job.done = done;
  try {
    job.done = await protocol.standing(job, url);
    return url;
  } catch (error) {
    if (!(error instanceof BeginAnew)) throw error;
    // perhaps the file was made of it, and nobody lived to hear so
    const found = await findUploaded(job);
    if (found !== null) return resultOf(job, { found });
    await remove(job, protocol, url);
    throw error;
  }
}

async function sendPieces(job: Job, protocol: Protocol, url: string): Promise<void> {
  const { context, source } = job;
  const tries = new Tries(context, job.retries, protocol.passes);
  let most = job.done;
  let cut = 0;
  let chunk = job.chunk;
  for (;;) {
    checkSignal(context);
    if (job.done > 0 && job.done === source.size) return;
    if (!(await source.isUnchanged())) throw new BeginAnew("The source has changed");
    const piece = await nextPiece(job, protocol, chunk);
    const end = piece.start + piece.length;
    const begun = performance.now();
    try {
      job.done = await protocol.send(job, url, piece);
      chunk = nextChunk(job, chunk, performance.now() - begun);
    } catch (error) {
      if (!(error instanceof Failed) || error.response === null) throw error;
      if (error instanceof BeginAnew || error instanceof Unsupported) throw error;
      // a response that makes no sense is not asked for again
      if (isDone(error.response)) throw error;
      await tries.again(error.response);
      chunk = job.chunk;
      job.done = await protocol.standing(job, url);
    }
    if (job.done !== piece.start) await tell(job, protocol.name, url);
    if (piece.isLast && job.done >= end) return;
    if (job.done < end && job.done > piece.start && ++cut > MOST_CUT_PIECES) {
      throw new Failed("The server takes too little of each piece");
    }
    // only what is new is a step forward
    if (job.done > most) tries.reset();
    most = Math.max(most, job.done);
  }
}

// A piece waits for its response, which on a line with delay costs more than a quick piece itself.
function nextChunk({ chunkGrows }: Job, chunk: number, tookMs: number): number {
  return chunkGrows && tookMs < QUICK_MS ? Math.min(chunk * GROWTH, LARGEST_CHUNK) : chunk;
}

async function nextPiece(
  { source, done }: Job,
  protocol: Protocol,
  chunk: number,
): Promise<Piece> {
  const left = protocol.piecesLeft();
  if (left < 1) throw new Failed("The file has more pieces than the protocol allows");
  if (source.size === null) {
    const count = await countBytes(source, done, chunk + 1);
    return { start: done, length: Math.min(count, chunk), isLast: count <= chunk };
  }
  const rest = source.size - done;
  const length = Math.min(Math.max(chunk, Math.ceil(rest / left)), rest);
  return { start: done, length, isLast: length === rest };
}

/** Whether what was begun may be gone on with. */
function isOfUse({ context, onstate }: Job, error: unknown): boolean {
  if (error instanceof BeginAnew || error instanceof Unsupported) return false;
  const response = error instanceof Failed ? error.response : null;
  if (response !== null && hasStatus(response, 412)) return false;
  // the caller has its state, or may have it
  if (onstate !== null || context.signal?.aborted === true) return true;
  // over a line that is broken nothing can be removed either
  return response !== null && response.status === null;
}

// That it cannot be removed is no failure of the upload.
async function remove(job: Job, protocol: Protocol, url: string): Promise<void> {
  try {
    await protocol.remove(job, url);
  } catch (error) {
    explain(job, protocol.name, `leaves ${url} behind: ${String(error)}`);
  }
}

// PUT with Content-Range, which some servers write into the resource (Apache's mod_dav). Others
// take the part for the whole (RFC 9110 section 14.5), so a resource beside the target has to prove
// first what this server does.
import { NE_DEPTH_ZERO } from "../base/constants.js";
import type { ne_session } from "../base/handle.js";
import { ne_set_request_body_buffer } from "../../ne_request.js";
import { ne_path_parent } from "../../ne_uri.js";
import { hasContent } from "./verify_upload.js";
import { isDone, type TransferRequest, type Field } from "./transfer_request.js";
import { Unsupported, wordsOf } from "./failed_transfer.js";
import { discard, sendUntilDone, progressFrom, type Job, type Protocol } from "./upload_job.js";
import { bytesSource } from "./source.js";
import { makeTemporary, moveIntoPlace, nameBeside, standingOf, writePiece } from "./temporary.js";

/** Collections where it has been proven, for each session. */
const proven = new WeakMap<ne_session, Set<string>>();

export const contentRange: Protocol = {
  name: "content-range",
  piecesLeft: () => Infinity,
  async begin(job) {
    const url = nameBeside(job.path);
    await prove(job, url);
    return makeTemporary(job, url);
  },
  standing: standingOf,
  send(job, url, piece) {
    const { start, length } = piece;
    if (length === 0) return Promise.resolve(start);
    return writePiece(job, piece, {
      method: "PUT",
      target: url,
      // where the resource has gone, the part would make a new one with a hole in it
      fields: [rangeField(start, length, job.source.size), ["If-Match", "*"]],
      body: (req) => job.source.give(req, start, length, progressFrom(job, start)),
      changes: [[url, NE_DEPTH_ZERO]],
    });
  },
  finish: moveIntoPlace,
  remove: discard,
};

function rangeField(start: number, length: number, total: number | null): Field {
  return ["Content-Range", `bytes ${start}-${start + length - 1}/${total ?? "*"}`];
}

/** Throws `Unsupported` where the server does not put a part in its place. */
async function prove(job: Job, url: string): Promise<void> {
  const places = proven.get(job.context.sess) ?? new Set();
  const place = ne_path_parent(url) ?? "/";
  if (places.has(place)) return;
  const whole = Buffer.from("written in two parts");
  const half = whole.length / 2;
  const parts: [Buffer, Field[]][] = [
    [whole.subarray(0, half), []],
    [whole.subarray(half), [rangeField(half, half, whole.length)]],
  ];
  try {
    for (const [bytes, fields] of parts) {
      const request = putOf(url, bytes, fields);
      const response = await sendUntilDone(job, request, ({ status }) => status !== null);
      if (!isDone(response)) throw new Unsupported(wordsOf(response), response);
    }
    const source = bytesSource(whole);
    if (!(await hasContent({ ...job, source }, url, 0, whole.length))) {
      throw new Unsupported("The server takes a part for the whole");
    }
  } catch (error) {
    await discard(job, url);
    throw error;
  }
  proven.set(job.context.sess, places.add(place));
}

function putOf(target: string, bytes: Buffer, fields: readonly Field[]): TransferRequest {
  return {
    method: "PUT",
    target,
    fields,
    body: (req) => ne_set_request_body_buffer(req, bytes),
    changes: [[target, NE_DEPTH_ZERO]],
  };
}

// Nextcloud's chunked upload, version 2: pieces are put into a collection of their own, numbered
// from 1, and a MOVE of its member `.file` makes the file of them. Every request names the file in
// Destination (developer manual of Nextcloud, "Chunked file upload").
import { randomUUID } from "node:crypto";
import { NE_DEPTH_INFINITE } from "../base/constants.js";
import { findUploaded } from "./verify_upload.js";
import { refuseCollection } from "./collection.js";
import { checkConditions, moveCondition, overwriteField } from "./conditions.js";
import {
  sendRequest,
  hasStatus,
  isDone,
  type TransferRequest,
  type Field,
} from "./transfer_request.js";
import { BeginAnew, Unsupported, wordsOf } from "./failed_transfer.js";
import {
  discard,
  sendUntilDone,
  sendUnrepeatable,
  mtimeFields,
  requireDone,
  resultOf,
  progressFrom,
  urlOf,
  type Job,
  type Protocol,
} from "./upload_job.js";
import { listPieces } from "./piece_list.js";
import { isVerdict } from "./temporary.js";

const MOST_PIECES = 10_000;

/** The collection of a user's uploads, for the path of one of the user's files; or `null`. */
export function uploadsOf(path: string): string | null {
  const found = /^(.*?\/(?:remote\.php\/)?dav)\/files\/([^/]+)\/./.exec(path);
  return found === null ? null : `${found[1]}/uploads/${found[2]}/`;
}

/** The protocol for one upload, which keeps count of its pieces. */
export function nextcloud(): Protocol {
  let pieces = 0;
  let sending = 0;
  const standing = async (job: Job, url: string): Promise<number> => {
    const sizes = await listPieces(job, url, destination(job));
    let sum = 0;
    let confirmed = job.done === 0 ? 0 : -1;
    for (const [at, size] of sizes.entries()) {
      sum += size;
      if (sum === job.done) confirmed = at + 1;
    }
    if (confirmed < 0) throw new BeginAnew("The server has lost what was begun");
    // the last piece counts where it is confirmed, or as long as it was to be
    const last = sizes.at(-1) ?? 0;
    const isWhole = sizes.length === confirmed || last === sending || sum === job.source.size;
    pieces = isWhole ? sizes.length : sizes.length - 1;
    return isWhole ? sum : sum - last;
  };
  return {
    name: "nextcloud",
    piecesLeft: () => MOST_PIECES - pieces,
    async begin(job) {
      const uploads = uploadsOf(job.path);
      if (uploads === null) throw new Unsupported("The path is not in the files of a user");
      pieces = 0;
      const url = `${uploads}libneon-${randomUUID()}/`;
      const request: TransferRequest = { method: "MKCOL", target: url, fields: destination(job) };
      const response = await sendUntilDone(job, request, isVerdict);
      // the name is ours alone: it is there because a response was lost
      const isThere =
        isDone(response) || (hasStatus(response, 405) && (await isCollection(job, url)));
      if (!isThere) throw new Unsupported(wordsOf(response), response);
      return url;
    },
    standing,
    async send(job, url, { start, length }) {
      sending = length;
      const response = await sendRequest(job.context, {
        method: "PUT",
        target: `${url}${String(pieces + 1).padStart(5, "0")}`,
        fields: destination(job),
        body: (req) => job.source.give(req, start, length, progressFrom(job, start)),
      });
      if (hasStatus(response, 404, 409, 410)) {
        throw new BeginAnew("What was begun is gone from the server", response);
      }
      requireDone(response);
      pieces++;
      return start + length;
    },
    async finish(job, url) {
      await checkConditions(job);
      await refuseCollection(job);
      const request: TransferRequest = {
        method: "MOVE",
        target: `${url}.file`,
        fields: [...destination(job), overwriteField(job.conditions), ...mtimeFields(job)],
        condition: moveCondition(job),
        changes: [[job.path, NE_DEPTH_INFINITE]],
      };
      return resultOf(job, await sendUnrepeatable(job, request, () => findUploaded(job)));
    },
    remove: (job, url) => discard(job, url, destination(job)),
  };
}

function destination({ context, path, source }: Job): Field[] {
  const fields: Field[] = [["Destination", urlOf(context, path)]];
  if (source.size !== null) fields.push(["OC-Total-Length", String(source.size)]);
  return fields;
}

async function isCollection(job: Job, url: string): Promise<boolean> {
  try {
    return (await listPieces(job, url, destination(job))).length === 0;
  } catch {
    return false;
  }
}

// The tus protocol 1.0 with its extensions creation and termination
// (https://tus.io/protocols/resumable-upload): an upload is a resource of its own, made by POST to
// the file's collection, that takes its bytes by PATCH; the file is there with the last of them.
import { ne_set_request_body_buffer } from "../../ne_request.js";
import { ne_path_parent, ne_path_unescape } from "../../ne_uri.js";
import { checkConditions } from "./conditions.js";
import {
  sendRequest,
  fieldOf,
  hasStatus,
  isDone,
  type TransferResponse,
  type Field,
} from "./transfer_request.js";
import { BeginAnew, Failed, Unsupported, wordsOf } from "./failed_transfer.js";
import {
  discard,
  sendUntilDone,
  requireDone,
  progressFrom,
  urlOf,
  type Job,
  type Protocol,
  type Result,
} from "./upload_job.js";
import { UNASKED_BODY } from "./put.js";
import { isVerdict } from "./temporary.js";

const NOTHING = Buffer.alloc(0);
const VERSION: Field = ["Tus-Resumable", "1.0.0"];

/** The protocol for one upload, which keeps the responses that its result is made of. */
export function tus(): Protocol {
  let result: Result = { created: true, etag: null };
  let asks = true;
  return {
    name: "tus",
    piecesLeft: () => Infinity,
    async begin(job) {
      const response = await create(job);
      result = { created: true, etag: fieldOf(response, "etag") };
      const url = placeOf(job, response);
      // a login for the collection may not hold there
      asks = !url.startsWith(ne_path_parent(job.path) ?? "/");
      return url;
    },
    standing,
    async send(job, url, { start, length, isLast }) {
      if (isLast) await checkConditions(job);
      if (length === 0 && job.source.size !== null) return start;
      const fields: Field[] = [
        VERSION,
        ["Upload-Offset", String(start)],
        ["Content-Type", "application/offset+octet-stream"],
      ];
      // the creation could not tell
      const isLate = isLast && job.source.size === null;
      if (isLate) fields.push(["Upload-Length", String(start + length)]);
      const response = await sendRequest(job.context, {
        method: "PATCH",
        target: url,
        fields,
        body: (req) => job.source.give(req, start, length, progressFrom(job, start)),
        expect: asks && length > UNASKED_BODY,
      });
      asks = false;
      if (hasStatus(response, 404, 410)) {
        throw new BeginAnew("What was begun is gone from the server", response);
      }
      requireDone(response);
      const etag = fieldOf(response, "etag") ?? fieldOf(response, "oc-etag");
      result = { created: true, etag };
      return offsetIn(response, start + (length > 0 ? 1 : 0), start + length);
    },
    async finish() {
      return result;
    },
    remove: (job, url) => discard(job, url, [VERSION]),
    // another request still holds the upload, or has moved it on; or the server was asked first
    passes: (response) => hasStatus(response, 409, 417, 423, 460),
  };
}

async function create(job: Job): Promise<TransferResponse> {
  const { size } = job.source;
  const response = await sendUntilDone(
    job,
    {
      method: "POST",
      target: ne_path_parent(job.path) ?? "/",
      fields: [
        VERSION,
        size === null ? ["Upload-Defer-Length", "1"] : ["Upload-Length", String(size)],
        ["Upload-Metadata", metadata(job)],
      ],
      body: (req) => ne_set_request_body_buffer(req, NOTHING),
    },
    (response) => isVerdict(response) || hasStatus(response, 412),
  );
  if (isDone(response) && fieldOf(response, "location") !== null) return response;
  throw new Unsupported(
    isDone(response) ? "The server does not say where the upload is" : wordsOf(response),
    isDone(response) ? null : response,
  );
}

function metadata({ path, contentType, mtime }: Job): string {
  const name = path.slice((ne_path_parent(path) ?? "/").length);
  const pairs: [string, string][] = [["filename", ne_path_unescape(name) ?? name]];
  if (contentType !== null) pairs.push(["filetype", contentType]);
  if (mtime !== null) pairs.push(["mtime", String(Math.floor(mtime.getTime() / 1000))]);
  return pairs.map(([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`).join(",");
}

// The upload's own path. Another server is refused: it would be given the file and the login.
function placeOf({ context, path }: Job, response: TransferResponse): string {
  const base = urlOf(context, ne_path_parent(path) ?? "/");
  const location = fieldOf(response, "location") ?? "";
  if (!URL.canParse(location, base)) throw new Failed("The upload's Location is no URL", response);
  const { origin, pathname, search } = new URL(location, base);
  if (origin !== new URL(base).origin) {
    throw new Failed("The upload's Location is on another server", response);
  }
  return pathname + search;
}

async function standing(job: Job, url: string): Promise<number> {
  const { size } = job.source;
  const response = await sendUntilDone(
    job,
    { method: "HEAD", target: url, fields: [VERSION, ["Cache-Control", "no-store"]] },
    (response) => isDone(response) || hasStatus(response, 403, 404, 410),
  );
  if (!isDone(response)) throw new BeginAnew("What was begun is gone from the server", response);
  const length = fieldOf(response, "upload-length");
  if (length !== null && size !== null && length !== String(size)) {
    throw new Failed(`The upload is for ${length} bytes, not for ${size}`, response);
  }
  return offsetIn(response, 0, size ?? Infinity);
}

function offsetIn(response: TransferResponse, least: number, most: number): number {
  const field = fieldOf(response, "upload-offset") ?? "";
  const offset = /^\d+$/.test(field) ? Number(field) : NaN;
  if (offset >= least && offset <= most) return offset;
  throw new Failed(`The server's Upload-Offset makes no sense: ${field.slice(0, 40)}`, response);
}

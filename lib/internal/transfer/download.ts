// A download from its beginning to its end. It goes on over new connections where the old ones
// break, as long as the server can tell that it still has the same resource.
//
//   attempt ──► head ─┬─ 206, the range asked for ──► body ─┬─► whole ──► verified ──► in its place
//      ▲              ├─ 200: from the beginning ──► body ──┤
//      │              ├─ 416: all is there already, or from the beginning
//      │              └─ another status: failure            │
//      └──────────────── pause ◄────────────────────────────┘ broken off
import { firstValue } from "../http/field_pairs.js";
import { NE_ERROR, NE_OK, NE_RETRY } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import { ne_httpdate_parse } from "../../ne_dates.js";
import {
  ne_accept_always,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_request_create,
  ne_request_destroy,
} from "../../ne_request.js";
import { nx_response_trailer_fields, nx_set_request_signal } from "../../nx_session.js";
import { addField } from "../script/header_list.js";
import { IDENTITY, isStrong } from "./verify_upload.js";
import { Decoding, isCoded } from "./decoding.js";
import { digestsIn, promisesDigests, Sums, type Digest } from "./digests.js";
import {
  responseOf,
  sendRequest,
  fieldOf,
  hasStatus,
  isDone,
  LONGEST_BODY,
  resultOf,
  type TransferResponse,
  type TransferContext,
} from "./transfer_request.js";
import { Failed, refused, wordsOf } from "./failed_transfer.js";
import { Tries } from "./retries.js";
import type { Target } from "./target.js";
import type { nx_progress_fn } from "../script/request_body.js";

/** A download to make. */
export interface Download {
  readonly context: TransferContext;
  readonly path: string;
  readonly target: Target;
  readonly retries: number;
  readonly progress: nx_progress_fn | null;
  /** The strong entity tag of what the target holds; without, it begins from the beginning. */
  etag: string | null;
}

/** What came of it. */
export interface Downloaded {
  readonly bytes: number;
  readonly resumed_at: number;
  readonly etag: string | null;
  readonly modified: Date | null;
}

// What is known of the resource under way.
interface Course {
  resumedAt: number;
  /** Size of the resource. */
  total: number | null;
  /** Where the body under way ends in it; `null` where that is not said. */
  end: number | null;
  /** Bytes to leave out, which the target has already. */
  skip: number;
  digests: Digest[];
  sums: Sums | null;
  decoding: Decoding | null;
  tag: string | null;
  modified: Date | null;
}

/** Reads the resource into the target, which is then whole. */
export async function download(d: Download): Promise<Downloaded> {
  const tries = new Tries(d.context, d.retries);
  const course: Course = {
    resumedAt: d.etag === null ? 0 : d.target.at,
    total: null,
    end: null,
    skip: 0,
    digests: [],
    sums: null,
    decoding: null,
    tag: null,
    modified: null,
  };
  for (;;) {
    const broken = await attempt(d, course);
    if (broken === null) break;
    if (hasStatus(broken, 416) && d.etag !== null) {
      if (await isAllThere(d, course, broken)) break;
      d.etag = null;
      continue;
    }
    await tries.again(broken);
    if (d.etag === null && d.target.at > 0 && !d.target.canRewind) throw refused(broken);
  }
  await verify(d, course);
  const { resumedAt, tag, modified } = course;
  return { bytes: d.target.at, resumed_at: resumedAt, etag: tag, modified };
}

/** Asks for the rest. @returns `null` when all has come, or why not */
async function attempt(d: Download, course: Course): Promise<TransferResponse | null> {
  const { context, path, target } = d;
  const request = { method: "GET", target: path };
  const from = d.etag === null ? 0 : target.at;
  const req = ne_request_create(context.sess, request.method, path);
  let isWanted = false;
  let unwanted = 0;
  try {
    nx_set_request_signal(req, context.signal);
    for (const field of [...context.fields, IDENTITY]) addField(req, field);
    if (from > 0) {
      ne_add_request_header(req, "Range", `bytes=${from}-`);
      ne_add_request_header(req, "If-Range", d.etag ?? "");
    }
    ne_add_response_body_reader(req, ne_accept_always, (_userdata, block) => {
      if (isWanted) return block.length > 0 ? take(d, course, block) : NE_OK;
      unwanted += block.length;
      return unwanted > LONGEST_BODY ? NE_ERROR : NE_OK;
    });
    for (;;) {
      const begun = await ne_begin_request(req);
      if (begun !== NE_OK) return resultOf(context, request, begun);
      const head = responseOf(context, request, NE_OK, req);
      isWanted = await takeHead(d, course, head, from);
      const read = await ne_discard_response(req);
      if (unwanted > LONGEST_BODY) return head;
      if (read !== NE_OK) return resultOf(context, request, read);
      const code = await ne_end_request(req);
      if (code === NE_RETRY) continue;
      if (code !== NE_OK || !isWanted) return responseOf(context, request, code, req);
      await course.decoding?.end();
      return takeEnd(d, course, req, head);
    }
  } finally {
    ne_request_destroy(req);
  }
}

/** Makes ready for the body. @returns whether it is wanted */
async function takeHead(
  d: Download,
  course: Course,
  head: TransferResponse,
  from: number,
): Promise<boolean> {
  if (!isDone(head)) return false;
  if (!hasStatus(head, 200, 203, 206)) {
    throw new Failed(`The server sent no content: ${wordsOf(head)}`, head);
  }
  const isPart = hasStatus(head, 206);
  const coding = fieldOf(head, "content-encoding");
  const etag = fieldOf(head, "etag");
  const strong = etag !== null && isStrong(etag) ? etag : null;
  course.decoding = null;
  course.skip = 0;
  const digests = digestsIn(head.headers, !isPart);
  if (isPart) {
    course.digests.push(...digests);
    if (course.sums !== null && course.sums.size !== from) course.sums = null;
    takeRange(course, head, from);
    if ((coding ?? "identity").toLowerCase() !== "identity") {
      throw new Failed("The server sent a range of coded content", head);
    }
    if (etag !== null && etag !== d.etag) {
      throw new Failed("The server sent a range of another version", head);
    }
  } else {
    refuseRange(head);
    await startOver(d, course, strong);
    const length = fieldOf(head, "content-length");
    const coded = isCoded(coding, d.path);
    course.total = length === null || coded ? null : Number(length);
    course.end = course.total;
    if (coded) {
      const take = (block: Buffer): Promise<void> => store(d, course, block);
      course.decoding = new Decoding(d.context.sess, coding ?? "", take);
    }
    d.etag = coded ? null : strong;
    course.digests = digests;
    const isSummed = digests.length > 0 || promisesDigests(head.headers);
    course.sums = isSummed ? new Sums() : null;
    await d.target.keepTag?.(d.etag);
  }
  course.tag = etag;
  const modified = ne_httpdate_parse(fieldOf(head, "last-modified") ?? "");
  course.modified = modified === -1 ? null : new Date(modified * 1000);
  return true;
}

const RANGE = /^bytes +(\d+)-(\d+)\/(\d+|\*)$/i;

// A server that calls a range the whole.
function refuseRange(head: TransferResponse): void {
  const field = fieldOf(head, "content-range") ?? "";
  const [, first, last, size] = RANGE.exec(field) ?? [];
  if (first === undefined || (first === "0" && Number(last) + 1 === Number(size))) return;
  throw new Failed(`The server sent a range that nobody asked for: ${field}`, head);
}

function takeRange(course: Course, head: TransferResponse, from: number): void {
  const field = fieldOf(head, "content-range") ?? "";
  const [, first, last, size] = RANGE.exec(field) ?? [];
  const total = size === undefined || size === "*" ? null : Number(size);
  const isWanted = from > 0 && Number(first) === from && Number(last) >= from;
  if (!isWanted || Number(last) >= (total ?? Infinity)) {
    throw new Failed(`The server sent another range than the one asked for: ${field}`, head);
  }
  if (total !== null && course.total !== null && total !== course.total) {
    throw new Failed("The server sent a range of another size under the same ETag", head);
  }
  course.total = total ?? course.total;
  course.end = Number(last) + 1;
}

// The whole comes from the beginning. A stream that has some of it goes on behind that, as long as
// it is the same resource.
async function startOver(d: Download, course: Course, etag: string | null): Promise<void> {
  const { target } = d;
  course.resumedAt = 0;
  if (target.at === 0) return;
  if (target.canRewind) return target.restart();
  if (etag === null || etag !== d.etag) {
    throw new Failed("The resource has changed, and what was written cannot be taken back");
  }
  course.skip = target.at;
}

async function take(d: Download, course: Course, block: Buffer): Promise<number> {
  const skipped = Math.min(course.skip, block.length);
  course.skip -= skipped;
  course.sums?.add(block);
  const rest = block.subarray(skipped);
  if (course.decoding !== null) await course.decoding.feed(rest);
  else if (rest.length > 0) await store(d, course, rest);
  return 0;
}

async function store(d: Download, { total }: Course, block: Buffer): Promise<void> {
  await d.target.write(block);
  await d.progress?.(d.target.at, total);
}

// The body has come to its end: is it the end of the resource?
function takeEnd(
  d: Download,
  course: Course,
  req: ne_request,
  head: TransferResponse,
): TransferResponse | null {
  course.digests.push(...digestsIn(nx_response_trailer_fields(req), !hasStatus(head, 206)));
  const { total, end } = course;
  const { at } = d.target;
  if (end !== null && at > end) throw new Failed("The server sent more than it said", head);
  // of a range nobody knows whether it was the last, where its resource has no size
  const isPart = hasStatus(head, 206) && total === null;
  if (at === (total ?? end ?? at) && !isPart) return null;
  // a part of the rest: the next one is asked for
  const error = "The server sent only a part of the rest";
  return { ...head, status: null, code: NE_ERROR, error };
}

// Nothing lies behind what the target holds: because that is all, if it is still the same.
async function isAllThere(
  d: Download,
  course: Course,
  { headers }: TransferResponse,
): Promise<boolean> {
  const range = firstValue(headers, "content-range") ?? "";
  if (/^bytes +\*\/(\d+)$/i.exec(range)?.[1] !== String(d.target.at)) return false;
  const request = { method: "HEAD", target: d.path, fields: [IDENTITY] };
  const response = await sendRequest(d.context, request);
  if (!isDone(response) || fieldOf(response, "etag") !== d.etag) return false;
  course.tag = d.etag;
  course.total = d.target.at;
  course.digests = digestsIn(response.headers, true);
  return true;
}

async function verify({ target }: Download, course: Course): Promise<void> {
  const { digests, sums, decoding } = course;
  if (digests.length === 0) return;
  let complete = sums;
  if (sums === null) {
    const content = target.readBack();
    if (content === null || decoding !== null) return;
    complete = new Sums(digests.map(({ algorithm }) => algorithm));
    for await (const block of content) complete.add(block);
  }
  const wrong = complete?.mismatch(digests) ?? null;
  if (wrong === null) return;
  await target.restart();
  throw new Failed(`What came does not have the ${wrong.algorithm} digest that the server gives`);
}

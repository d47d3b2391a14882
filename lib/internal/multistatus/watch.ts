// Requests whose success is not a multistatus document: where one comes in place of an answer, its
// failures are the request's. The body is read by one more reader, whatever its type.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import { parseContentType } from "../http/content_type.js";
import {
  ne_add_response_body_reader,
  ne_get_response_header,
  ne_get_session,
  ne_get_status,
  ne_request_dispatch,
} from "../../ne_request.js";
import { ne_set_error } from "../../ne_session.js";
import {
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_get_error,
  ne_xml_parse,
  ne_xml_set_encoding,
  type ne_xml_parser,
} from "../../ne_xml.js";
import { type Outcome, readOutcome } from "./outcome.js";
import { baseOf } from "./reference_base.js";

/** What the last multistatus answer of a request says. */
export interface Watch {
  /** `null` where no such answer came. */
  outcome: Outcome | null;
  /** Why its document could not be read, or `null`. */
  fault: string | null;
  parser: ne_xml_parser | null;
}

/** Which document is wanted of a response. */
type Wanted = (req: ne_request) => boolean;

const isMultistatus: Wanted = (req) => ne_get_status(req).code === 207;

/**
 * Adds the reader to a request.
 * @param ends whether a document that cannot be read ends the request: not where others want it
 */
export function watchOutcome(req: ne_request, ends: boolean, wanted = isMultistatus): Watch {
  const watch: Watch = { outcome: null, fault: null, parser: null };
  ne_add_response_body_reader(
    req,
    () => begin(watch, req, wanted(req)),
    (_userdata, block) => {
      read(watch, block);
      return ends && watch.fault !== null ? refuse(req, watch.fault) : 0;
    },
  );
  return watch;
}

// A request that is repeated begins a document anew.
function begin(watch: Watch, req: ne_request, isWanted: boolean): number {
  endWatch(watch);
  watch.outcome = null;
  watch.fault = null;
  if (!isWanted) return 0;
  watch.parser = ne_xml_create();
  watch.outcome = readOutcome(watch.parser, baseOf(ne_get_session(req), req));
  const field = ne_get_response_header(req, "Content-Type");
  const charset = (field === null ? null : parseContentType(field))?.charset ?? "";
  if (charset !== "" && ne_xml_set_encoding(watch.parser, charset) !== 0) {
    watch.fault = ne_xml_get_error(watch.parser);
  }
  return 1;
}

function read(watch: Watch, block: Uint8Array): void {
  if (watch.parser === null || watch.fault !== null) return;
  const code = ne_xml_parse(watch.parser, block.length === 0 ? null : block);
  if (code !== 0) watch.fault = ne_xml_get_error(watch.parser);
}

/** Gives up what the reader needed. */
export function endWatch(watch: Watch): void {
  if (watch.parser !== null) ne_xml_destroy(watch.parser);
  watch.parser = null;
}

/** Dispatches a request. @returns as `ne_simple_request`, which destroys it as well */
export async function dispatchForOutcome(req: ne_request): Promise<number> {
  const watch = watchOutcome(req, true);
  try {
    return judgeOutcome(req, await ne_request_dispatch(req), watch);
  } finally {
    endWatch(watch);
  }
}

/** What a dispatch comes to, given its code: `NE_ERROR` for a status or a document that failed. */
export function judgeOutcome(req: ne_request, code: number, watch: Watch): number {
  if (code !== NE_OK) return code;
  const status = ne_get_status(req);
  if (status.klass !== 2) return NE_ERROR;
  if (status.code !== 207) return NE_OK;
  if (watch.fault !== null) return refuse(req, watch.fault);
  const { outcome } = watch;
  if (outcome === null || !outcome.isMultistatus) {
    return refuse(req, "the document is no DAV:multistatus");
  }
  tellFailure(req, watch);
  return outcome.failure === null ? NE_OK : NE_ERROR;
}

/**
 * Dispatches a request that has failed with any multistatus answer: the session error says what
 * failed, if that is said.
 */
export async function dispatchForNoMultistatus(req: ne_request): Promise<number> {
  const watch = watchOutcome(req, false);
  try {
    const code = await ne_request_dispatch(req);
    const { code: status, klass } = ne_get_status(req);
    if (code !== NE_OK || (klass === 2 && status !== 207)) return code;
    tellFailure(req, watch);
    return NE_ERROR;
  } finally {
    endWatch(watch);
  }
}

/** Puts the failures that a document tells of, if any, into the session error. */
export function tellFailure(req: ne_request, { outcome }: Watch): void {
  if (outcome?.failure) ne_set_error(ne_get_session(req), "%s", outcome.text);
}

function refuse(req: ne_request, why: string): number {
  ne_set_error(ne_get_session(req), "Could not parse response: %s", why);
  return NE_ERROR;
}

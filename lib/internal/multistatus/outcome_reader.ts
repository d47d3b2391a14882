// For requests whose success is not a 207 response (DELETE, PUT, UNLOCK): if a 207 comes, a failure
// in it fails the request. An additional body reader reads it, whatever its Content-Type.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import { failResponse } from "../session/failed_response.js";
import { ne_get_session, ne_get_status, ne_request_dispatch } from "../../ne_request.js";
import { ne_set_error } from "../../ne_session.js";
import {
  type ResponseDocument,
  endDocument,
  addDocumentReader,
  refuseDocument,
} from "./response_document.js";
import { type Outcome, readOutcome } from "./outcome.js";
import { baseOf } from "./reference_base.js";

/** What the last multistatus response of a request says. */
export interface OutcomeReader {
  /** `null` where no such answer came. */
  outcome: Outcome | null;
  readonly document: ResponseDocument;
}

/** Which responses are wanted. */
type Wanted = (req: ne_request) => boolean;

const isMultistatus: Wanted = (req) => ne_get_status(req).code === 207;

/**
 * Adds the reader to a request.
 * @param ends whether a document that cannot be read ends the request: not where others want it
 */
export function addOutcomeReader(
  req: ne_request,
  ends: boolean,
  wanted = isMultistatus,
): OutcomeReader {
  const reader: OutcomeReader = {
    outcome: null,
    document: addDocumentReader(
      req,
      (xml) => {
        reader.outcome = wanted(req) ? readOutcome(xml, baseOf(ne_get_session(req), req)) : null;
        return reader.outcome !== null;
      },
      ends,
    ),
  };
  return reader;
}

/** Gives up what the reader needed. */
export function endOutcomeReader(reader: OutcomeReader): void {
  endDocument(reader.document);
}

/** Dispatches a request. @returns as `ne_simple_request`, which destroys it as well */
export async function dispatchForOutcome(req: ne_request): Promise<number> {
  const reader = addOutcomeReader(req, true);
  try {
    return judgeOutcome(req, await ne_request_dispatch(req), reader);
  } finally {
    endOutcomeReader(reader);
  }
}

/** What a dispatch comes to, given its code: `NE_ERROR` for a status or a document that failed. */
export function judgeOutcome(req: ne_request, code: number, reader: OutcomeReader): number {
  if (code !== NE_OK) return code;
  return judge(req, reader) === NE_OK ? NE_OK : failResponse(req);
}

function judge(req: ne_request, reader: OutcomeReader): number {
  const status = ne_get_status(req);
  if (status.klass !== 2) return NE_ERROR;
  if (status.code !== 207) return NE_OK;
  const { fault } = reader.document;
  if (fault !== null) return refuseDocument(req, fault);
  const { outcome } = reader;
  if (outcome === null || !outcome.isMultistatus) {
    return refuseDocument(req, "the document is no DAV:multistatus");
  }
  tellFailure(req, reader);
  return outcome.failure === null ? NE_OK : NE_ERROR;
}

/**
 * Dispatches a request that has failed with any multistatus response: the session error says what
 * failed, if that is said.
 */
export async function dispatchForNoMultistatus(req: ne_request): Promise<number> {
  const reader = addOutcomeReader(req, false);
  try {
    const code = await ne_request_dispatch(req);
    const { code: status, klass } = ne_get_status(req);
    if (code !== NE_OK || (klass === 2 && status !== 207)) return code;
    tellFailure(req, reader);
    return failResponse(req);
  } finally {
    endOutcomeReader(reader);
  }
}

/** Puts the failures that a document tells of, if any, into the session error. */
export function tellFailure(req: ne_request, { outcome }: OutcomeReader): void {
  if (outcome?.failure) ne_set_error(ne_get_session(req), "%s", outcome.text);
}

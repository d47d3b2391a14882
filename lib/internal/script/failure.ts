// Makes an exception of a request that failed: its code, and the reason that its response gives.
import { isXmlType, parseContentType } from "../http/content_type.js";
import { NE_ERROR, NE_OK } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import type { Outcome } from "../multistatus/outcome.js";
import { readOutcome } from "../multistatus/outcome.js";
import {
  endOutcomeReader,
  judgeOutcome,
  type OutcomeReader,
  addOutcomeReader,
} from "../multistatus/outcome_reader.js";
import { ne_get_session, ne_get_status } from "../../ne_request.js";
import { ne_get_error } from "../../ne_session.js";
import type { ne_uri } from "../../ne_uri.js";
import { ne_status } from "../../ne_utils.js";
import { ne_xml_create, ne_xml_destroy, ne_xml_parse } from "../../ne_xml.js";
import { nx_get_cause, nx_response_fields } from "../../nx_session.js";
import { nx_error } from "./nx_error.js";

/** Makes a request notice what its response says of a failure: multistatus and error documents. */
export function addFailureReader(req: ne_request): OutcomeReader {
  // whatever the response is, it is read no further than a document goes
  return addOutcomeReader(req, false, () => true);
}

/** The same where a multistatus is the response that was asked for. */
export function addErrorReader(req: ne_request): OutcomeReader {
  return addOutcomeReader(req, false, (request) => ne_get_status(request).klass !== 2);
}

/**
 * Ends the reader. Throws `nx_error` where the request failed: by its code, its status, or a
 * failing status anywhere in a 207.
 * @param path what the request is about
 */
export function throwFailure(
  req: ne_request,
  code: number,
  reader: OutcomeReader,
  path: string,
): void {
  const judged = reader.outcome === null ? judgeStatus(req, code) : judgeOutcome(req, code, reader);
  endOutcomeReader(reader);
  if (judged !== NE_OK) throw failureOf(req, judged, path, reader.outcome);
}

function judgeStatus(req: ne_request, code: number): number {
  return code === NE_OK && ne_get_status(req).klass !== 2 ? NE_ERROR : code;
}

/**
 * What a request failed with.
 * @param code the code of its dispatch, `NE_ERROR` for a response that is a failure
 * @param outcome what its document said
 * @param context put before the message
 */
export function failureOf(
  req: ne_request,
  code: number,
  path: string | null,
  outcome: Outcome | null = null,
  context = "",
): nx_error {
  const sess = ne_get_session(req);
  const answered = ne_get_status(req).code !== 0;
  const status = answered ? (outcome?.failure ?? ne_get_status(req)) : null;
  return new nx_error(
    context + ne_get_error(sess),
    code,
    status === null ? null : Object.freeze(Object.assign(new ne_status(), status)),
    nx_get_cause(sess),
    {
      headers: answered ? Object.freeze(nx_response_fields(req)) : [],
      path: outcome?.path ?? path,
      condition: outcome?.condition ?? null,
    },
  );
}

/**
 * The condition that an error document names, or `null`.
 * @param type its Content-Type: only XML is looked at
 * @param base what its references are relative to
 */
export function conditionIn(
  body: Uint8Array,
  type: string | null,
  base: Readonly<ne_uri>,
): string | null {
  const parsed = type === null ? null : parseContentType(type);
  if (body.length === 0 || parsed === null || !isXmlType(parsed)) return null;
  const xml = ne_xml_create();
  try {
    const outcome = readOutcome(xml, base);
    if (ne_xml_parse(xml, body) === 0) ne_xml_parse(xml);
    return outcome.condition;
  } finally {
    ne_xml_destroy(xml);
  }
}

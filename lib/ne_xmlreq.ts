// Responses that are XML documents: the body goes to a parser, as one more reader behind those of
// the request, so that a handler's promise holds up the connection like any reader's.
import { isXmlType, parseContentType } from "./internal/http/content_type.js";
import { NE_DBG_XML, NE_ERROR, NE_OK, NE_RETRY } from "./internal/base/constants.js";
import { debug } from "./internal/base/debug.js";
import { needHandle } from "./internal/base/handle.js";
import { needCallback } from "./internal/base/arguments.js";
import { reportUnreadable } from "./internal/session/failed_response.js";
import { askAboutResponse, methodOf, readBehindAll } from "./internal/session/plugin_access.js";
import { LeadingBlanks } from "./internal/multistatus/leading_blanks.js";
import { ne_set_error } from "./ne_session.js";
import {
  ne_accept_2xx,
  ne_begin_request,
  ne_discard_response,
  ne_end_request,
  ne_get_response_header,
  ne_get_session,
  ne_get_status,
} from "./ne_request.js";
import type { ne_accept_response, ne_request } from "./ne_request.js";
import { ne_xml_get_error, ne_xml_parse_v, ne_xml_set_encoding } from "./ne_xml.js";
import type { ne_xml_parser } from "./ne_xml.js";

/**
 * Parses the response body, whatever its type and status; to be called between `ne_begin_request`
 * and `ne_end_request`. Where HTTP allows no body (status 204 and 304, HEAD) there is nothing to
 * parse.
 * @returns `NE_OK`, or `NE_ERROR`; if the document is at fault the session error is
 *   `Could not parse response: …` and the connection is closed.
 */
export async function ne_xml_parse_response(
  req: ne_request,
  parser: ne_xml_parser,
): Promise<number> {
  return hasNoBody(req) ? ne_discard_response(req) : readInto(req, parser, null);
}

/**
 * `ne_xml_dispatchif_request` for the bodies of 2xx responses.
 * @returns as `ne_xml_dispatchif_request`.
 */
export async function ne_xml_dispatch_request(
  req: ne_request,
  parser: ne_xml_parser,
): Promise<number> {
  needHandle(req, "ne_request", "ne_xml_dispatch_request");
  needHandle(parser, "ne_xml_parser", "ne_xml_dispatch_request");
  return ne_xml_dispatchif_request(req, parser, ne_accept_2xx);
}

/**
 * Dispatches the request, repeating it on `NE_RETRY`. The response body is parsed if `acpt` accepts
 * it and its type is `text/xml`, `application/xml` or ends in `+xml`; a charset in Content-Type
 * sets the parser's encoding. Any other body is dropped. The same parser is used again for a retry.
 * @returns as `ne_request_dispatch`; `NE_ERROR` as described at `ne_xml_parse_response`, also for
 *   an unknown charset.
 */
export async function ne_xml_dispatchif_request<T>(
  req: ne_request,
  parser: ne_xml_parser,
  acpt: ne_accept_response<T>,
  userdata?: T,
): Promise<number> {
  needHandle(req, "ne_request", "ne_xml_dispatchif_request");
  needHandle(parser, "ne_xml_parser", "ne_xml_dispatchif_request");
  needCallback(acpt, "ne_xml_dispatchif_request", "the acceptance callback");
  for (;;) {
    let code = await ne_begin_request(req);
    if (code === NE_OK) code = await readBody(req, parser, acpt, userdata ?? null);
    if (code === NE_OK) code = await ne_end_request(req);
    if (code !== NE_RETRY) return code;
  }
}

async function readBody<T>(
  req: ne_request,
  parser: ne_xml_parser,
  acpt: ne_accept_response<T>,
  userdata: T | null,
): Promise<number> {
  const asked = await askAboutResponse(req, acpt, userdata);
  if (asked.result === null) return asked.code;
  const field = ne_get_response_header(req, "Content-Type");
  const type = field === null ? null : parseContentType(field);
  const isWanted = asked.result !== 0 && type !== null && isXmlType(type) && !hasNoBody(req);
  const verdict = isWanted ? "parsing" : "passing over";
  debug(NE_DBG_XML, "xmlreq: %s a response of type %s\n", verdict, field);
  if (!isWanted) return ne_discard_response(req);
  const known = type.charset === null || type.charset === "" ||
    ne_xml_set_encoding(parser, type.charset) === 0;
  return readInto(req, parser, known ? null : ne_xml_get_error(parser));
}

// Reads the body to its end, the parser being the last of its readers.
function readInto(req: ne_request, parser: ne_xml_parser, fault: string | null): Promise<number> {
  const refuse = (reason: string): number => {
    reportUnreadable(req);
    ne_set_error(ne_get_session(req), "Could not parse response: %s", reason);
    return NE_ERROR;
  };
  const judge = (code: number): number => (code === 0 ? 0 : refuse(ne_xml_get_error(parser)));
  const blanks = new LeadingBlanks();
  const feed = (bytes: Uint8Array): number | Promise<number> => {
    const code = ne_xml_parse_v(parser, bytes);
    return typeof code === "number" ? judge(code) : code.then(judge);
  };
  return readBehindAll(req, "ne_xml_parse_response", (_userdata, block) => {
    if (fault !== null) return refuse(fault);
    const bytes = blanks.pass(block);
    // an empty block is the end of the document, and what was held is to be read before it
    if (bytes.length === 0) return block.length === 0 ? feed(block) : 0;
    if (block.length > 0) return feed(bytes);
    const code = feed(bytes);
    if (typeof code !== "number") return code.then((c) => (c === 0 ? feed(block) : c));
    return code === 0 ? feed(block) : code;
  });
}

// Responses without a body, whatever their fields say (RFC 9112, section 6.3).
function hasNoBody(req: ne_request): boolean {
  const { code } = ne_get_status(req);
  return code === 204 || code === 304 || methodOf(req) === "HEAD";
}

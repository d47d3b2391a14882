// Reads the XML document in the body of a response, whatever its Content-Type. It is an additional
// body reader, a public hook, so nothing else about the request changes.
import { NE_ERROR } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import { reportUnreadable } from "../session/failed_response.js";
import { parseContentType } from "../http/content_type.js";
import {
  ne_add_response_body_reader,
  ne_get_response_header,
  ne_get_session,
} from "../../ne_request.js";
import { LeadingBlanks } from "./leading_blanks.js";
import { ne_set_error } from "../../ne_session.js";
import {
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_get_error,
  ne_xml_parse,
  ne_xml_set_encoding,
  type ne_xml_parser,
} from "../../ne_xml.js";

/** Bytes of a document: one that is longer has no end. */
const MAX_BYTES = 1 << 24;

/** A document under way, or read. */
export interface ResponseDocument {
  /** Why it could not be read, or `null`. */
  fault: string | null;
  /** There was no body. */
  isEmpty: boolean;
  bytes: number;
  parser: ne_xml_parser | null;
  blanks: LeadingBlanks;
}

/**
 * Adds the reader to a request.
 * @param begin called with a parser for each response; says whether its document is wanted
 * @param ends whether a document that cannot be read ends the request: not where others want it
 */
export function addDocumentReader(
  req: ne_request,
  begin: (xml: ne_xml_parser) => boolean,
  ends: boolean,
): ResponseDocument {
  const document: ResponseDocument = {
    fault: null,
    isEmpty: true,
    bytes: 0,
    parser: null,
    blanks: new LeadingBlanks(),
  };
  ne_add_response_body_reader(
    req,
    () => (start(document, req, begin) ? 1 : 0),
    (_userdata, block) => {
      read(document, block);
      if (document.bytes > MAX_BYTES) return refuseDocument(req, "the answer goes on without end");
      return ends && document.fault !== null ? refuseDocument(req, document.fault) : 0;
    },
  );
  return document;
}

// A request that is repeated starts a new document.
function start(
  document: ResponseDocument,
  req: ne_request,
  begin: (xml: ne_xml_parser) => boolean,
): boolean {
  endDocument(document);
  document.fault = null;
  document.isEmpty = true;
  document.bytes = 0;
  document.blanks = new LeadingBlanks();
  const parser = ne_xml_create();
  document.parser = parser;
  if (!begin(parser)) {
    endDocument(document);
    return false;
  }
  const field = ne_get_response_header(req, "Content-Type");
  const charset = (field === null ? null : parseContentType(field))?.charset ?? "";
  if (charset !== "" && ne_xml_set_encoding(parser, charset) !== 0) {
    document.fault = ne_xml_get_error(parser);
  }
  return true;
}

function read(document: ResponseDocument, block: Uint8Array): void {
  const { parser } = document;
  document.bytes += block.length;
  if (parser === null || document.fault !== null) return;
  if (block.length > 0) document.isEmpty = false;
  const isEnd = block.length === 0;
  const bytes = document.blanks.pass(block);
  let code = bytes.length === 0 ? 0 : ne_xml_parse(parser, bytes);
  if (code === 0 && isEnd) code = ne_xml_parse(parser);
  if (code !== 0) document.fault = ne_xml_get_error(parser);
}

/** Gives up what the reader needed. */
export function endDocument(document: ResponseDocument): void {
  if (document.parser !== null) ne_xml_destroy(document.parser);
  document.parser = null;
}

/** Fails a request by its response. @returns `NE_ERROR` */
export function refuseDocument(req: ne_request, why: string): number {
  reportUnreadable(req);
  ne_set_error(ne_get_session(req), "Could not parse response: %s", why);
  return NE_ERROR;
}

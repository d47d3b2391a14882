// Makes an exception of a result that is not ok, with the reason that its response gives.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { isXmlType, parseContentType } from "../http/content_type.js";
import { ne_uri, ne_uri_parse } from "../../ne_uri.js";
import { conditionIn } from "./failure.js";
import { nx_error } from "./nx_error.js";
import type { nx_result } from "./result.js";

/** What a result failed with. */
export function errorOf(result: nx_result): nx_error {
  const { code, error, status, cause, headers, url } = result;
  const uri = new ne_uri();
  const path = ne_uri_parse(url, uri) === 0 ? uri.path : null;
  const details = { headers, path, condition: conditionOf(result, uri) };
  return new nx_error(error, code === NE_OK ? NE_ERROR : code, status, cause, details);
}

function conditionOf(result: nx_result, base: ne_uri): string | null {
  const type = parseContentType(result.header("Content-Type") ?? "");
  const isXml = type !== null && isXmlType(type) && result.body.length > 0;
  return isXml ? conditionIn(result.body, base) : null;
}

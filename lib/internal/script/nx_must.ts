// Makes an exception of a result that is not ok, with the reason that its response gives.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import { ne_uri, ne_uri_parse } from "../../ne_uri.js";
import { conditionIn } from "./failure.js";
import { nx_error } from "./nx_error.js";
import type { nx_result } from "./result.js";

/** What a result failed with. */
export function errorOf(result: nx_result): nx_error {
  const { code, error, status, cause, headers, url } = result;
  const uri = new ne_uri();
  const path = ne_uri_parse(url, uri) === 0 ? uri.path : null;
  const condition = conditionIn(result.body, result.header("Content-Type"), uri);
  const details = { headers, path, condition };
  return new nx_error(error, code === NE_OK ? NE_ERROR : code, status, cause, details);
}

// Requests that change something, and whose response only says whether they did.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import type { ne_request, ne_session } from "../base/handle.js";
import { endOutcomeReader, judgeOutcome, addOutcomeReader } from "../multistatus/outcome_reader.js";
import type { nx_error } from "../script/nx_error.js";
import { newRequest } from "../session/create_request.js";
import {
  ne_add_request_header,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
} from "../../ne_request.js";
import type { ne_status } from "../../ne_utils.js";
import { NE_XML_MEDIA_TYPE } from "../../ne_xml.js";
import { failure, requestFailure } from "./failed_request.js";

/** A request of this kind. */
export interface Command {
  readonly sess: ne_session;
  readonly method: string;
  readonly path: string;
  /** `""` for none. */
  readonly body: string;
  readonly caller: string;
  /** Called with the request before it is sent. */
  readonly prepare: (req: ne_request) => void;
}

/** Sends it. Throws `nx_error` where any of it failed, also within a 207. */
export async function carryOut(command: Command): Promise<void> {
  const { sess, method, path, body, caller, prepare } = command;
  const req = newRequest(sess, method, path, caller);
  // the body of a success, too, may say what has failed all the same
  const reader = addOutcomeReader(req, false, () => true);
  try {
    if (body !== "") {
      ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
      ne_set_request_body_buffer(req, Buffer.from(body));
    }
    prepare(req);
    const code = judgeOutcome(req, await ne_request_dispatch(req), reader);
    const { failure: failing = null, condition = null, text = "" } = reader.outcome ?? {};
    if (code === NE_OK && failing === null) return;
    const failed = requestFailure(req, code === NE_OK ? NE_ERROR : code, path, "", condition);
    throw failing === null ? failed : inDetail(failed, failing, text);
  } finally {
    endOutcomeReader(reader);
    ne_request_destroy(req);
  }
}

// What a document tells says more than 207, 424 or a success.
function inDetail(failed: nx_error, failing: Readonly<ne_status>, text: string): nx_error {
  const { code, status, headers, path, condition } = failed;
  const saysLittle = status === null || status.klass === 2 || status.code === 424;
  const reason = condition === null ? text : `${text} (${condition})`;
  return failure(saysLittle ? reason : failed.message, {
    ...{ code, headers, path, condition },
    status: saysLittle ? failing : status,
  });
}

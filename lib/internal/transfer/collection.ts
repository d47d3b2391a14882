// Whether there is a collection where a file is to go: a MOVE onto it would remove all that is in
// it (RFC 4918 section 9.9.3), and no condition of a MOVE keeps that from happening.
import { NE_DEPTH_ZERO, NE_OK } from "../base/constants.js";
import { isSlashMissing } from "../resources/missing_slash.js";
import {
  ne_propfind_create,
  ne_propfind_destroy,
  ne_propfind_get_request,
  ne_propfind_named,
  ne_propset_value,
} from "../../ne_props.js";
import { nx_set_request_signal } from "../../nx_session.js";
import { addField } from "../script/header_list.js";
import { responseOf, type TransferResponse } from "./transfer_request.js";
import { Failed } from "./failed_transfer.js";
import type { Job } from "./upload_job.js";
import { Tries } from "./retries.js";

const TYPE = { nspace: "DAV:", name: "resourcetype" };

/** Throws where the target is a collection. A server that does not say has none. */
export async function refuseCollection(job: Job): Promise<void> {
  // with Overwrite: F, nothing is removed
  if (job.conditions.noneMatch === "*") return;
  const tries = new Tries(job.context, job.retries);
  for (;;) {
    const found = { isCollection: false };
    const response = await ask(job, found);
    if (found.isCollection || isSlashMissing(response, job.path)) {
      throw new Failed(`There is a collection at ${job.path}`);
    }
    if (response.code === NE_OK) return;
    await tries.again(response);
  }
}

async function ask(
  { context, path }: Job,
  found: { isCollection: boolean },
): Promise<TransferResponse> {
  const handler = ne_propfind_create(context.sess, path, NE_DEPTH_ZERO);
  const req = ne_propfind_get_request(handler);
  try {
    nx_set_request_signal(req, context.signal);
    for (const field of context.fields) addField(req, field);
    const code = await ne_propfind_named(handler, [TYPE], (_userdata, _uri, results) => {
      const type = ne_propset_value(results, TYPE) ?? "";
      found.isCollection ||= /<DAV:collection[ >]/.test(type);
    });
    return responseOf(context, { method: "PROPFIND", target: path }, code, req);
  } finally {
    ne_propfind_destroy(handler);
  }
}

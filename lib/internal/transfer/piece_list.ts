// The pieces of a chunked upload that a server holds, by PROPFIND.
import { NE_DEPTH_ONE, NE_OK } from "../base/constants.js";
import { ne_add_request_header, ne_get_status } from "../../ne_request.js";
import {
  ne_propfind_create,
  ne_propfind_destroy,
  ne_propfind_get_request,
  ne_propfind_named,
  ne_propset_value,
} from "../../ne_props.js";
import { nx_set_request_signal } from "../../nx_session.js";
import { responseOf, hasStatus, type TransferResponse, type Field } from "./transfer_request.js";
import { BeginAnew } from "./failed_transfer.js";
import type { Job } from "./upload_job.js";
import { Tries } from "./retries.js";

const LENGTH = { nspace: "DAV:", name: "getcontentlength" };

/** The sizes of the pieces 1, 2, 3 ...; throws `BeginAnew` where the collection is gone. */
export async function listPieces(
  job: Job,
  url: string,
  fields: readonly Field[],
): Promise<number[]> {
  const tries = new Tries(job.context, job.retries);
  for (;;) {
    const sizes = new Map<number, number>();
    const response = await ask(job, url, fields, sizes);
    if (response === null) return inOrder(sizes);
    if (hasStatus(response, 404, 410)) {
      throw new BeginAnew("What was begun is gone from the server");
    }
    await tries.again(response);
  }
}

async function ask(
  { context }: Job,
  url: string,
  fields: readonly Field[],
  sizes: Map<number, number>,
): Promise<TransferResponse | null> {
  const handler = ne_propfind_create(context.sess, url, NE_DEPTH_ONE);
  const req = ne_propfind_get_request(handler);
  try {
    nx_set_request_signal(req, context.signal);
    for (const field of [...context.fields, ...fields]) ne_add_request_header(req, ...field);
    const code = await ne_propfind_named(handler, [LENGTH], (_userdata, uri, results) => {
      const number = /\/0*([1-9]\d*)$/.exec(uri.path ?? "")?.[1];
      const size = ne_propset_value(results, LENGTH);
      if (number !== undefined && size !== null) sizes.set(Number(number), Number(size));
    });
    if (code === NE_OK && ne_get_status(req).code === 207) return null;
    return responseOf(context, { method: "PROPFIND", target: url }, code, req);
  } finally {
    ne_propfind_destroy(handler);
  }
}

function inOrder(sizes: ReadonlyMap<number, number>): number[] {
  const list: number[] = [];
  for (let number = 1; number <= sizes.size; number++) {
    const size = sizes.get(number);
    if (size === undefined || !Number.isSafeInteger(size)) {
      throw new BeginAnew("The server has lost a piece of what was begun");
    }
    list.push(size);
  }
  return list;
}

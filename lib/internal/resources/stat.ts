// One resource, or that there is none.
import type { ne_session } from "../base/handle.js";
import { nx_error } from "../script/nx_error.js";
import type { ne_propname } from "../../ne_props.js";
import { failure, refusal } from "./failed_request.js";
import { ResourceCollector } from "./resource_collector.js";
import { propfind, propfindBody } from "./propfind.js";
import { isSlashMissing } from "./missing_slash.js";
import type { nx_resource } from "./resource.js";
import { isRefused, type Response } from "./response_element.js";
import { Call } from "./call.js";

/** Whether a status says that nothing is there. */
export function isAbsence(code: number | undefined): boolean {
  return code === 404 || code === 410;
}

/** See `nx_stat`. */
export async function stat(
  sess: ne_session,
  path: string,
  props: readonly ne_propname[] | "all",
  caller: string,
): Promise<nx_resource | null> {
  try {
    return await inspect(new Call(sess, null, caller), path, propfindBody(props, caller));
  } catch (error) {
    if (error instanceof nx_error && isAbsence(error.status?.code)) return null;
    throw error;
  }
}

/** The resource at a path, by a PROPFIND of depth 0. Throws where it cannot be shown. */
export async function inspect(
  call: Call,
  path: string,
  body: string,
  context = "",
): Promise<nx_resource> {
  try {
    return await inspectAt(call, path, body, context);
  } catch (error) {
    if (!(error instanceof nx_error) || !isSlashMissing(error, path)) throw error;
    return inspectAt(call, `${path}/`, body, context);
  }
}

async function inspectAt(
  call: Call,
  path: string,
  body: string,
  context: string,
): Promise<nx_resource> {
  const collector = new ResourceCollector(path, context);
  const responses: Response[] = [];
  const found = await call.all(propfind(path, 0, body, context), (response, batch) => {
    if (responses.length < 2) responses.push(response);
    collector.take(response, batch, (kind) => kind === "self");
  });
  const { own } = collector;
  const only = responses.length === 1 ? responses[0] : undefined;
  // the only response says what there is, whatever its href
  const judged = own ?? (only !== undefined && isAbsence(only.status?.code) ? only : null);
  if (judged !== null && isRefused(judged)) throw refusal(judged, path, context);
  collector.checkWhole(path);
  const [resource] = found;
  if (resource !== undefined) return resource;
  throw failure(`${context}the answer does not name the resource`, { path });
}

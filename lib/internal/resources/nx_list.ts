// nx_list, published by nx_script: one folder, or a walk.
import { readOptions } from "../base/call_options.js";
import { misuse, type ne_session } from "../base/handle.js";
import type { nx_error } from "../script/nx_error.js";
import type { ne_propname } from "../../ne_props.js";
import type { Supply } from "./batches.js";
import { ResourceCollector } from "./resource_collector.js";
import { listOnce, propfind, propfindBody, type Wanted } from "./propfind.js";
import { needPath, needProps, needSession, needSignal } from "./argument_checks.js";
import type { nx_resource } from "./resource.js";
import { withSlash } from "./missing_slash.js";
import { walk } from "./walk.js";
import { Call } from "./call.js";

/** What to list, and how. */
export interface nx_list_options {
  /** 0, 1 (default) or `Infinity`, which walks by requests of depth 1 */
  depth?: number;
  /**
   * properties to request in addition to those that the members of `nx_resource` need; `"all"` for
   * an allprop request
   */
  props?: readonly ne_propname[] | "all";
  /** yield the collection itself as well (default true) */
  self?: boolean;
  /**
   * called when a collection below the first cannot be listed: `stop` (default) throws, `skip`
   * continues without it, `retry` tries again after the time that Retry-After says
   */
  on_error?: (
    path: string,
    error: nx_error,
  ) => "stop" | "skip" | "retry" | Promise<"stop" | "skip" | "retry">;
  /** how many collections of a walk to list at once (default 1), each on a connection of its own */
  parallel?: number;
  /** aborts the listing: the loop throws */
  signal?: AbortSignal | undefined;
}

const LIST_OPTIONS = new Set<keyof nx_list_options>([
  ...(["depth", "props", "self", "on_error", "parallel", "signal"] as const),
]);

/**
 * Lists a collection. Resources are yielded as the response arrives, each once (by its path and
 * query). The connection is read no faster than the loop runs, memory stays bounded whatever the
 * size, and leaving the loop ends the request. The loop may use the session meanwhile.
 *
 * A walk (`depth: Infinity`) yields each folder's members before their contents, and nothing that
 * is outside the folder that was asked for.
 * @param path of the collection, percent-encoded
 * @throws `nx_error` if the request fails, and if the response is not a multistatus document, names
 *   neither the collection nor a member of it, or says that the collection itself cannot be shown:
 *   a failure is never an empty listing. If the server cut the list short (507), it throws after
 *   the last resource
 * @example
 * ```ts
 * for await (const { path, size } of nx_list(sess, "/music/", { depth: Infinity })) {
 *   console.log(path, size);
 * }
 * ```
 */
export function nx_list(
  sess: ne_session,
  path: string,
  options: nx_list_options = {},
): AsyncIterableIterator<nx_resource> {
  const caller = "nx_list";
  needSession(sess, caller);
  needPath(path, caller);
  const own = readOptions(options, LIST_OPTIONS, caller);
  const { depth = 1, self = true, parallel = 1, on_error: onError = null } = own;
  if (depth !== 0 && depth !== 1 && depth !== Infinity) {
    throw misuse(caller, "the depth must be 0, 1 or Infinity");
  }
  if (!Number.isInteger(parallel) || parallel < 1) {
    throw misuse(caller, "parallel must be a whole number above 0");
  }
  if (onError !== null && typeof onError !== "function") {
    throw misuse(caller, "on_error must be a function");
  }
  if (typeof self !== "boolean") throw misuse(caller, "self must be true or false");
  const props = own.props === "all" ? "all" : needProps(own.props ?? [], caller);
  const body = propfindBody(props, caller);
  const call = new Call(sess, needSignal(own.signal, caller), caller);
  const isGiven: Wanted = (kind) => self || kind !== "self";
  const list = (at: string): AsyncGenerator<Supply<nx_resource>, void> => {
    if (depth === Infinity) return walk(call, { path: at, body, self, parallel, onError });
    const spec = propfind(at, depth === 0 ? 0 : 1, body, "");
    return listOnce(call, spec, new ResourceCollector(at), isGiven);
  };
  return call.iterate(path, path.endsWith("/") ? list(path) : withSlash(path, list));
}

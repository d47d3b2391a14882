// What the commands ask about a resource before they touch it: whether it is there, and whether it
// is a collection, whose path then gets its slash.

import { NE_DEPTH_ZERO } from "libneon/ne_basic";
import {
  ne_propset_value,
  ne_simple_propfind,
  type ne_prop_result_set,
  type ne_propname,
} from "libneon/ne_props";
import { ne_redirect_location } from "libneon/ne_redirect";
import {
  NE_OK,
  NE_REDIRECT,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "libneon/ne_request";
import { ne_get_error } from "libneon/ne_session";
import type { ne_uri } from "libneon/ne_uri";
import { failed, type Shell } from "./session.js";
import { asCollection } from "./words.js";

const TYPE: ne_propname = { nspace: "DAV:", name: "resourcetype" };

/** What was found at a path: `code` is `NE_OK` only if something was. */
export interface Found {
  code: number;
  path: string;
  isCollection: boolean;
}

/** Whether a set of properties that holds `DAV:resourcetype` is a collection's. */
export function isCollection(results: ne_prop_result_set): boolean {
  return ne_propset_value(results, TYPE)?.includes("<DAV:collection") ?? false;
}

/** `ne_simple_propfind`, for which an answer without any resource is a failure. */
export async function propfind(
  shell: Shell,
  path: string,
  depth: number,
  props: readonly ne_propname[] | null,
  take: (uri: Readonly<ne_uri>, results: ne_prop_result_set) => void,
): Promise<number> {
  let resources = 0;
  const ret = await ne_simple_propfind(shell.sess, path, depth, props, (_, uri, results) => {
    resources++;
    take(uri, results);
  });
  if (ret !== NE_OK || resources > 0) return ret;
  return failed(shell, `the answer names no resource: ${ne_get_error(shell.sess)}`);
}

/** Looks what is at a path. A redirect to the same server is followed once. */
export async function look(shell: Shell, path: string, hops = 1): Promise<Found> {
  const found: Found = { code: NE_OK, path, isCollection: false };
  found.code = await propfind(shell, path, NE_DEPTH_ZERO, [TYPE], (_, results) => {
    found.isCollection = isCollection(results);
  });
  if (found.code === NE_REDIRECT && hops > 0) {
    const target = ne_redirect_location(shell.sess)?.path ?? null;
    if (target === asCollection(path)) return look(shell, target, hops - 1);
  }
  if (found.isCollection) found.path = asCollection(path);
  return found;
}

/** Whether a file is at a path, by HEAD. @returns `NE_OK` and the answer in `there`, or a code */
export async function exists(
  shell: Shell,
  path: string,
  there: { value: boolean },
): Promise<number> {
  const req = ne_request_create(shell.sess, "HEAD", path);
  const ret = await ne_request_dispatch(req);
  const { klass, code } = ne_get_status(req);
  ne_request_destroy(req);
  there.value = klass === 2;
  if (ret !== NE_OK || klass === 2 || code === 404) return ret;
  return failed(shell, ne_get_error(shell.sess));
}

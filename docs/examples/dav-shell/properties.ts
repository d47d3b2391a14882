// Commands of properties: propget, propnames, propset, propdel, search. A name is
// `{namespace}name`; without a namespace it is one of DAV:.

import { NE_DEPTH_ZERO } from "libneon/ne_basic";
import {
  ne_propnames,
  ne_proppatch,
  ne_propremove,
  ne_propset,
  ne_propset_iterate,
  ne_propset_status,
  ne_propset_value,
  type ne_prop_result_set,
  type ne_propname,
} from "libneon/ne_props";
import { NE_OK } from "libneon/ne_request";
import { nx_search } from "libneon/nx_dav";
import { escapeXml } from "./locks.js";
import { look, propfind } from "./resources.js";
import { failed, print, type Shell } from "./session.js";
import { resolvePath, shownPath } from "./words.js";

/** propget PATH [NAME] */
export async function getProperties(shell: Shell, args: string[]): Promise<number> {
  const path = resolvePath(shell.folder, args[0] ?? ".");
  const name = args[1] === undefined ? null : readName(args[1]);
  let missing: string | null = null;
  const props = name === null ? null : [name];
  const ret = await propfind(shell, path, NE_DEPTH_ZERO, props, (_, results) => {
    if (name === null) return void ne_propset_iterate(results, printProperty);
    const value = ne_propset_value(results, name);
    const { code = "no status", reason_phrase = "" } = ne_propset_status(results, name) ?? {};
    if (value !== null) print(value);
    else missing = `${showName(name)}: ${code} ${reason_phrase ?? ""}`;
  });
  return ret === NE_OK && missing !== null ? failed(shell, missing) : ret;
}

/** propnames PATH */
export async function listProperties(shell: Shell, args: string[]): Promise<number> {
  const found = await look(shell, resolvePath(shell.folder, args[0] ?? "."));
  if (found.code !== NE_OK) return found.code;
  let resources = 0;
  const take = (_: unknown, _uri: unknown, results: ne_prop_result_set): void => {
    resources++;
    ne_propset_iterate(results, (_data, name) => {
      print(showName(name));
      return 0;
    });
  };
  const ret = await ne_propnames(shell.sess, found.path, NE_DEPTH_ZERO, take);
  if (ret !== NE_OK || resources > 0) return ret;
  return failed(shell, "the answer names no resource");
}

/** propset PATH NAME VALUE */
export async function setProperty(shell: Shell, args: string[]): Promise<number> {
  const [path = "", name = "", value = ""] = args;
  return ne_proppatch(shell.sess, resolvePath(shell.folder, path), [
    { name: readName(name), type: ne_propset, value: escapeXml(value) },
  ]);
}

/** propdel PATH NAME */
export async function removeProperty(shell: Shell, args: string[]): Promise<number> {
  const [path = "", name = ""] = args;
  return ne_proppatch(shell.sess, resolvePath(shell.folder, path), [
    { name: readName(name), type: ne_propremove, value: null },
  ]);
}

/** search TEXT: names that hold it; or the content of a DAV:where element */
export async function search(shell: Shell, args: string[]): Promise<number> {
  const [text = ""] = args;
  const literal = escapeXml(text.replace(/[%_\\]/g, "\\$&"));
  const where = text.startsWith("<")
    ? text
    : `<D:like><D:prop><D:displayname/></D:prop><D:literal>%${literal}%</D:literal></D:like>`;
  let found;
  try {
    found = nx_search(shell.sess, shell.folder, { where });
  } catch (error) {
    // XML that is none is a mistake of the person's, not of the program's
    if (!(error instanceof TypeError)) throw error;
    return failed(shell, error.message);
  }
  for await (const { path } of found) print(shownPath(path));
  return NE_OK;
}

function printProperty(_: unknown, name: Readonly<ne_propname>, value: string | null): number {
  print(`${showName(name)} = ${value ?? ""}`);
  return 0;
}

function readName(text: string): ne_propname {
  const clark = /^\{(.*)\}(.+)$/s.exec(text);
  return { nspace: clark?.[1] ?? "DAV:", name: clark?.[2] ?? text };
}

function showName({ nspace, name }: Readonly<ne_propname>): string {
  return nspace === "DAV:" ? (name ?? "") : `{${nspace ?? ""}}${name ?? ""}`;
}

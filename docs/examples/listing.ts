// A collection's members as a table: filled by PROPFIND results as they come.

import { ne_httpdate_parse } from "libneon/ne_dates";
import { ne_propset_value, type ne_prop_result_set, type ne_propname } from "libneon/ne_props";
import { ne_path_compare, ne_path_unescape, type ne_uri } from "libneon/ne_uri";
import { printable } from "./terminal.js";

const LENGTH: ne_propname = { nspace: "DAV:", name: "getcontentlength" };
const MODIFIED: ne_propname = { nspace: "DAV:", name: "getlastmodified" };
const TYPE: ne_propname = { nspace: "DAV:", name: "resourcetype" };

interface Row {
  size: string;
  modified: string;
  name: string;
}

export class Table {
  /** The properties to ask for. */
  static readonly wanted: readonly ne_propname[] = [TYPE, LENGTH, MODIFIED];
  readonly rows: Row[] = [];
  #base: string;

  /** @param base path of the collection, which is not listed itself. */
  constructor(base: string) {
    this.#base = base;
  }

  /** The results callback of `ne_simple_propfind`, with the table as userdata. */
  static add(table: Table, uri: Readonly<ne_uri>, results: ne_prop_result_set): void {
    const path = uri.path ?? "";
    const collection = ne_propset_value(results, TYPE)?.includes("<DAV:collection") ?? false;
    if (collection && ne_path_compare(path, table.#base) === 0) return;
    const bare = path.replace(/\/+$/, "");
    const inside = bare.startsWith(table.#base) && table.#base.endsWith("/");
    const name = inside ? bare.slice(table.#base.length) : bare.slice(bare.lastIndexOf("/") + 1);
    const time = ne_httpdate_parse(ne_propset_value(results, MODIFIED) ?? "");
    table.rows.push({
      size: collection ? "-" : printable(ne_propset_value(results, LENGTH) ?? "?"),
      modified: time < 0 ? "?" : new Date(time * 1000).toISOString().slice(0, 16).replace("T", " "),
      name: printable(ne_path_unescape(name) ?? name) + (collection ? "/" : ""),
    });
  }

  /** The table, with a line of headings. */
  lines(): string[] {
    const rows = [{ size: "size", modified: "modified (UTC)", name: "name" }, ...this.rows];
    const width = (of: (row: Row) => string): number =>
      rows.reduce((most, row) => Math.max(most, of(row).length), 0);
    const sizes = width((row) => row.size);
    const dates = width((row) => row.modified);
    return rows.map(
      (row) => `${row.size.padStart(sizes)}  ${row.modified.padEnd(dates)}  ${row.name}`,
    );
  }
}

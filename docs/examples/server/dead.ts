// Dead properties: what PROPPATCH stored, kept in memory beside the files, by path and name.

import { isBelow } from "./share.js";
import type { XmlElement } from "./xml.js";

/** The key of a property: no local name holds a brace. */
export function propertyKey(nspace: string, name: string): string {
  return `{${nspace}}${name}`;
}

export class DeadProperties {
  #byPath = new Map<string, Map<string, XmlElement>>();

  /** The properties of a resource, in the order in which they were first set. */
  of(path: string): ReadonlyMap<string, XmlElement> {
    return this.#byPath.get(path) ?? new Map();
  }

  set(path: string, property: XmlElement): void {
    const properties = this.#byPath.get(path) ?? new Map<string, XmlElement>();
    properties.set(propertyKey(property.nspace, property.name), property);
    this.#byPath.set(path, properties);
  }

  remove(path: string, key: string): void {
    this.#byPath.get(path)?.delete(key);
  }

  /** The resource is gone, and all below it. */
  forget(path: string): void {
    for (const known of [...this.#byPath.keys()]) {
      if (known === path || isBelow(known, path)) this.#byPath.delete(known);
    }
  }

  /** One resource was copied. */
  copy(from: string, to: string): void {
    const properties = this.#byPath.get(from);
    if (properties) this.#byPath.set(to, new Map(properties));
    else this.#byPath.delete(to);
  }
}

// The locks of a store by server and path, so that the locks a request is concerned with are found
// however many there are: a tree of path segments for each server.
import type { ne_uri } from "../../ne_uri.js";
import { ne_uri_defaultport } from "../../ne_uri.js";
import { ne_strlower } from "../../ne_string.js";
import { locate } from "../uri/same_path.js";

interface Node<Entry> {
  readonly children: Map<string, Node<Entry>>;
  readonly entries: Set<Entry>;
}

/** Where something is: a server and the segments of a path, as they are compared. */
export interface Spot {
  readonly server: string;
  readonly segments: readonly string[];
}

/** The place of a path on a server; as in neon, ASCII case does not matter. */
export function spotOf(server: Readonly<ne_uri>, path: string): Spot {
  const scheme = ne_strlower(server.scheme ?? "");
  const port = server.port || ne_uri_defaultport(scheme);
  return {
    server: `${scheme}://${ne_strlower(server.host ?? "")}:${port}`,
    segments: locate(path)[0].segments.map(ne_strlower),
  };
}

/** Entries by their places. */
export class LockIndex<Entry> {
  readonly #servers = new Map<string, Node<Entry>>();

  add({ server, segments }: Spot, entry: Entry): void {
    let node = childOf(this.#servers, server);
    for (const segment of segments) node = childOf(node.children, segment);
    node.entries.add(entry);
  }

  remove({ server, segments }: Spot, entry: Entry): void {
    let around = this.#servers;
    const trail: { around: typeof around; name: string; node: Node<Entry> }[] = [];
    for (const name of [server, ...segments]) {
      const node = around.get(name);
      if (node === undefined) return;
      trail.push({ around, name, node });
      around = node.children;
    }
    trail.at(-1)?.node.entries.delete(entry);
    // branches without entries go
    for (const { around, name, node } of trail.reverse()) {
      if (node.children.size > 0 || node.entries.size > 0) return;
      around.delete(name);
    }
  }

  /** The entries at a place. */
  at(spot: Spot): Entry[] {
    return [...(this.#nodeAt(spot)?.entries ?? [])];
  }

  /** The entries above a place, not those at it. */
  above(spot: Spot): Entry[] {
    return this.#nodesTo(spot)
      .slice(0, spot.segments.length)
      .flatMap(({ entries }) => [...entries]);
  }

  /** The entries below a place, not those at it. */
  below(spot: Spot): Entry[] {
    const found: Entry[] = [];
    const pending = [...(this.#nodeAt(spot)?.children.values() ?? [])];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      found.push(...node.entries);
      pending.push(...node.children.values());
    }
    return found;
  }

  #nodeAt(spot: Spot): Node<Entry> | undefined {
    return this.#nodesTo(spot)[spot.segments.length];
  }

  // The nodes of the root and of each segment, as far as they exist.
  #nodesTo({ server, segments }: Spot): Node<Entry>[] {
    const nodes: Node<Entry>[] = [];
    let node = this.#servers.get(server);
    for (const segment of segments) {
      if (node === undefined) return nodes;
      nodes.push(node);
      node = node.children.get(segment);
    }
    if (node !== undefined) nodes.push(node);
    return nodes;
  }
}

function childOf<Entry>(children: Map<string, Node<Entry>>, name: string): Node<Entry> {
  const known = children.get(name);
  if (known !== undefined) return known;
  const node: Node<Entry> = { children: new Map(), entries: new Set() };
  children.set(name, node);
  return node;
}

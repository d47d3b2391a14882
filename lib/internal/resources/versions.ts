// Versions of a resource (RFC 3253), in the order in which they were made.
import type { ne_propname } from "../../ne_props.js";
import { placeKey } from "../uri/membership.js";
import { keyOf, locate } from "../uri/same_path.js";
import { type Supply, supplyOf } from "./batches.js";
import { DAV } from "./element.js";
import { ResourceCollector } from "./resource_collector.js";
import { hrefsIn } from "./hrefs.js";
import { HrefResolver } from "./href_resolver.js";
import { STANDARD_PROPS, type nx_resource } from "./resource.js";
import type { Call } from "./call.js";
import { propElements, PROLOGUE } from "./xml_text.js";

const VERSION_PROPS = ["version-name", "creator-displayname", "comment", "predecessor-set"].map(
  (name) => ({ nspace: DAV, name }),
);

/** Gives the versions, the oldest first. */
export async function* versions(
  call: Call,
  path: string,
  props: readonly ne_propname[],
): AsyncGenerator<Supply<nx_resource>> {
  const wanted = propElements([...STANDARD_PROPS, ...VERSION_PROPS, ...props], call.caller);
  const body =
    `${PROLOGUE}<D:version-tree xmlns:D="DAV:"><D:prop>${wanted}</D:prop></D:version-tree>`;
  const collector = new ResourceCollector(path, "", true);
  const found = await call.all({ method: "REPORT", path, depth: 0, body }, (response, batch) =>
    collector.take(response, batch, (kind) => kind !== "self"),
  );
  collector.checkOwn(path);
  collector.checkWhole(path);
  yield supplyOf(ordered(found, new HrefResolver(path, true)));
}

interface Version {
  readonly resource: nx_resource;
  /** Keys of those that it was made from. */
  readonly before: readonly string[];
}

// By date, but every version behind those that it was made from.
function ordered(resources: readonly nx_resource[], resolver: HrefResolver): nx_resource[] {
  const left = new Map<string, Version>();
  for (const resource of [...resources].sort(byDate)) {
    const set = resource.element(DAV, "predecessor-set");
    const before = (set === null ? [] : hrefsIn(set)).map((href) => placeKey(resolver.place(href)));
    left.set(keyOf(locate(resource.path)[0]), { resource, before });
  }
  const result: nx_resource[] = [];
  for (const version of left.values()) {
    // what is on the way is no longer left, so a circle ends where it began
    const open = [version];
    if (!left.delete(keyOf(locate(version.resource.path)[0]))) continue;
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const key = last.before.find((each) => left.has(each));
      const next = key === undefined ? undefined : left.get(key);
      if (key === undefined || next === undefined) {
        result.push(last.resource);
        open.pop();
      } else {
        left.delete(key);
        open.push(next);
      }
    }
  }
  return result;
}

function byDate(a: nx_resource, b: nx_resource): number {
  const [left, right] = [a, b].map(({ created, modified }) => created ?? modified);
  return (left?.getTime() ?? Infinity) - (right?.getTime() ?? Infinity) || 0;
}

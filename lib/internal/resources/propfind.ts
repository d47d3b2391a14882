// One PROPFIND, and what its response says about a collection and its members. A response that says
// nothing about them is a failure: taken for an empty folder, it would cost a sync client's files.
import type { ne_propname } from "../../ne_props.js";
import type { Supply } from "./batches.js";
import { failure } from "./failed_request.js";
import type { ResourceCollector, Kind } from "./resource_collector.js";
import { isRefused } from "./response_element.js";
import { STANDARD_PROPS, type nx_resource } from "./resource.js";
import type { RequestSpec, Call } from "./call.js";
import { needName, PROLOGUE, quoteNamespace } from "./xml_text.js";

/** The body of a PROPFIND for the properties that a resource is made of, and others. */
export function propfindBody(props: readonly ne_propname[] | "all", caller: string): string {
  const open = `${PROLOGUE}<propfind xmlns="DAV:">`;
  if (props === "all") return `${open}<allprop/></propfind>\n`;
  const known = new Set(STANDARD_PROPS.map(({ nspace, name }) => `${name} ${nspace}`));
  const more = props.filter(({ nspace, name }) => !known.has(`${name ?? ""} ${nspace ?? ""}`));
  const elements = [...STANDARD_PROPS, ...more].map((prop) => namedElement(prop, caller));
  return `${open}<prop>\n${elements.join("\n")}\n</prop></propfind>\n`;
}

function namedElement({ nspace, name }: Readonly<ne_propname>, caller: string): string {
  needName(name, caller, "the name of a property");
  return `<${name} xmlns=${quoteNamespace(nspace ?? "", caller)}/>`;
}

/** A PROPFIND to send. */
export function propfind(path: string, depth: 0 | 1, body: string, context: string): RequestSpec {
  return { method: "PROPFIND", path, depth, body, context };
}

/** What is told of the resources of a response. */
export type Wanted = (kind: Kind) => boolean;

/** Gives what one PROPFIND answers about a path and its members. */
export function listOnce(
  call: Call,
  spec: RequestSpec,
  collector: ResourceCollector,
  wanted: Wanted,
): AsyncGenerator<Supply<nx_resource>, void> {
  // a collection that cannot be listed is none of its own members
  const isGivenRefused: Wanted = (kind) => kind !== "self" && wanted(kind);
  return call.batches(
    spec,
    (response, batch) => {
      collector.take(response, batch, isRefused(response) ? isGivenRefused : wanted);
    },
    () => checkListing(collector, spec),
  );
}

function checkListing(collector: ResourceCollector, { path, context = "" }: RequestSpec): void {
  collector.checkOwn(path);
  collector.checkWhole(path);
  if (collector.isRecognised) return;
  throw failure(`${context}the answer names neither the collection nor a member of it`, { path });
}

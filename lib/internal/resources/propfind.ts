// One PROPFIND, and what its response says about a collection and its members. A response that says
// nothing about them is a failure: taken for an empty folder, it would cost a sync client's files.
import type { ne_propname } from "../../ne_props.js";
import { failure } from "./failed_request.js";
import type { Gathering, Kind } from "./resource_collector.js";
import { isRefused } from "./response_element.js";
import { STANDARD_PROPS, type nx_resource } from "./resource.js";
import type { Question, Work } from "./call.js";
import { needName, PROLOGUE, quoteAttribute } from "./xml_text.js";

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
  return `<${name} xmlns=${quoteAttribute(nspace ?? "", caller, "a namespace")}/>`;
}

/** A PROPFIND to send. */
export function propfind(path: string, depth: 0 | 1, body: string, context: string): Question {
  return { method: "PROPFIND", path, depth, body, context };
}

/** What is told of the resources of a response. */
export type Wanted = (kind: Kind) => boolean;

/** Gives what one PROPFIND answers about a path and its members. */
export function listOnce(
  work: Work,
  question: Question,
  gathering: Gathering,
  wanted: Wanted,
): AsyncGenerator<nx_resource[], void> {
  // a collection that cannot be listed is none of its own members
  const isGivenRefused: Wanted = (kind) => kind !== "self" && wanted(kind);
  return work.batches(
    question,
    (response, batch) => {
      gathering.take(response, batch, isRefused(response) ? isGivenRefused : wanted);
    },
    () => checkListing(gathering, question),
  );
}

function checkListing(gathering: Gathering, { path, context = "" }: Question): void {
  gathering.checkOwn(path);
  gathering.checkWhole(path);
  if (gathering.isRecognised) return;
  throw failure(`${context}the answer names neither the collection nor a member of it`, { path });
}

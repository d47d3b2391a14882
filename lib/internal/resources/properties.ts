// Setting properties with PROPPATCH, and the outcome for each of them.
import { misuse, type ne_session } from "../base/handle.js";
import { needList, needObject } from "../base/arguments.js";
import { ne_lock_using_resource } from "../plugins/lock_submission.js";
import type { ne_propname } from "../../ne_props.js";
import { ne_status } from "../../ne_utils.js";
import { failure, refusal } from "./failed_request.js";
import type { nx_element } from "./element.js";
import { isRefused, type nx_resource_prop, type Response } from "./response_element.js";
import { Call } from "./call.js";
import { elementOf } from "./element.js";
import { emptyElement, printElement, PROLOGUE } from "./xml_text.js";

/** Outcomes in one response. */
const MAX_TOLD = 65_536;

/** A property to be set. */
export interface nx_property {
  /** namespace, `""` for none */
  readonly nspace: string;
  /** local name */
  readonly name: string;
  /** text; or the property itself as an element, or an element to be all that is in it */
  readonly value: string | nx_element;
}

/** What became of a property. */
export interface nx_outcome {
  /** namespace, `""` for none */
  readonly nspace: string;
  /** local name */
  readonly name: string;
  /** its own status; 424 where it failed only because another one did */
  readonly status: Readonly<ne_status>;
}

/** Properties to be set, as elements of a `DAV:prop`. */
export function valueElements(props: unknown, caller: string): string {
  needList(props, caller, "the properties");
  return (props as readonly nx_property[]).map((prop) => valueElement(prop, caller)).join("");
}

function valueElement(prop: nx_property, caller: string): string {
  needObject(prop, caller, "every property");
  const { nspace, name, value } = prop;
  if (typeof value === "string") {
    return printElement(elementOf(nspace, name, value === "" ? [] : [value]), caller);
  }
  needObject(value, caller, "the value of a property");
  const isItself = value.nspace === nspace && value.name === name;
  return printElement(isItself ? value : elementOf(nspace, name, [value]), caller);
}

/** See `nx_proppatch`. */
export async function patch(
  sess: ne_session,
  path: string,
  set: readonly nx_property[],
  remove: readonly ne_propname[],
  caller: string,
): Promise<nx_outcome[]> {
  const parts = set.map((prop) => `<D:set><D:prop>${valueElement(prop, caller)}</D:prop></D:set>`);
  for (const { nspace, name } of remove) {
    const element = emptyElement(nspace ?? "", name ?? "", caller);
    parts.push(`<D:remove><D:prop>${element}</D:prop></D:remove>`);
  }
  if (parts.length === 0) throw misuse(caller, "there is no property to set or remove");
  const call = new Call(sess, null, caller);
  const names = [...set, ...remove].map(({ nspace, name }) => ({
    nspace: nspace ?? "",
    name: name ?? "",
  }));
  const told = new Told(names, path);
  const spec = {
    method: "PROPPATCH",
    path,
    depth: null,
    body: `${PROLOGUE}<D:propertyupdate xmlns:D="DAV:">${parts.join("")}</D:propertyupdate>`,
    prepare: (req: Parameters<typeof ne_lock_using_resource>[0]): void =>
      ne_lock_using_resource(req, path, 0),
    isPlain: true,
  };
  const request = call.send(spec, (response) => told.take(response));
  await request.hasMore();
  if (told.refused !== null) throw refusal(told.refused, path);
  const isPlain = request.status !== null && request.status.code !== 207;
  // a success of the resource as a whole is one of all that was asked for
  return outcomes(names, told, isPlain ? request.status : told.whole, path);
}

interface Name {
  readonly nspace: string;
  readonly name: string;
}

// What a response tells of some properties.
class Told {
  readonly props: nx_resource_prop[] = [];
  whole: Readonly<ne_status> | null = null;
  hasFailed = false;
  refused: Response | null = null;
  readonly #names: ReadonlySet<string>;
  readonly #path: string;

  constructor(names: readonly Name[], path: string) {
    this.#names = new Set(names.map(keyOf));
    this.#path = path;
  }

  take(response: Response): void {
    if (isRefused(response)) this.refused ??= response;
    if (response.props.length === 0) this.whole ??= response.status;
    this.hasFailed ||= response.props.some(isFailed);
    this.props.push(...response.props.filter((prop) => this.#names.has(keyOf(prop))));
    if (this.props.length > MAX_TOLD) {
      throw failure("the answer tells of too many properties", { path: this.#path });
    }
  }
}

function keyOf({ nspace, name }: Name): string {
  return `${name} ${nspace}`;
}

// A server that names no property at all says that nothing is the matter with any of them: only
// one that answers with a plain success may.
function outcomes(
  names: readonly Name[],
  { props, hasFailed }: Told,
  whole: Readonly<ne_status> | null,
  path: string,
): nx_outcome[] {
  return names.map(({ nspace, name }, at) => {
    const isNamed = (one: Name): boolean => one.name === name && one.nspace === nspace;
    const own = props.filter(isNamed);
    // one that is set twice, or set and removed, may be told of as often
    const isEach = own.length === names.filter(isNamed).length;
    const prop = isEach
      ? own[names.slice(0, at).filter(isNamed).length]
      : (own.find(isFailed) ?? own[0]);
    if (prop !== undefined) return { nspace, name, status: prop.status ?? OK };
    // all of them or none (RFC 4918 section 9.2)
    if (hasFailed) return { nspace, name, status: FAILED_DEPENDENCY };
    if (whole !== null) return { nspace, name, status: whole };
    throw failure(`the answer does not say what became of ${name}`, { path });
  });
}

function isFailed({ status }: nx_resource_prop): boolean {
  return status !== null && status.klass !== 2;
}

function statusOf(code: number, reason: string): Readonly<ne_status> {
  const parts = { major_version: 1, minor_version: 1, code, klass: Math.floor(code / 100) };
  return Object.freeze(Object.assign(new ne_status(), parts, { reason_phrase: reason }));
}

const OK = statusOf(200, "OK");
const FAILED_DEPENDENCY = statusOf(424, "Failed Dependency");

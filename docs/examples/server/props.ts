// PROPFIND, PROPPATCH and REPORT of the demo's WebDAV server (RFC 4918, sections 9.1, 9.2 and 15).
// Live properties come from the file; every other one is dead and kept as it was set.

import type { Stats } from "node:fs";
import { propertyKey } from "./dead.js";
import { checkConditions, entityTag } from "./conditions.js";
import { mediaType } from "./files.js";
import { lockDiscovery, requireToken } from "./locks.js";
import { statusElement, streamMultistatus } from "./multistatus.js";
import {
  type Exchange,
  hrefOf,
  locateExisting,
  membersOf,
  Refusal,
  type Resource,
} from "./share.js";
import {
  childElements,
  DAV,
  davChild,
  emptyElement,
  escapeXml,
  readXml,
  writeElement,
  type XmlElement,
} from "./xml.js";

type Existing = Resource & { stat: Stats };

/** Writes the content of a live property, `null` where the resource does not have it. */
type LiveProperty = (x: Exchange, of: Existing) => string | null;

const LOCK_ENTRIES = ["exclusive", "shared"]
  .map(
    (scope) =>
      `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope>` +
      "<D:locktype><D:write/></D:locktype></D:lockentry>",
  )
  .join("");

const LIVE = new Map<string, LiveProperty>([
  ["creationdate", (_, { stat }) => stat.birthtime.toISOString().replace(/\.\d+/, "")],
  ["displayname", (_, { path }) => escapeXml(path.slice(path.lastIndexOf("/") + 1))],
  ["getcontentlength", (_, { stat }) => (stat.isFile() ? String(stat.size) : null)],
  ["getcontenttype", (_, { stat, path }) => (stat.isFile() ? mediaType(path) : null)],
  ["getetag", (_, { stat }) => entityTag(stat)?.replaceAll('"', "&#34;") ?? null],
  ["getlastmodified", (_, { stat }) => stat.mtime.toUTCString()],
  ["lockdiscovery", (x, { path }) => lockDiscovery(x.share.locks.covering(path))],
  ["resourcetype", (_, { stat }) => (stat.isDirectory() ? "<D:collection/>" : "")],
  ["supportedlock", () => LOCK_ENTRIES],
]);

// A client may give a resource another name to show; the rest of the live ones are protected.
const SETTABLE = "displayname";

interface PropertyName {
  nspace: string;
  name: string;
}

type Wish =
  | { kind: "all"; include: PropertyName[] }
  | { kind: "names" }
  | { kind: "named"; names: PropertyName[] };

/** PROPFIND of depth 0, 1 or infinity. */
export async function propfind(x: Exchange): Promise<void> {
  const depth = String(x.req.headers["depth"] ?? "infinity").toLowerCase();
  if (!["0", "1", "infinity"].includes(depth)) throw new Refusal(400);
  const request = await readXml(x);
  const wish = request ? wishOf(request, "propfind") : { kind: "all" as const, include: [] };
  const found = await locateExisting(x.share, x.path);
  await streamMultistatus(x, responses(x, found, depth === "infinity" ? Infinity : +depth, wish));
}

function wishOf(request: XmlElement, root: string): Wish {
  if (request.nspace !== DAV || request.name !== root) throw new Refusal(400);
  const prop = davChild(request, "prop");
  if (prop) return { kind: "named", names: childElements(prop) };
  if (davChild(request, "propname")) return { kind: "names" };
  const include = davChild(request, "include");
  if (davChild(request, "allprop")) {
    return { kind: "all", include: include ? childElements(include) : [] };
  }
  throw new Refusal(400, { text: "the body asks for nothing" });
}

/** REPORT: the sync-collection report of RFC 6578, each time with all members. */
export async function report(x: Exchange): Promise<void> {
  const request = await readXml(x);
  const found = await locateExisting(x.share, x.path);
  if (request?.nspace !== DAV || request.name !== "sync-collection") {
    throw new Refusal(403, { condition: "<D:supported-report/>" });
  }
  const prop = davChild(request, "prop");
  const level = davChild(request, "sync-level")?.children.join("").trim();
  const wish: Wish = { kind: "named", names: prop ? childElements(prop) : [] };
  const token = `<D:sync-token>urn:libneon:sync:${Date.now()}</D:sync-token>\n`;
  const depth = level === "infinite" ? Infinity : 1;
  await streamMultistatus(x, withoutFirst(responses(x, found, depth, wish)), token);
}

async function* withoutFirst(all: AsyncIterable<string>): AsyncIterable<string> {
  let first = true;
  for await (const one of all) {
    if (!first) yield one;
    first = false;
  }
}

// Depth first, each collection before its members; one listing per level is in memory.
async function* responses(
  x: Exchange,
  start: Existing,
  depth: number,
  wish: Wish,
): AsyncIterable<string> {
  const levels: Existing[][] = [[start]];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const next = level.shift();
    if (!next) {
      levels.pop();
      continue;
    }
    yield responseOf(x, next, wish);
    if (next.stat.isDirectory() && levels.length <= depth) {
      levels.push(await membersOf(next).catch(() => []));
    }
  }
}

function responseOf(x: Exchange, of: Existing, wish: Wish): string {
  const dead = x.share.properties.of(of.path);
  const present = new Map<string, string>();
  const missing: string[] = [];
  const add = ({ nspace, name }: PropertyName): void => {
    const text = propertyText(x, of, nspace, name);
    if (text === null) missing.push(emptyElement(nspace, name));
    else present.set(propertyKey(nspace, name), text);
  };
  if (wish.kind === "named") {
    wish.names.forEach(add);
  } else {
    const live = [...LIVE.keys()].filter((name) => LIVE.get(name)?.(x, of) !== null);
    const names = [...live.map((name) => ({ nspace: DAV, name })), ...dead.values()];
    if (wish.kind === "all") [...names, ...wish.include].forEach(add);
    for (const { nspace, name } of wish.kind === "names" ? names : []) {
      present.set(propertyKey(nspace, name), emptyElement(nspace, name));
    }
  }
  let text = `<D:response><D:href>${escapeXml(hrefOf(of.path, of.stat.isDirectory()))}</D:href>`;
  if (present.size > 0 || missing.length === 0) text += propstat([...present.values()], 200);
  if (missing.length > 0) text += propstat(missing, 404);
  return `${text}</D:response>\n`;
}

function propertyText(x: Exchange, of: Existing, nspace: string, name: string): string | null {
  const dead = x.share.properties.of(of.path).get(propertyKey(nspace, name));
  if (dead) return writeElement(dead, null, null);
  const content = nspace === DAV ? (LIVE.get(name)?.(x, of) ?? null) : null;
  if (content === null) return null;
  return content === "" ? `<D:${name}/>` : `<D:${name}>${content}</D:${name}>`;
}

function propstat(properties: readonly string[], status: number, more = ""): string {
  const prop = `<D:prop>${properties.join("")}</D:prop>`;
  return `<D:propstat>${prop}${statusElement(status)}${more}</D:propstat>`;
}

/** PROPPATCH: all of it or nothing. */
export async function proppatch(x: Exchange): Promise<void> {
  const found = await locateExisting(x.share, x.path);
  const request = await readXml(x);
  if (request?.nspace !== DAV || request.name !== "propertyupdate") throw new Refusal(400);
  checkConditions(x, found.stat);
  requireToken(x, x.path);
  const steps = stepsOf(request);
  const isProtected = ({ property: { nspace, name } }: Step): boolean =>
    nspace === DAV && LIVE.has(name) && name !== SETTABLE;
  const refusing = (step: Step): boolean =>
    isProtected(step) || x.share.refuse("PROPPATCH", x.path) !== 0;
  const failed = steps.filter(refusing);
  const names = (of: readonly Step[]): string[] => [
    ...new Set(of.map(({ property }) => emptyElement(property.nspace, property.name))),
  ];
  let text = "";
  if (failed.length === 0) {
    for (const { property, remove } of steps) {
      const key = propertyKey(property.nspace, property.name);
      if (remove) x.share.properties.remove(x.path, key);
      else x.share.properties.set(x.path, property);
    }
    text = propstat(names(steps), 200);
  } else {
    const condition = "<D:error><D:cannot-modify-protected-property/></D:error>";
    text = propstat(names(failed), 403, failed.some(isProtected) ? condition : "");
    const others = steps.filter((step) => !failed.includes(step));
    if (others.length > 0) text += propstat(names(others), 424);
  }
  const href = escapeXml(hrefOf(found.path, found.stat.isDirectory()));
  const response = `<D:response><D:href>${href}</D:href>${text}</D:response>\n`;
  await streamMultistatus(x, once(response));
}

async function* once(text: string): AsyncIterable<string> {
  yield text;
}

interface Step {
  property: XmlElement;
  remove: boolean;
}

function stepsOf(request: XmlElement): Step[] {
  const steps: Step[] = [];
  for (const part of childElements(request)) {
    const remove = part.name === "remove";
    const prop = part.nspace === DAV ? davChild(part, "prop") : undefined;
    if (!prop || (!remove && part.name !== "set")) continue;
    steps.push(...childElements(prop).map((property) => ({ property, remove })));
  }
  if (steps.length === 0) throw new Refusal(400, { text: "the body changes nothing" });
  return steps;
}

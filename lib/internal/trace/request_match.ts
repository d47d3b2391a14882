// Which recorded request a request is: by method, URL and body, parts that read "…" on the
// recording being no difference; and for one that was not recorded, which comes nearest and what
// differs.
import { latin1Text } from "../base/bytes.js";
import { HIDDEN, hideInText } from "../http/secrets.js";
import { hideInBody } from "../http/secret_bodies.js";
import { bytesOf, textOf } from "./body_text.js";
import { placeOf, type Recorded } from "./har_reader.js";

/** A request as it comes over a replayed connection. */
export interface Asked {
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly body: Buffer;
}

/** How much of two bodies is shown from where they differ. */
const SHOWN = 20;

/** A request to a proxy names its server in the target. */
export function askedOf(method: string, authority: string, target: string, body: Buffer): Asked {
  return { method, body, ...(placeOf(target) ?? { authority, target }) };
}

/** Whether the request is the recorded one. */
export function isSame(recorded: Recorded, asked: Asked): boolean {
  return (
    recorded.method === asked.method &&
    isSameText(recorded.authority, asked.authority) &&
    isSameText(recorded.target, asked.target) &&
    isSameBody(recorded, asked.body)
  );
}

function isSameText(recorded: string, given: string): boolean {
  if (!recorded.includes(HIDDEN)) return recorded === given;
  const parts = recorded.split(HIDDEN);
  // each part at its first place behind the one before, the last one at the end
  const last = parts.pop() as string;
  let at = 0;
  for (const [i, part] of parts.entries()) {
    const found = i === 0 ? (given.startsWith(part) ? 0 : -1) : given.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return given.length - last.length >= at && given.endsWith(last);
}

function isSameBody({ body, type }: Recorded, given: Buffer): boolean {
  if (body === null) return false;
  if (typeof body !== "string") return body.equals(given);
  if (body.includes(HIDDEN)) return isSameText(body, textOf(given, type) ?? latin1Text(given));
  return (bytesOf(body, type) ?? Buffer.from(body, "utf8")).equals(given);
}

/** A request as errors name it. */
export function nameOf({ method, authority, target }: Asked): string {
  const server = authority.endsWith(":443") ? `https://${authority}` : `http://${authority}`;
  const url = `${server.replace(/:(?:80|443)$/, "")}${target.startsWith("/") ? "" : " "}${target}`;
  return `${method} ${hideInText(url)}`;
}

/** What to say of a request that was not recorded. */
export function describeUnknown(recording: readonly Recorded[], asked: Asked): string {
  const count = recording.filter((recorded) => isSame(recorded, asked)).length;
  if (count > 0) {
    const times = count === 1 ? "once" : `${count} times`;
    return `${nameOf(asked)} was recorded ${times} and is asked for once more`;
  }
  const nearest = nearestTo(recording, asked);
  if (nearest === null) return `${nameOf(asked)} was not recorded: the tape is empty`;
  const recorded = `${nearest.method} ${hideInText(nearest.url)}: ${differenceOf(nearest, asked)}`;
  return `${nameOf(asked)} was not recorded; nearest is ${recorded}`;
}

function nearestTo(recording: readonly Recorded[], asked: Asked): Recorded | null {
  let nearest: Recorded | null = null;
  let least = Infinity;
  for (const recorded of recording) {
    const distance = distanceOf(recorded, asked);
    if (distance >= least) continue;
    least = distance;
    nearest = recorded;
  }
  return nearest;
}

// A method counts like a few letters of the URL, another body for less than anything else.
function distanceOf(recorded: Recorded, asked: Asked): number {
  const method = recorded.method === asked.method ? 0 : 8;
  const server = isSameText(recorded.authority, asked.authority) ? 0 : 16;
  const body = isSameBody(recorded, asked.body) ? 0 : 0.5;
  return method + server + body + lettersApart(recorded.target, asked.target);
}

// How many letters two texts differ in between the beginning and the end that they have in common.
function lettersApart(a: string, b: string): number {
  if (isSameText(a, b)) return 0;
  const longest = Math.max(a.length, b.length);
  const shortest = Math.min(a.length, b.length);
  let front = 0;
  while (front < shortest && a[front] === b[front]) front++;
  let back = 0;
  while (back < shortest - front && a[a.length - 1 - back] === b[b.length - 1 - back]) back++;
  return longest - front - back;
}

function differenceOf(recorded: Recorded, asked: Asked): string {
  const differences: string[] = [];
  if (recorded.method !== asked.method) differences.push("the method differs");
  if (!isSameText(recorded.authority, asked.authority)) differences.push("the server differs");
  const [path = "", query] = split(recorded.target);
  const [askedPath = "", askedQuery] = split(asked.target);
  if (!isSameText(path, askedPath)) differences.push("the path differs");
  if (!isSameText(query ?? "", askedQuery ?? "")) differences.push("the query differs");
  if (!isSameBody(recorded, asked.body)) differences.push(bodyDifference(recorded, asked.body));
  return differences.join(", ");
}

function split(target: string): string[] {
  const at = target.indexOf("?");
  return at < 0 ? [target] : [target.slice(0, at), target.slice(at)];
}

function bodyDifference({ body, type }: Recorded, given: Buffer): string {
  if (body === null) return "its body was not kept whole";
  const kept = typeof body === "string" ? body : body.toString("latin1");
  const there = hideInBody(type, kept);
  const here = hideInBody(type, textOf(given, type) ?? latin1Text(given));
  let at = 0;
  while (at < there.length && there[at] === here[at]) at++;
  if (at === there.length && at === here.length) return "the bodies differ in what is secret";
  const shown = (text: string): string => JSON.stringify(text.slice(at, at + SHOWN));
  return `the bodies differ from character ${at} on: ${shown(there)} there, ${shown(here)} here`;
}

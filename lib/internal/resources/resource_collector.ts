// Turns the responses of a multistatus response into resources, each once. It tells the resource
// that was asked about from its members, and keeps for the end what says that the response is
// incomplete.
import type { Place } from "../uri/membership.js";
import { failure, refusal } from "./failed_request.js";
import { Fingerprints } from "./fingerprints.js";
import { isRefused, type Response } from "./response_element.js";
import { HrefResolver } from "./href_resolver.js";
import { makeResource, type nx_resource } from "./resource.js";

/** Insufficient Storage: in a response, that there was more to say (RFC 6578 section 3.6). */
export const CUT_SHORT = 507;

/** Where a resource is, seen from the path that was asked about. */
export type Kind = Place["kind"];

const all = (): boolean => true;

export class ResourceCollector {
  /** A response was about the resource itself, or a member of it. */
  isRecognised = false;
  /** The server cut the response short, and says so about the resource itself. */
  isCut = false;
  /** What the server said about the resource itself. */
  own: Response | null = null;
  readonly #path: string;
  readonly #isFixed: boolean;
  readonly #resolver: HrefResolver;
  readonly #context: string;
  readonly #seen = new Fingerprints();

  /**
   * @param path what was asked about
   * @param context what an error begins with
   * @param isFixed as in `HrefResolver`
   */
  constructor(path: string, context = "", isFixed = false) {
    this.#path = path;
    this.#isFixed = isFixed;
    this.#resolver = new HrefResolver(path, isFixed);
    this.#context = context;
  }

  /** Takes a response, one resource for each href. `wanted` tells which are given. */
  take(response: Response, batch: nx_resource[], wanted: (kind: Kind) => boolean = all): void {
    for (const href of response.hrefs) {
      const place = this.#resolver.place(href);
      const { kind, above, leaf } = place;
      const isSelf = kind === "self";
      if (response.status?.code === CUT_SHORT && (isSelf || this.#isOtherName(href))) {
        this.isCut = true;
        continue;
      }
      if (isSelf || kind === "member") this.isRecognised = true;
      // that it was refused counts, whatever else is said of it
      if (isSelf && (this.own === null || isRefused(response))) this.own = response;
      if (!wanted(kind) || !this.#seen.add(leaf, above)) continue;
      batch.push(makeResource(place, response));
    }
  }

  // A server may know the resource by another name: to say that it cut its response short, too.
  #isOtherName(href: string): boolean {
    return this.#isFixed && new HrefResolver(this.#path).place(href).kind === "self";
  }

  /** The same question is asked again: what was given is not given twice. */
  beginAgain(): void {
    this.isRecognised = false;
    this.isCut = false;
    this.own = null;
  }

  /** Throws where the server refused to answer about the resource itself. */
  checkOwn(path: string): void {
    if (this.own !== null && isRefused(this.own)) throw refusal(this.own, path, this.#context);
  }

  /** Throws where the server says that the response is not all. */
  checkWhole(path: string): void {
    if (!this.isCut) return;
    throw failure(`${this.#context}the server cut the answer short (507)`, { path });
  }
}

// Which prefix stands for which namespace, at the place where the parser is. Bindings are undone
// when their element ends, so a lookup costs the same at any depth.
import { isNameStart } from "./chars.js";
import { intern } from "./names.js";
import type { QName } from "./names.js";

/** The namespace of the prefix `xml`. */
const XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace";
/** The namespace of the prefix `xmlns`. */
const XMLNS_NAMESPACE = "http://www.w3.org/2000/xmlns/";

/** The declarations of one element. The same object comes again for an equal element. */
class Scope {
  /** What the declarations hid, in the order of `declared`. */
  readonly hidden: (string | undefined)[] = [];
  /** The last scope below this one, and the attributes that made it. */
  child: Scope | null = null;
  childAtts: readonly string[] | null = null;
  /** Attributes without declarations that were found right in this scope. */
  plainAtts: readonly string[] | null = null;

  /** @param declared prefixes and namespaces in turn, the default namespace under `""` */
  constructor(
    readonly parent: Scope | null,
    readonly declared: readonly string[],
  ) {}
}

/** The bindings in force. */
export class Namespaces {
  /** The scope that we are in. */
  current = new Scope(null, []);
  readonly #bindings = new Map<string, string>([
    ["", ""],
    ["xml", XML_NAMESPACE],
    ["xmlns", XMLNS_NAMESPACE],
  ]);

  /** The namespace of a prefix; `undefined` if it is not bound. */
  resolve(prefix: string): string | undefined {
    return this.#bindings.get(prefix);
  }

  /**
   * Takes the declarations among the attributes of an element, and looks for names that are twice
   * there.
   * @returns what is wrong, or `null`
   */
  enter(atts: readonly string[]): string | null {
    const parent = this.current;
    if (parent.plainAtts === atts) return null;
    if (parent.childAtts === atts && parent.child !== null) {
      this.#bind(parent.child);
      return null;
    }
    let declared: string[] | null = null;
    let prefixed = 0;
    for (let i = 0; i < atts.length; i += 2) {
      const name = atts[i] ?? "";
      const colon = name.indexOf(":");
      if (colon >= 0 && !name.startsWith("xmlns:")) {
        prefixed++;
        continue;
      }
      if (colon < 0 && name !== "xmlns") continue;
      const prefix = colon < 0 ? "" : name.slice(6);
      const uri = atts[i + 1] ?? "";
      if (!isAllowed(prefix, colon >= 0, uri)) return "invalid namespace declaration";
      (declared ??= []).push(intern(prefix), intern(uri));
    }
    if (declared !== null) {
      let { child } = parent;
      if (child === null || !sameList(child.declared, declared)) {
        parent.child = child = new Scope(parent, declared);
      }
      this.#bind(child);
    }
    const fault = prefixed > 0 ? this.#checkPrefixed(atts) : null;
    if (fault !== null) return fault;
    if (declared === null) parent.plainAtts = atts;
    else parent.childAtts = atts;
    return null;
  }

  /** Undoes the declarations of the scope we are in. */
  leave(): void {
    const scope = this.current;
    const { declared, hidden } = scope;
    for (let i = declared.length - 2; i >= 0; i -= 2) {
      const before = hidden.pop();
      const prefix = declared[i] ?? "";
      if (before === undefined) this.#bindings.delete(prefix);
      else this.#bindings.set(prefix, before);
    }
    // the outermost is never left
    this.current = scope.parent ?? scope;
  }

  /** Finds and keeps the namespace of an element's name. False for an undeclared prefix. */
  resolveElement(name: QName): boolean {
    const nspace = name.prefix === "xmlns" ? undefined : this.#bindings.get(name.prefix);
    if (nspace === undefined) return false;
    name.scope = this.current;
    name.nspace = nspace;
    return true;
  }

  // Namespaces in XML 1.0, section 6.3: no two names mean the same. Prefixes that are not declared
  // and names that are none are let through, as in neon.
  #checkPrefixed(atts: readonly string[]): string | null {
    const seen = new Map<string, Set<string>>();
    for (let i = 0; i < atts.length; i += 2) {
      const name = atts[i] ?? "";
      const colon = name.indexOf(":");
      if (colon < 0 || name.startsWith("xmlns:")) continue;
      const local = name.slice(colon + 1);
      const nspace = colon === 0 ? undefined : this.#bindings.get(name.slice(0, colon));
      if (nspace === undefined) continue;
      let locals = seen.get(nspace);
      if (locals === undefined) seen.set(nspace, (locals = new Set()));
      if (locals.has(local)) return "duplicate attribute";
      locals.add(local);
    }
    return null;
  }

  #bind(scope: Scope): void {
    const { declared, hidden } = scope;
    for (let i = 0; i < declared.length; i += 2) {
      const prefix = declared[i] ?? "";
      hidden.push(this.#bindings.get(prefix));
      this.#bindings.set(prefix, declared[i + 1] ?? "");
    }
    this.current = scope;
  }
}

// Namespaces in XML 1.0, section 3: reserved names, and no undeclaring of prefixes.
function isAllowed(prefix: string, colon: boolean, uri: string): boolean {
  if (uri === XMLNS_NAMESPACE) return false;
  if ((uri === XML_NAMESPACE) !== (prefix === "xml")) return false;
  if (!colon) return true;
  return (
    uri !== "" && prefix !== "xmlns" && isNameStart(prefix.charCodeAt(0)) && !prefix.includes(":")
  );
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

// A property's value as a tree of elements: what it looks like, and how to look inside.

/**
 * An element of a property's value, with its namespace; text between elements stays in its place.
 */
export interface nx_element {
  /** namespace, `""` for none */
  readonly nspace: string;
  /** local name */
  readonly name: string;
  /** the attributes, without the declarations of namespaces */
  readonly attrs: ReadonlyArray<{
    /** namespace, `""` for a name without prefix */
    readonly nspace: string;
    /** local name */
    readonly name: string;
    /** the value, references resolved */
    readonly value: string;
  }>;
  /** elements and the text between them, in order */
  readonly children: ReadonlyArray<nx_element | string>;
}

/** An attribute of an element. */
export type Attribute = nx_element["attrs"][number];

/** The namespace of WebDAV itself. */
export const DAV = "DAV:";

/** The namespace of attributes that begin `xml:`. */
export const XML = "http://www.w3.org/XML/1998/namespace";

const NO_ATTRIBUTES: readonly Attribute[] = Object.freeze([]);

/** An element, made from its parts. */
export function elementOf(
  nspace: string,
  name: string,
  children: ReadonlyArray<nx_element | string> = [],
  attrs: readonly Attribute[] = NO_ATTRIBUTES,
): nx_element {
  return { nspace, name, attrs, children };
}

/** All elements within one, itself first, in the order of the document. */
export function* elementsIn(element: nx_element): Generator<nx_element> {
  // a stack of its own: a document may be deeper than JavaScript's
  const open: nx_element[] = [element];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    for (let i = next.children.length - 1; i >= 0; i--) {
      const child = next.children[i];
      if (typeof child === "object") open.push(child);
    }
  }
}

/** All text within an element. */
export function textIn(element: nx_element): string {
  const texts: string[] = [];
  const open: (nx_element | string)[] = [element];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === "string") texts.push(next);
    else for (let i = next.children.length - 1; i >= 0; i--) open.push(next.children[i] ?? "");
  }
  return texts.join("");
}

/** The first child element of a name, or `null`. */
export function childOf(element: nx_element, nspace: string, name: string): nx_element | null {
  for (const child of element.children) {
    if (typeof child === "object" && child.name === name && child.nspace === nspace) return child;
  }
  return null;
}

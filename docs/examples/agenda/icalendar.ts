// A reader of iCalendar objects (RFC 5545): components, their properties, and text as it was meant.

export interface Property {
  /** In capitals, as the names of parameters. */
  readonly name: string;
  readonly params: ReadonlyMap<string, string>;
  readonly value: string;
}

export interface Component {
  readonly name: string;
  readonly properties: Property[];
  readonly parts: Component[];
}

const DEEPEST = 16;

/**
 * Reads an object. Lines that are no properties are passed over.
 * @returns a component without a name that holds what was found
 * @throws Error where a component is not closed, or by another's name: the object was cut
 */
export function parseCalendar(text: string): Component {
  const root: Component = { name: "", properties: [], parts: [] };
  const open = [root];
  for (const line of unfold(text)) {
    const property = parseLine(line);
    const inner = open.at(-1);
    if (property === null || inner === undefined) continue;
    const kind = property.value.trim().toUpperCase();
    if (property.name === "BEGIN") {
      if (open.length > DEEPEST) throw new Error("components are nested too deeply");
      const part: Component = { name: kind, properties: [], parts: [] };
      inner.parts.push(part);
      open.push(part);
    } else if (property.name === "END") {
      if (open.length === 1 || inner.name !== kind) throw new Error(`END:${kind} closes nothing`);
      open.pop();
    } else {
      inner.properties.push(property);
    }
  }
  if (open.length > 1) throw new Error(`cut short: ${open.at(-1)?.name ?? ""} has no end`);
  return root;
}

// A line that begins with a blank or tab goes on with the one before (section 3.1). Line ends have
// been through XML, and through editors, so any kind of them is one.
function unfold(text: string): string[] {
  return text.replace(/\r\n?/g, "\n").replace(/\n[ \t]/g, "").split("\n");
}

// NAME;PARAM=value;PARAM="value":the value
function parseLine(line: string): Property | null {
  const [whole, name = ""] = /^([A-Za-z0-9-]+)(?=[;:])/.exec(line) ?? [];
  if (whole === undefined) return null;
  const params = new Map<string, string>();
  let rest = line.slice(whole.length);
  for (;;) {
    const found = /^;([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:])*)/.exec(rest);
    if (found === null) break;
    const [param, key = "", value = ""] = found;
    params.set(key.toUpperCase(), value.replaceAll('"', ""));
    rest = rest.slice(param.length);
  }
  return rest.startsWith(":") ? { name: name.toUpperCase(), params, value: rest.slice(1) } : null;
}

/** Text with its escapes undone (section 3.3.11). */
export function unescapeText(value: string): string {
  return value.replace(/\\([nN\\;,])/g, (_, c: string) => (c.toLowerCase() === "n" ? "\n" : c));
}

export function propertyOf(component: Component, name: string): Property | null {
  return component.properties.find((property) => property.name === name) ?? null;
}

export function propertiesOf(component: Component, name: string): Property[] {
  return component.properties.filter((property) => property.name === name);
}

/** The text of a property, `null` without. */
export function textOf(component: Component, name: string): string | null {
  const property = propertyOf(component, name);
  return property === null ? null : unescapeText(property.value);
}

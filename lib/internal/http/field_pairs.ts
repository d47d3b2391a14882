// Header fields as pairs of name and value, the form in which programs see them.

/** A field: its name as written, and its value. */
export type FieldPair = readonly [name: string, value: string];

/** The value of the first field of a name, in lower case here; `null` if there is none. */
export function firstValue(fields: readonly FieldPair[], name: string): string | null {
  return fields.find(([written]) => written.toLowerCase() === name)?.[1] ?? null;
}

/** The value of the last field of a name, in lower case here; `null` if there is none. */
export function lastValue(fields: readonly FieldPair[], name: string): string | null {
  return fields.findLast(([written]) => written.toLowerCase() === name)?.[1] ?? null;
}

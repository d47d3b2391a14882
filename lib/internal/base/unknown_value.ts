// Reads values of unknown type: what was thrown, what JSON held, what an application passed, and
// properties of Node's objects that are not documented.
import { types } from "node:util";

/** A property of any value, inherited or not; `undefined` of a value that has none. */
export function propertyOf(value: unknown, name: PropertyKey): unknown {
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  return isObject ? Reflect.get(value, name) : undefined;
}

/** A property of an object itself: what somebody put on Object.prototype is none. */
export function ownPropertyOf(value: object, name: PropertyKey): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

/** Whether a value has methods of these names. */
export function hasMethods(value: unknown, ...names: readonly PropertyKey[]): boolean {
  return names.every((name) => typeof propertyOf(value, name) === "function");
}

/** What was thrown, as an Error: its own, of whatever realm, or one with its text. */
export function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error || types.isNativeError(thrown)) return thrown;
  return new Error(String(thrown));
}

/** The code of an error of Node or the system, `undefined` where it has none. */
export function codeOf(thrown: unknown): string | undefined {
  const code = propertyOf(thrown, "code");
  return typeof code === "string" ? code : undefined;
}

// Node's crypto for the ground floor, loaded when it is first used: a program that only wants to
// take a URI apart does not wait for OpenSSL.

/** `node:crypto`. */
export function crypto(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}

// Every scheme there is.
import { BASIC } from "./basic.js";
import { BEARER } from "./bearer.js";
import { DIGEST } from "./digest.js";
import { NEGOTIATE } from "./negotiate.js";
import { NTLM } from "./ntlm.js";
import type { Scheme } from "./scheme.js";

const BY_NAME: ReadonlyMap<string, Scheme> = new Map(
  [BASIC, BEARER, DIGEST, NEGOTIATE, NTLM].map((scheme) => [scheme.name.toLowerCase(), scheme]),
);

/** The scheme of this name, in any case. */
export function schemeByName(name: string): Scheme | null {
  return BY_NAME.get(name.toLowerCase()) ?? null;
}

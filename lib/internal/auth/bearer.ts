// Bearer tokens (RFC 6750), which the application obtains and renews.
import { BEARER as BEARER_BIT } from "./protocol_bits.js";
import { rejected, type Asking, type Login, type Scheme } from "./scheme.js";

/** What a token may consist of (RFC 6750, 2.1), widened to all that a field value can carry. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Bearer. */
export const BEARER: Scheme = {
  protocols: BEARER_BIT,
  protocol: BEARER_BIT,
  name: "Bearer",
  token: false,
  // it gives the token away, as Basic does a password, but not one that was made to be remembered
  strength: () => 15,
  *challenge(challenge) {
    const realm = challenge.params.get("realm") ?? "";
    return (yield* askBearer(realm)) ?? rejected(BEARER);
  },
};

/** A login that sends this token to the whole origin. */
export function bearerLogin(token: string): Login {
  return {
    scheme: BEARER,
    bound: false,
    applies: () => true,
    *sign() {
      return { value: `Bearer ${token}`, check: null };
    },
  };
}

/** Whether a token can be sent. */
export function isBearerToken(token: unknown): token is string {
  return typeof token === "string" && TOKEN.test(token);
}

/** Asks for a token, after a challenge or before any; `null` where none is given. */
export function* askBearer(realm: string): Asking<Login | null> {
  const token = yield { want: "bearer", realm };
  return typeof token === "string" ? bearerLogin(token) : null;
}

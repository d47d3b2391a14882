// The NE_AUTH_* bits, on a floor where the schemes can see them. ne_auth.ts exports them.

/** Basic (RFC 7617). */
export const NE_AUTH_BASIC = 0x0001;
/** Digest with qop (RFC 2617, RFC 7616). */
export const NE_AUTH_DIGEST = 0x0080;
/** Adds Digest without qop (RFC 2069) to `NE_AUTH_DIGEST`; alone it means both. */
export const NE_AUTH_LEGACY_DIGEST = 0x0002;
/**
 * GSSAPI, SSPI and NTLM. GSSAPI and SSPI need native code: by themselves they answer no challenge
 * here.
 */
export const NE_AUTH_NEGOTIATE = 0x0004;
/** `NE_AUTH_GSSAPI_ONLY` and `NE_AUTH_SSPI`. */
export const NE_AUTH_GSSAPI = 0x0008;
/** NTLM (version 2), in a pure implementation. */
export const NE_AUTH_NTLM = 0x0010;
/** Windows SSPI; accepted, and answers no challenge here. */
export const NE_AUTH_SSPI = 0x0020;
/**
 * GSSAPI; accepted, and answers no challenge here by itself (`nx_add_negotiate` offers another way
 * to Negotiate).
 */
export const NE_AUTH_GSSAPI_ONLY = 0x0040;
/** Basic and Digest; for a proxy and for https servers also Negotiate. */
export const NE_AUTH_DEFAULT = 0x1000;
/** Basic, Digest and Negotiate. */
export const NE_AUTH_ALL = 0x2000;
/** Set in the `protocol` of an `ne_auth_provide` callback when a proxy asks. */
export const NE_AUTH_PROXY = 0x4000;
/** Bearer, which has no number of its own in C: registered by `nx_add_bearer` only. */
export const BEARER = 0x10000;

/** The schemes that ask for a user name and password. */
export const WITH_PASSWORD = NE_AUTH_BASIC | NE_AUTH_DIGEST | NE_AUTH_NTLM;

/** The bits that stand for single schemes in a mask, `negotiate` being what DEFAULT adds. */
export function expandProtocols(mask: number, negotiate: boolean): number {
  let bits = mask;
  if ((bits & NE_AUTH_DEFAULT) !== 0) {
    bits |= NE_AUTH_BASIC | NE_AUTH_DIGEST | (negotiate ? NE_AUTH_NEGOTIATE : 0);
  }
  if ((bits & NE_AUTH_ALL) !== 0) bits |= NE_AUTH_BASIC | NE_AUTH_DIGEST | NE_AUTH_NEGOTIATE;
  if ((bits & NE_AUTH_NEGOTIATE) !== 0) bits |= NE_AUTH_GSSAPI | NE_AUTH_NTLM;
  if ((bits & NE_AUTH_GSSAPI) !== 0) bits |= NE_AUTH_GSSAPI_ONLY | NE_AUTH_SSPI;
  if ((bits & NE_AUTH_LEGACY_DIGEST) !== 0) bits |= NE_AUTH_DIGEST;
  return bits;
}

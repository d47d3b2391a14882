// Basic authentication (RFC 7617): user name and password in base64, sent unasked at and below the
// directory of the first target that asked for them (section 2.2).
import { ne_base64 } from "../../ne_string.js";
import { ne_uri, ne_uri_parse, ne_uri_resolve } from "../../ne_uri.js";
import { NE_AUTH_BASIC } from "./protocol_bits.js";
import {
  askPassword,
  hasControl,
  rejected,
  type Login,
  type Outgoing,
  type Scheme,
} from "./scheme.js";

/** Basic. */
export const BASIC: Scheme = {
  protocols: NE_AUTH_BASIC,
  protocol: NE_AUTH_BASIC,
  name: "Basic",
  token: false,
  strength: () => 10,
  *challenge(challenge, at) {
    const realm = challenge.params.get("realm");
    if (realm === undefined) return "missing realm in Basic challenge";
    const creds = yield* askPassword(realm);
    if (creds === null) return rejected(BASIC);
    if (creds.username.includes(":")) {
      return "cannot handle Basic challenge for username containing colon";
    }
    // RFC 7617, 2
    if (hasControl(creds.username)) {
      return "cannot handle Basic challenge for username containing control characters";
    }
    return basicLogin(basicValue(creds.username, creds.password), scopeOf(at.target));
  },
};

/** The field value for a user name and password. */
export function basicValue(username: string, password: string): string {
  return `Basic ${ne_base64(Buffer.from(`${username}:${password}`, "utf8"))}`;
}

/** A login that sends this field value within a scope; the scope `null` is the whole server. */
export function basicLogin(value: string, scope: string | null): Login {
  const applies = (out: Outgoing): boolean =>
    scope === null || resolvedPath(out.target)?.startsWith(scope) === true;
  return {
    scheme: BASIC,
    bound: false,
    applies,
    *sign(out) {
      return applies(out) ? { value, check: null } : null;
    },
  };
}

/**
 * The path of a request target as a server reads it, dot segments resolved, in whatever spelling:
 * what a login applies to. `null` for `*` and for what has none.
 */
export function resolvedPath(target: string): string | null {
  return resolve(target, (path) => path);
}

// The directory of a target.
function scopeOf(target: string): string | null {
  return resolve(target, () => ".");
}

function resolve(target: string, reference: (path: string) => string): string | null {
  const uri = new ne_uri();
  if (ne_uri_parse(target, uri) !== 0 || uri.path === null || uri.path === "*") return null;
  const path = uri.path.replace(/%2e/gi, ".");
  const base = Object.assign(new ne_uri(), { ...uri, path });
  const relative = Object.assign(new ne_uri(), { path: reference(path) });
  return ne_uri_resolve(base, relative, new ne_uri()).path;
}

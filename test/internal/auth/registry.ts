// Every scheme is found by its name, in any case, and nothing else is.
import t from "tap";
import { schemeByName } from "../../../lib/internal/auth/registry.js";

t.test("schemes by name", async (t) => {
  for (const name of ["Basic", "Bearer", "Digest", "Negotiate", "NTLM"]) {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      t.equal(schemeByName(spelling)?.name, name, spelling);
    }
  }
  for (const name of ["", "basic ", "constructor", "__proto__", "Kerberos", "ntl\u212a"]) {
    t.equal(schemeByName(name), null, name);
  }
});

t.test("each is for a bit of its own, and only tokens are strong without a password", async (t) => {
  const found = ["Basic", "Bearer", "Digest", "Negotiate", "NTLM"].map((name) => schemeByName(name));
  let seen = 0;
  for (const scheme of found) {
    if (scheme === null) return t.fail("a scheme is missing");
    t.equal(scheme.protocols & seen, 0, scheme.name);
    t.equal(scheme.protocols & scheme.protocol, scheme.protocol, scheme.name);
    seen |= scheme.protocols;
  }
  const bare = found.flatMap((scheme) => (scheme?.token === true ? [scheme.name] : []));
  t.strictSame(bare, ["Negotiate", "NTLM"]);
});

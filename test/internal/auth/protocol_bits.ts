// Which schemes a mask of NE_AUTH_* stands for, and that the numbers are those of neon's header.
import t from "tap";
import * as bits from "../../../lib/internal/auth/protocol_bits.js";

const { expandProtocols } = bits;

t.test("the numbers of ne_auth.h", async (t) => {
  t.match(bits, {
    NE_AUTH_BASIC: 0x1,
    NE_AUTH_DIGEST: 0x80,
    NE_AUTH_LEGACY_DIGEST: 0x2,
    NE_AUTH_NEGOTIATE: 0x4,
    NE_AUTH_GSSAPI: 0x8,
    NE_AUTH_NTLM: 0x10,
    NE_AUTH_SSPI: 0x20,
    NE_AUTH_GSSAPI_ONLY: 0x40,
    NE_AUTH_DEFAULT: 0x1000,
    NE_AUTH_ALL: 0x2000,
    NE_AUTH_PROXY: 0x4000,
  });
});

const SINGLE = {
  Basic: bits.NE_AUTH_BASIC,
  Digest: bits.NE_AUTH_DIGEST,
  legacy: bits.NE_AUTH_LEGACY_DIGEST,
  NTLM: bits.NE_AUTH_NTLM,
  GSSAPI: bits.NE_AUTH_GSSAPI_ONLY,
  SSPI: bits.NE_AUTH_SSPI,
  Bearer: bits.BEARER,
};

function schemes(mask: number, negotiate: boolean): string {
  const all = expandProtocols(mask, negotiate);
  return Object.entries(SINGLE).flatMap(([name, bit]) => (all & bit ? [name] : [])).join(" ");
}

t.test("masks", async (t) => {
  const rows: [mask: number, without: string, withNegotiate?: string][] = [
    [0, ""],
    [bits.NE_AUTH_BASIC, "Basic"],
    [bits.NE_AUTH_DIGEST, "Digest"],
    [bits.NE_AUTH_LEGACY_DIGEST, "Digest legacy"],
    [bits.NE_AUTH_NTLM, "NTLM"],
    [bits.NE_AUTH_GSSAPI, "GSSAPI SSPI"],
    [bits.NE_AUTH_GSSAPI_ONLY, "GSSAPI"],
    [bits.NE_AUTH_NEGOTIATE, "NTLM GSSAPI SSPI"],
    [bits.NE_AUTH_DEFAULT, "Basic Digest", "Basic Digest NTLM GSSAPI SSPI"],
    [bits.NE_AUTH_ALL, "Basic Digest NTLM GSSAPI SSPI"],
    [bits.NE_AUTH_ALL | bits.NE_AUTH_LEGACY_DIGEST, "Basic Digest legacy NTLM GSSAPI SSPI"],
    [bits.BEARER, "Bearer"],
  ];
  for (const [mask, without, withNegotiate = without] of rows) {
    t.equal(schemes(mask, false), without, `0x${mask.toString(16)}`);
    t.equal(schemes(mask, true), withNegotiate, `0x${mask.toString(16)} with Negotiate`);
  }
});

t.test("no mask but its own brings a token scheme that gives secrets away", async (t) => {
  t.equal(expandProtocols(bits.NE_AUTH_ALL | bits.NE_AUTH_DEFAULT, true) & bits.BEARER, 0);
  t.equal(bits.WITH_PASSWORD & bits.BEARER, 0);
});

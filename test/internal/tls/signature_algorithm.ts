// Which signatures a kind of key can have made: certificates signed by every kind of key that Node
// makes, and identifiers that nobody knows.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import t from "tap";
import { parseCertificate, type X509 } from "../../../lib/internal/asn1/x509.js";
import { fitsKey } from "../../../lib/internal/tls/signature_algorithm.js";
import {
  caFields,
  certify,
  cn,
  ECDSA_SHA256,
  oid,
  RSA_SHA256,
  seq,
  type Signing,
} from "../../fixtures/x509.js";

type Pair = { publicKey: KeyObject; privateKey: KeyObject };

function made({ publicKey, privateKey }: Pair, signing: Signing): X509 {
  const found = parseCertificate(
    certify({ ...caFields(cn("root"), publicKey), signing }, privateKey),
  );
  if (found === null) throw new Error("no certificate");
  return found;
}

t.test("a signature fits the keys of its kind and no others", async (t) => {
  const ed = (type: string): Signing => ({ algorithm: seq(oid(type)), hash: null });
  const kinds = {
    rsa: made(generateKeyPairSync("rsa", { modulusLength: 2048 }), RSA_SHA256),
    ec: made(generateKeyPairSync("ec", { namedCurve: "prime256v1" }), ECDSA_SHA256),
    ed25519: made(generateKeyPairSync("ed25519"), ed("1.3.101.112")),
    ed448: made(generateKeyPairSync("ed448"), ed("1.3.101.113")),
  };
  for (const [signed, cert] of Object.entries(kinds)) {
    for (const [key, issuer] of Object.entries(kinds)) {
      t.equal(fitsKey(cert.signedOid, issuer.keyOid), signed === key, `${signed} by ${key}`);
    }
  }
});

t.test("identifiers", async (t) => {
  const [rsa, pss, dsa, ec] = [
    "1.2.840.113549.1.1.1",
    "1.2.840.113549.1.1.10",
    "1.2.840.10040.4.1",
    "1.2.840.10045.2.1",
  ];
  const rows: [signature: string, fits: string[]][] = [
    ["1.2.840.113549.1.1.5", [rsa]],
    ["1.2.840.113549.1.1.10", [rsa, pss]],
    ["1.3.14.3.2.29", [rsa]],
    ["2.16.840.1.101.3.4.3.14", [rsa]],
    ["1.2.840.10040.4.3", [dsa]],
    ["1.3.14.3.2.27", [dsa]],
    ["2.16.840.1.101.3.4.3.2", [dsa]],
    ["1.2.840.10045.4.1", [ec]],
    ["1.2.840.10045.4.3.4", [ec]],
    ["2.16.840.1.101.3.4.3.10", [ec]],
    ["2.16.840.1.101.3.4.3.17", [rsa, pss, dsa, ec]],
    ["1.2.3", [rsa, pss, dsa, ec]],
  ];
  for (const [signature, fits] of rows) {
    t.strictSame(
      [rsa, pss, dsa, ec].filter((key) => fitsKey(signature, key)),
      fits,
      signature,
    );
  }
});

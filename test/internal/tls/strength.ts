// Keys and signatures at both sides of OpenSSL's security level 1, in real certificates.
import { constants, generateKeyPairSync, type KeyObject } from "node:crypto";
import t from "tap";
import { parseCertificate, type X509 } from "../../../lib/internal/asn1/x509.js";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import { isStrong } from "../../../lib/internal/tls/strength.js";
import { judge } from "../../../lib/internal/tls/verify.js";
import {
  RSA_SHA256,
  caFields,
  certify,
  cn,
  ecKeys,
  leafFields,
  oid,
  seq,
  tlv,
  type Signing,
} from "../../fixtures/x509.js";

const signer = ecKeys();
const rsaSigner = generateKeyPairSync("rsa", { modulusLength: 2048 });

function holding(key: KeyObject): X509 {
  const der = certify(leafFields(cn("CA"), key), signer.privateKey);
  return parseCertificate(der) as X509;
}

function signed(signing: Signing, issuer = cn("CA")): X509 {
  const fields = { ...leafFields(cn("CA"), signer.publicKey), issuer, signing };
  return parseCertificate(certify(fields, rsaSigner.privateKey)) as X509;
}

t.test("keys", async (t) => {
  const rsa = (modulusLength: number): KeyObject =>
    generateKeyPairSync("rsa", { modulusLength }).publicKey;
  const pss = (modulusLength: number): KeyObject =>
    generateKeyPairSync("rsa-pss", { modulusLength }).publicKey;
  t.equal(isStrong(holding(rsa(1024))), true, "RSA of 1024 bits");
  t.equal(isStrong(holding(rsa(1016))), false, "RSA of 1016 bits");
  t.equal(isStrong(holding(pss(1024))), true, "PSS of 1024 bits");
  t.equal(isStrong(holding(pss(768))), false, "PSS of 768 bits");
  for (const curve of ["prime256v1", "secp160r1", "sect163r1"]) {
    t.equal(isStrong(holding(ecKeys(curve).publicKey)), true, curve);
  }
  for (const curve of ["secp112r1", "secp128r2", "sect113r1", "sect131r1"]) {
    t.equal(isStrong(holding(ecKeys(curve).publicKey)), false, curve);
  }
  t.equal(isStrong(holding(generateKeyPairSync("ed25519").publicKey)), true, "Ed25519");
});

t.test("signatures", async (t) => {
  const named = (dotted: string): Signing => ({
    ...RSA_SHA256,
    algorithm: seq(oid(dotted), tlv(0x05)),
  });
  t.equal(isStrong(signed(RSA_SHA256)), true);
  for (const dotted of ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.3.14.3.2.29"]) {
    t.equal(isStrong(signed(named(dotted))), false, dotted);
  }
  const pss = (...parameters: Buffer[]): Signing => ({
    algorithm: seq(oid("1.2.840.113549.1.1.10"), ...parameters),
    hash: "sha256",
    padding: constants.RSA_PKCS1_PSS_PADDING,
  });
  const hash = (dotted: string): Buffer => seq(tlv(0xa0, seq(oid(dotted))));
  t.equal(isStrong(signed(pss(hash("2.16.840.1.101.3.4.2.1")))), true, "PSS with SHA-256");
  t.equal(isStrong(signed(pss(hash("1.3.14.3.2.26")))), false, "PSS with SHA-1");
  t.equal(isStrong(signed(pss(seq()))), false, "PSS with SHA-1, left out");
  t.equal(isStrong(signed(pss())), false, "PSS without parameters");
  const sha1 = named("1.2.840.113549.1.1.5");
  const own = { ...caFields(cn("self"), rsaSigner.publicKey), signing: sha1 };
  const root = parseCertificate(certify(own, rsaSigner.privateKey)) as X509;
  t.equal(isStrong(root), true, "what signed itself proves nothing anyway");
});

t.test("a_weak_key_anywhere_fails_the_chain", async (t) => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1016 });
  const ca = { ...caFields(cn("CA"), weak.publicKey), signing: RSA_SHA256 };
  const root = parseCertificate(certify(ca, weak.privateKey)) as X509;
  const fields = { ...leafFields(cn("CA"), signer.publicKey), signing: RSA_SHA256 };
  const leaf = parseCertificate(certify(fields, weak.privateKey)) as X509;
  const context = createTlsContext();
  context.trusted.push(root);
  const now = Date.UTC(2026, 5, 1) / 1000;
  const { hard } = judge({ chain: [leaf], refusal: null }, context, "localhost", null, now);
  t.equal(hard, "SSL error: certificate verify failed");
});

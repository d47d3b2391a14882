// Keys and signatures at both sides of OpenSSL's security level 1, in real certificates.
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import t from "tap";
import { parseCertificate, type X509 } from "../../../lib/internal/asn1/x509.js";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import { isStrong, signatureCost } from "../../../lib/internal/tls/strength.js";
import { judge } from "../../../lib/internal/tls/verify.js";
import {
  ECDSA_SHA256,
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
  t.equal(isStrong(holding(rsa(1024)), false), true, "RSA of 1024 bits");
  t.equal(isStrong(holding(rsa(1016)), false), false, "RSA of 1016 bits");
  t.equal(isStrong(holding(pss(1024)), false), true, "PSS of 1024 bits");
  t.equal(isStrong(holding(pss(768)), false), false, "PSS of 768 bits");
  for (const curve of ["prime256v1", "secp160r1", "sect163r1"]) {
    t.equal(isStrong(holding(ecKeys(curve).publicKey), false), true, curve);
  }
  for (const curve of ["secp112r1", "secp128r2", "sect113r1", "sect131r1"]) {
    t.equal(isStrong(holding(ecKeys(curve).publicKey), false), false, curve);
  }
  t.equal(isStrong(holding(generateKeyPairSync("ed25519").publicKey), false), true, "Ed25519");
  const unread = (): never => {
    throw new Error("no key");
  };
  t.equal(isStrong({ ...holding(rsa(1024)), node: unread }, true), false, "a key nobody can read");
});

t.test("what a key costs those who check its signatures", async (t) => {
  const rsa = (modulusLength: number, publicExponent = 65537): KeyObject =>
    generateKeyPairSync("rsa", { modulusLength, publicExponent }).publicKey;
  const dsa = generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 });
  const rows: [name: string, key: KeyObject, least: number, most: number][] = [
    ["RSA", rsa(2048), 0.03, 0.04],
    ["RSA of 4096 bits", rsa(4096), 0.1, 0.2],
    ["with an exponent of 32 bits", rsa(2048, 0xffffffff), 0.05, 0.1],
    ["P-256", ecKeys().publicKey, 0.3, 0.4],
    ["P-521", ecKeys("secp521r1").publicKey, 2, 4],
    ["a binary curve", ecKeys("sect571r1").publicKey, 3, 5],
    ["a curve without a size in its name", ecKeys("Oakley-EC2N-4").publicKey, 5, 7],
    ["Ed25519", generateKeyPairSync("ed25519").publicKey, 1, 1],
    ["DSA", dsa.publicKey, 0.5, 1],
    ["an exponent as long as its modulus", longExponent().publicKey, 3, 4],
  ];
  for (const [name, key, least, most] of rows) {
    const cost = signatureCost(key);
    t.ok(cost >= least && cost <= most, `${name}: ${cost}`);
  }
});

// RSA with the exponents in each other's place: checking is what signing usually is.
function longExponent(): { publicKey: KeyObject; privateKey: KeyObject } {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = privateKey.export({ format: "jwk" });
  const number = (text = ""): bigint =>
    BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);
  const text = (value: bigint): string => {
    const hex = value.toString(16);
    const even = hex.padStart(hex.length + (hex.length % 2), "0");
    return Buffer.from(even, "hex").toString("base64url");
  };
  const e = number(jwk.e);
  const key = {
    ...jwk,
    e: jwk.d,
    d: jwk.e,
    dp: text(e % (number(jwk.p) - 1n)),
    dq: text(e % (number(jwk.q) - 1n)),
  };
  const swapped = createPrivateKey({ format: "jwk", key: key as never });
  return { publicKey: createPublicKey(swapped), privateKey: swapped };
}

t.test("a path whose signatures cost too much is refused, a long one is not", async (t) => {
  const chainOf = (keys: ReturnType<typeof ecKeys>, length: number): X509[] => {
    const name = (at: number): Buffer => cn(at === 0 ? "localhost" : `CA ${at}`);
    return Array.from({ length }, (_, at) => {
      const top = at === length - 1;
      const ca = caFields(name(at), keys.publicKey);
      const fields = at === 0 ? leafFields(name(1), keys.publicKey) : ca;
      const signing = keys.publicKey.asymmetricKeyType === "rsa" ? RSA_SHA256 : ECDSA_SHA256;
      const issuer = name(top ? at : at + 1);
      return parseCertificate(certify({ ...fields, issuer, signing }, keys.privateKey)) as X509;
    });
  };
  const hardFault = (chain: X509[]): string | null => {
    const context = createTlsContext();
    context.trusted.push(chain.at(-1) as X509);
    const now = Date.UTC(2026, 5, 1) / 1000;
    return judge({ chain, refusal: null }, context, "localhost", null, now).hard;
  };
  const refused = "SSL error: certificate verify failed";
  const long = longExponent();
  t.equal(hardFault(chainOf(long, 8)), null);
  t.equal(hardFault(chainOf(long, 20)), refused);
  const curve = ecKeys("secp521r1");
  t.equal(hardFault(chainOf(curve, 12)), null);
  t.equal(hardFault(chainOf(curve, 30)), refused);
  t.equal(hardFault(chainOf(ecKeys(), 90)), null, "90 usual ones");
});

t.test("signatures", async (t) => {
  const named = (dotted: string): Signing => ({
    ...RSA_SHA256,
    algorithm: seq(oid(dotted), tlv(0x05)),
  });
  t.equal(isStrong(signed(RSA_SHA256), false), true);
  for (const dotted of ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.3.14.3.2.29"]) {
    t.equal(isStrong(signed(named(dotted)), false), false, dotted);
  }
  const pss = (...parameters: Buffer[]): Signing => ({
    algorithm: seq(oid("1.2.840.113549.1.1.10"), ...parameters),
    hash: "sha256",
    padding: constants.RSA_PKCS1_PSS_PADDING,
  });
  const hash = (dotted: string): Buffer => seq(tlv(0xa0, seq(oid(dotted))));
  t.equal(isStrong(signed(pss(hash("2.16.840.1.101.3.4.2.1"))), false), true, "PSS with SHA-256");
  t.equal(isStrong(signed(pss(hash("1.3.14.3.2.26"))), false), false, "PSS with SHA-1");
  t.equal(isStrong(signed(pss(seq())), false), false, "PSS with SHA-1, left out");
  t.equal(isStrong(signed(pss()), false), false, "PSS without parameters");
  const sha1 = named("1.2.840.113549.1.1.5");
  const own = { ...caFields(cn("self"), rsaSigner.publicKey), signing: sha1 };
  const root = parseCertificate(certify(own, rsaSigner.privateKey)) as X509;
  t.equal(isStrong(root, true), true, "the last signature proves nothing anyway");
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

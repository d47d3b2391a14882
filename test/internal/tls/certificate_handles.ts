// Certificates as handles: chains in their order, what is borrowed ends with what it was borrowed
// from, and what of a file is sent.
import { createPrivateKey, X509Certificate } from "node:crypto";
import t from "tap";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import {
  certificateOf,
  certificates,
  chainOf,
  clientCerts,
  contexts,
  dnames,
  endCertificate,
  endNames,
  giveCertificate,
  giveClientCert,
  giveContext,
  lendCertificate,
  lendNames,
  openClientCert,
  pemPair,
  type Certificate,
} from "../../../lib/internal/tls/certificate_handles.js";
import { cert, certFile, clientCert } from "../../fixtures/tls.js";

const CHAIN = ["chained.pem", "inter.pem", "ca.pem"].map(cert);

function chain(): Certificate {
  const made = certificateOf(CHAIN);
  if (made === null) throw new Error("no certificate");
  return made;
}

t.test("a chain keeps its order", async (t) => {
  t.same(chainOf(chain()), CHAIN);
  t.same(
    chainOf(chain().signedBy as Certificate).map(({ der }) => der),
    CHAIN.slice(1).map(({ der }) => der),
  );
  t.equal(certificateOf([]), null);
});

/** Lends the names and the issuer of every certificate of a chain. */
function borrowAll(first: Certificate): { names: unknown[]; issuers: unknown[] } {
  const [names, issuers]: [unknown[], unknown[]] = [[], []];
  for (let at: Certificate | null = first; at !== null; at = at.signedBy) {
    const [subject = null, issuer = null] = lendNames([at.x509.subject, at.x509.issuer]);
    const signedBy = at.signedBy === null ? null : lendCertificate(at.signedBy);
    at.borrowed = { subject, issuer, signedBy };
    names.push(subject, issuer);
    if (signedBy !== null) issuers.push(signedBy);
  }
  return { names, issuers };
}

t.test("what was borrowed ends with the owner's certificate, all along the chain", async (t) => {
  const first = chain();
  const owned = giveCertificate(first);
  const { names, issuers } = borrowAll(first);
  t.equal(names.every((name) => dnames.is(name)), true);
  t.equal(issuers.every((handle) => certificates.is(handle)), true);
  certificates.destroy(owned, "ne_ssl_cert_free");
  t.equal(names.some((name) => dnames.is(name)), false);
  t.equal(issuers.some((handle) => certificates.is(handle)), false);
  t.same(first.borrowed, { subject: null, issuer: null, signedBy: null });
});

t.test("a lent certificate ends when its callback is done, and once", async (t) => {
  const first = chain();
  const lent = lendCertificate(first);
  const { names } = borrowAll(first);
  t.throws(() => certificates.destroy(lent, "f"), /is borrowed/);
  endCertificate(lent);
  t.equal(certificates.is(lent), false);
  t.equal(names.some((name) => dnames.is(name)), false);
  t.doesNotThrow(() => endCertificate(lent));
});

t.test("names end", async (t) => {
  const names = lendNames(CHAIN.map(({ subject }) => subject));
  t.equal(dnames.open(names[1], "f"), CHAIN[1]?.subject);
  endNames(names);
  t.equal(names.some((name) => dnames.is(name)), false);
});

t.test("the issuers that are sent: the path up, without root and strangers", async (t) => {
  const key = createPrivateKey(certFile("client.key"));
  const [leaf, inter, ca] = ["client-inter.pem", "inter.pem", "ca.pem"].map(cert);
  const other = cert("ca-ec.pem");
  if (leaf === undefined || inter === undefined || ca === undefined) return;
  const issuers = (...others: (typeof leaf)[]): Buffer[] =>
    openClientCert(null, { cert: leaf, others, key }).issuers.map(({ der }) => der);
  t.same(issuers(ca, other, inter), [inter.der]);
  t.same(issuers(other), []);
  t.same(issuers(), []);
  t.same(issuers(inter, inter), [inter.der], "each once");
});

t.test("certificate, issuers and key as PEM", async (t) => {
  const opened = clientCert("client-chain.p12");
  const pem = pemPair(opened);
  const pems = pem?.cert.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? [];
  t.equal(pems.length, 1 + opened.issuers.length);
  const first = new X509Certificate(pems[0] ?? "");
  t.same(first.raw, cert("client-inter.pem").der);
  t.equal(first.checkPrivateKey(createPrivateKey(pem?.key ?? "")), true);
  t.equal(pemPair({ ...opened, key: null }), null, "as long as it is encrypted there is none");
  t.equal(pemPair({ ...opened, owner: null }), null);
});

t.test("the handle of a client certificate's owner ends with it", async (t) => {
  const opened = clientCert("client.p12");
  if (opened.owner === null) return t.fail("no owner");
  opened.ownerHandle = lendCertificate(opened.owner);
  const handle = giveClientCert(opened);
  clientCerts.destroy(handle, "ne_ssl_clicert_free");
  t.equal(certificates.is(opened.ownerHandle), false);
});

t.test("contexts", async (t) => {
  const context = createTlsContext();
  t.equal(contexts.open(giveContext(context), "f"), context);
});

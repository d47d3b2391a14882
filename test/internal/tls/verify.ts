// The verdict over every server certificate of the set under several sets of trust, as recorded
// from the C library, and what the set does not hold: made certificates, circles, endless chains.
import { readFileSync } from "node:fs";
import t from "tap";
import { allCertificates } from "../../../lib/internal/asn1/pem.js";
import { parseCertificate, type X509 } from "../../../lib/internal/asn1/x509.js";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import {
  NE_SSL_BADCHAIN,
  NE_SSL_EXPIRED,
  NE_SSL_FAILMASK,
  NE_SSL_IDMISMATCH,
  NE_SSL_NOTYETVALID,
  NE_SSL_REVOKED,
  NE_SSL_UNTRUSTED,
  failuresText,
  isTrustedClient,
  judge,
  rememberAccepted,
  wasAccepted,
} from "../../../lib/internal/tls/verify.js";
import type { Refusal } from "../../../lib/internal/tls/second_verdict.js";
import { trustDefaultCa } from "../../../lib/internal/wire/default_roots.js";
import { cert, certFile } from "../../fixtures/tls.js";
import {
  bool,
  caFields,
  certify,
  cn,
  dns,
  ecKeys,
  extension,
  int,
  leafFields,
  octets,
  oid,
  OIDS,
  seq,
  tlv,
  type Fields,
} from "../../fixtures/x509.js";

// Bits, or "handshake" and "nameless" for what cannot be overruled; for the name localhost and for
// the address 127.0.0.1. Where releases of the C library differ (common names and DNS names against
// an address), the later one counts.
type Recorded = number | "handshake" | "nameless";
const recorded = JSON.parse(
  readFileSync(new URL("../../fixtures/verdicts.json", import.meta.url), "utf8"),
) as Record<string, Record<string, [name: Recorded, address: Recorded]>>;

const NOW = Date.UTC(2026, 5, 1) / 1000;
const UNTRUSTED: Refusal = { code: "CERT_UNTRUSTED", reason: "certificate not trusted" };
const ADDRESS = Buffer.from([127, 0, 0, 1]);

function chainOf(file: string): X509[] {
  return allCertificates(certFile(file)).map((der) => parseCertificate(der) as X509);
}

function verdict(
  trusted: readonly string[],
  chain: readonly X509[],
  host: string | null = "localhost",
  now = NOW,
): Recorded {
  const context = createTlsContext();
  context.trusted.push(...trusted.map((name) => cert(`${name}.pem`)));
  const { failures, hard, inHandshake } = judge(
    { chain, refusal: null },
    context,
    host,
    host === null ? ADDRESS : null,
    now,
  );
  return hard === null ? failures : inHandshake ? "handshake" : "nameless";
}

t.test("every_certificate_under_every_trust", async (t) => {
  for (const [trust, rows] of Object.entries(recorded)) {
    const trusted = trust === "nobody" ? [] : trust.split("+");
    for (const [file, [name, address]] of Object.entries(rows)) {
      const chain = chainOf(file);
      t.equal(verdict(trusted, chain), name, `${file} by name, trusting ${trust}`);
      t.equal(verdict(trusted, chain, null), address, `${file} by address, trusting ${trust}`);
    }
  }
});

t.test("the runtime's CAs are listed only where the program's own do not answer", async (t) => {
  const context = createTlsContext();
  const asked: string[] = [];
  context.findDefaultCa = (subject) => {
    asked.push(subject);
    return subject === cert("ca.pem").subject.canonical ? [cert("ca.pem")] : [];
  };
  const bitsOf = (chain: readonly X509[]): number =>
    judge({ chain, refusal: null }, context, "localhost", null, NOW).failures;
  t.equal(bitsOf(chainOf("good.pem")), 0, "the runtime's");
  t.equal(asked.length, 1);
  context.trusted.push(cert("ca.pem"), cert("selfsigned.pem"));
  t.equal(bitsOf(chainOf("good.pem")), 0, "its own CA");
  t.equal(bitsOf(chainOf("selfsigned.pem")), 0, "its own server");
  t.equal(asked.length, 1, "nobody else was asked");
});

t.test("all_failures_at_once", async (t) => {
  const chain = chainOf("selfsigned-expired.pem");
  t.equal(verdict([], chain, "other"), NE_SSL_EXPIRED | NE_SSL_IDMISMATCH | NE_SSL_UNTRUSTED);
  const future = Date.UTC(2019, 0, 1) / 1000;
  t.equal(
    verdict(["ca"], chainOf("good.pem"), "localhost", future),
    NE_SSL_NOTYETVALID | NE_SSL_BADCHAIN,
  );
  t.equal(
    failuresText({ failures: NE_SSL_FAILMASK, reason: null }),
    "Server certificate verification failed: certificate is not yet valid," +
      " certificate has expired, certificate issued for a different hostname," +
      " issuer is not trusted, bad certificate chain, certificate has been revoked",
  );
  t.equal(NE_SSL_BADCHAIN | NE_SSL_REVOKED | 0x0f, NE_SSL_FAILMASK);
});

t.test("the_seconds_at_the_ends_of_validity", async (t) => {
  const good = chainOf("good.pem");
  const { notBefore, notAfter } = good[0] as X509;
  t.equal(verdict(["ca"], good, "localhost", notBefore as number), 0, "the first second");
  t.equal(
    verdict(["selfsigned"], chainOf("selfsigned.pem"), "localhost", notAfter as number),
    NE_SSL_EXPIRED,
    "the last one is over already",
  );
});

t.test("default_cas", async (t) => {
  const context = createTlsContext();
  trustDefaultCa(context);
  const { failures } = judge({ chain: chainOf("good.pem"), refusal: UNTRUSTED }, context, "localhost", null, NOW);
  t.equal(failures, NE_SSL_UNTRUSTED);
  const { rootCertificates } = await import("node:tls");
  const root = parseCertificate(
    allCertificates(Buffer.from(rootCertificates[0] ?? ""))[0] as Buffer,
  );
  const verdictOfRoot = judge(
    { chain: [root as X509], refusal: null },
    context,
    "x",
    null,
    (root as X509).notBefore as number,
  );
  t.equal(verdictOfRoot.failures & NE_SSL_UNTRUSTED, 0, "a default CA is trusted as itself");
});

t.test("no_certificate_at_all", async (t) => {
  t.same(judge({ chain: [], refusal: null }, createTlsContext(), "localhost", null, NOW), {
    failures: 0,
    reason: null,
    hard: "SSL server did not present certificate",
    inHandshake: false,
  });
});

t.test("long_and_circular_chains_end", async (t) => {
  const many = [cert("chained.pem"), ...Array.from({ length: 5000 }, () => cert("inter.pem"))];
  t.equal(verdict(["ca"], many), 0);
  t.equal(
    verdict([], [cert("chained.pem"), cert("ca.pem"), cert("chained.pem")]),
    NE_SSL_UNTRUSTED,
  );
});

t.test("a_changed_signature_is_hard", async (t) => {
  const der = Buffer.from(cert("good.pem").der);
  der[der.length - 1] = (der[der.length - 1] as number) ^ 1;
  t.equal(verdict(["ca"], [parseCertificate(der) as X509]), "handshake");
  t.equal(
    verdict([], [parseCertificate(der) as X509]),
    NE_SSL_UNTRUSTED,
    "nothing to check it with",
  );
});

// Each builds on a real certificate with other extensions; signatures are not made anew, so only
// what comes before the signature counts here.
t.test("extensions_that_no_callback_can_overrule", async (t) => {
  const leaf = cert("good.pem");
  const { extensions } = leaf;
  const changes: readonly [reason: string, change: Partial<X509["extensions"]>][] = [
    ["an unknown critical extension", { unknownCritical: true }],
    ["for clients only", { extendedKeyUsage: ["1.3.6.1.5.5.7.3.2"] }],
    ["for any purpose is not for servers", { extendedKeyUsage: ["2.5.29.37.0"] }],
    ["for nothing", { extendedKeyUsage: [] }],
    ["for signing certificates only", { keyUsage: 1 << 10 }],
  ];
  for (const [reason, change] of changes) {
    t.equal(
      verdict([], [{ ...leaf, extensions: { ...extensions, ...change } }]),
      "handshake",
      reason,
    );
  }
  const unread = { ...leaf, extensions: { ...extensions, broken: true } };
  t.equal(verdict(["ca"], [unread]), NE_SSL_UNTRUSTED, "one that cannot be read: no issuer");
  t.equal(verdict([], [{ ...leaf, notAfter: null }]), "handshake", "a date that is none");
  const weak = { ...leaf, signatureOid: "1.2.840.113549.1.1.5" };
  t.equal(verdict(["ca"], [weak]), "handshake", "SHA-1");
  t.equal(verdict([], [weak]), NE_SSL_UNTRUSTED, "nobody checks it where the issuer is unknown");
});

t.test("limits_of_a_ca", async (t) => {
  const [leaf, inter] = [cert("chained.pem"), cert("inter.pem")];
  const ca = cert("ca.pem");
  const withCa = (change: Partial<X509["extensions"]>): Recorded => {
    const context = createTlsContext();
    context.trusted.push({ ...ca, extensions: { ...ca.extensions, ...change } });
    const peer = { chain: [leaf, inter], refusal: null };
    const found = judge(peer, context, "localhost", null, NOW);
    return found.hard === null ? found.failures : "handshake";
  };
  t.equal(withCa({}), 0);
  t.equal(withCa({ basicConstraints: { ca: true, pathLength: 1 } }), 0);
  t.equal(withCa({ basicConstraints: { ca: true, pathLength: 0 } }), "handshake", "path length");
  t.equal(withCa({ basicConstraints: { ca: false, pathLength: null } }), "handshake", "no CA");
  t.equal(withCa({ keyUsage: 1 << 15 }), "handshake", "not for signing certificates");
  const old = { basicConstraints: null, keyUsage: null };
  t.equal(withCa({ ...old, netscapeType: 1 << 10 }), 0, "an old root of Netscape's kind");
  t.equal(withCa({ ...old, netscapeType: 1 << 14 }), "handshake", "Netscape's kind of server");
  const dns = (name: string) => ({ tag: 0x82, value: Buffer.from(name) });
  const permit = (name: string) => ({ nameConstraints: { permitted: [dns(name)], excluded: [] } });
  const exclude = (name: string) => ({ nameConstraints: { permitted: [], excluded: [dns(name)] } });
  t.equal(withCa(permit("localhost")), 0);
  t.equal(withCa(permit("example.org")), "handshake", "outside what is permitted");
  t.equal(withCa(exclude("example.org")), 0);
  t.equal(withCa(exclude("localhost")), "handshake", "inside what is excluded");
  const ip = (bytes: number[]) => ({ tag: 0x87, value: Buffer.from(bytes) });
  const net127 = { permitted: [ip([127, 0, 0, 0, 255, 0, 0, 0])], excluded: [] };
  t.equal(withCa({ nameConstraints: net127 }), 0);
  const net10 = { permitted: [ip([10, 0, 0, 0, 255, 0, 0, 0])], excluded: [] };
  t.equal(withCa({ nameConstraints: net10 }), "handshake", "another network");
  const directory = { permitted: [{ tag: 0xa4, value: ca.subject.der }], excluded: [] };
  t.equal(withCa({ nameConstraints: directory }), "handshake", "another directory");
});

const keys = ecKeys();

/** A certificate with the usual extensions but for `changed`; "" leaves one out. */
function made(
  subject: string,
  issuer: string,
  changed: Record<string, Buffer | ""> = {},
  more: Partial<Fields> = {},
): X509 {
  const usual = subject === "localhost" ? leafFields : caFields;
  const fields = { ...usual(cn(issuer), keys.publicKey), subject: cn(subject), ...more };
  const all = { ...Object.fromEntries(fields.extensions ?? []), ...changed };
  const kept = Object.entries(all).filter((one): one is [string, Buffer] => one[1] !== "");
  const extensions = fields.extensions === null ? null : new Map(kept);
  return parseCertificate(certify({ ...fields, extensions }, keys.privateKey)) as X509;
}

function verdictOf(...chain: X509[]): Recorded {
  const context = createTlsContext();
  context.trusted.push(chain.at(-1) as X509);
  const found = judge({ chain, refusal: null }, context, "localhost", null, NOW);
  return found.hard === null ? found.failures : "handshake";
}

t.test("what counts for a path length", async (t) => {
  const length = (at: number): Record<string, Buffer> => ({
    basicConstraints: extension(OIDS.basicConstraints, true, seq(bool(true), int(at))),
  });
  const [leaf, inter] = [made("localhost", "I"), made("I", "R")];
  t.equal(verdictOf(made("localhost", "R"), made("R", "R", length(0))), 0, "none, as for the leaf");
  t.equal(verdictOf(leaf, inter, made("R", "R", length(0))), "handshake", "one");
  t.equal(verdictOf(leaf, inter, made("R", "R", length(1))), 0);
  const ids = (own: number, issuer: number): Record<string, Buffer> => ({
    subjectKeyId: extension(OIDS.subjectKeyId, false, octets(Buffer.from([own]))),
    authorityKeyId: extension(OIDS.authorityKeyId, false, seq(tlv(0x80, [issuer]))),
  });
  const root = made("R", "R", { ...length(1), ...ids(3, 3) });
  const chain = [made("localhost", "I", ids(0, 1)), made("I", "I", ids(1, 2)), made("I", "R", ids(2, 3))];
  t.equal(verdictOf(...chain, root), 0, "not a CA that renewed itself");
});

t.test("who is a CA", async (t) => {
  const bare = { basicConstraints: "" } as const;
  const v1 = { version: null, extensions: null };
  const [leaf, direct] = [made("localhost", "I"), made("localhost", "R")];
  t.equal(verdictOf(direct, made("R", "R", bare)), 0, "a root that signs certificates");
  t.equal(verdictOf(direct, made("R", "R", { ...bare, keyUsage: "" })), "handshake");
  t.equal(verdictOf(direct, made("R", "R", {}, v1)), 0, "a root of version 1");
  t.equal(verdictOf(leaf, made("I", "R", bare), made("R", "R")), "handshake", "no other");
  t.equal(verdictOf(leaf, made("I", "R", {}, v1), made("R", "R")), "handshake");
  t.equal(verdictOf(leaf, made("I", "X", {}, v1)), "handshake", "not at an open end either");
});

t.test("what a certificate is for", async (t) => {
  const usage = (bits: number): Buffer => extension(OIDS.keyUsage, true, tlv(0x03, [0, bits]));
  const type = (bits: number): Buffer => extension(OIDS.netscapeType, false, tlv(0x03, [0, bits]));
  const purpose = extension(OIDS.extendedKeyUsage, false, seq(oid(OIDS.clientAuth)));
  const rows: [what: string, changed: Record<string, Buffer>, server: boolean, client: boolean][] = [
    ["nothing odd", {}, true, true],
    ["signatures", { keyUsage: usage(0x80) }, true, true],
    ["keys enciphered", { keyUsage: usage(0x20) }, true, false],
    ["keys agreed on", { keyUsage: usage(0x08) }, true, true],
    ["nothing of that", { keyUsage: usage(0x40) }, false, false],
    ["Netscape's server", { type: type(0x40) }, true, false],
    ["Netscape's client", { type: type(0x80) }, false, true],
    ["a proxy", { proxy: extension(OIDS.proxyCertInfo, false, seq()) }, false, false],
  ];
  const root = made("R", "R");
  for (const [what, changed, server, client] of rows) {
    t.equal(verdictOf(made("localhost", "R", changed), root) === 0, server, `server: ${what}`);
    const chain = [made("localhost", "R", { ...changed, extendedKeyUsage: purpose })];
    t.equal(isTrustedClient({ chain, refusal: null }, [root], NOW), client, `client: ${what}`);
  }
  const leaf = made("localhost", "R");
  t.equal(verdictOf(leaf, made("R", "R", { type: type(0x04) })), 0, "Netscape's CA");
  t.equal(verdictOf(leaf, made("R", "R", { type: type(0x02) })), "handshake", "for mail only");
});

t.test("accepted_leaf", async (t) => {
  const context = createTlsContext();
  const [one, other] = [chainOf("selfsigned.pem"), chainOf("expired.pem")];
  const both = NE_SSL_UNTRUSTED | NE_SSL_EXPIRED;
  const callback = {};
  const known = (chain: X509[], failures: number, by: unknown = callback): boolean =>
    wasAccepted(context, chain, failures, by);
  t.equal(known(one, NE_SSL_UNTRUSTED), false);
  rememberAccepted(context, one, NE_SSL_UNTRUSTED, callback);
  t.equal(known(one, NE_SSL_UNTRUSTED), true);
  t.equal(known(one, both), false, "a new failure");
  t.equal(known(one, NE_SSL_UNTRUSTED, {}), false, "another callback");
  t.equal(known(other, NE_SSL_UNTRUSTED), false);
  rememberAccepted(context, other, both, callback);
  t.equal(known(other, NE_SSL_EXPIRED), true, "fewer failures");
  t.equal(known(one, NE_SSL_UNTRUSTED), false, "only one is remembered");
});

t.test("clients", async (t) => {
  const ca = [cert("ca.pem")];
  const trusts = (chain: X509[], trusted: X509[], refusal: Refusal | null = null): boolean =>
    isTrustedClient({ chain, refusal }, trusted, NOW);
  t.equal(trusts(chainOf("client.pem"), ca), true);
  t.equal(trusts(chainOf("client.pem"), ca, UNTRUSTED), false, "OpenSSL refuses it");
  t.equal(trusts(chainOf("client-expired.pem"), ca), false);
  t.equal(trusts(chainOf("good.pem"), ca), false, "a server's");
  t.equal(trusts(chainOf("client-inter.pem"), ca), false, "without its issuer");
  t.equal(trusts([], ca), false);
  t.equal(trusts(chainOf("client.pem"), []), false);
  const purpose = extension(OIDS.extendedKeyUsage, false, seq(oid(OIDS.clientAuth)));
  const client = made("localhost", "R", { extendedKeyUsage: purpose });
  const excluding = (name: string): X509 => {
    const subtrees = seq(tlv(0xa1, seq(dns(name))));
    return made("R", "R", { constraints: extension(OIDS.nameConstraints, true, subtrees) });
  };
  t.equal(trusts([client], [excluding("example.org")]), true);
  t.equal(trusts([client], [excluding("localhost")]), false, "a name that its CA excludes");
});

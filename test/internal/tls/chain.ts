// The path from a certificate to a trust anchor: what is trusted first, then what was sent, and
// never trust in the middle.
import { generateKeyPairSync } from "node:crypto";
import t from "tap";
import { parseCertificate, type X509 } from "../../../lib/internal/asn1/x509.js";
import { sameName } from "../../../lib/internal/asn1/name.js";
import { buildPath, isSelfSigned, type Lookup } from "../../../lib/internal/tls/chain.js";
import {
  caFields,
  certify,
  cn,
  directory,
  ecKeys,
  extension,
  int,
  keyId,
  leafFields,
  octets,
  OIDS,
  seq,
  tlv,
  utcTime,
  type Fields,
} from "../../fixtures/x509.js";

const NOW = Date.UTC(2026, 0, 1) / 1000;
const KEYS = ecKeys();
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });

function made(fields: Fields): X509 {
  const found = parseCertificate(certify(fields, KEYS.privateKey));
  if (found === null) throw new Error("no certificate");
  return found;
}

/** A CA of this name, issued by another; its key identifier is one of its own. */
function ca(name: string, issuer = name, change: (fields: Fields) => void = () => {}): X509 {
  const fields = { ...caFields(cn(name), KEYS.publicKey), issuer: cn(issuer) };
  change(fields);
  return made(fields);
}

function leaf(issuer: string, change: (fields: Fields) => void = () => {}): X509 {
  const fields = leafFields(cn(issuer), KEYS.publicKey);
  change(fields);
  return made(fields);
}

/** A certificate with an RSA key, signed by the EC key of all others. */
function otherKind(name: string, issuer: string): X509 {
  return made({ ...caFields(cn(name), RSA.publicKey), issuer: cn(issuer) });
}

const trusting =
  (...anchors: X509[]): Lookup =>
  (cert) => anchors.filter(({ subject }) => sameName(subject, cert.issuer));

const names = (certs: readonly X509[]): string[] =>
  certs.map(({ subject }) => /[\w ]+$/.exec(subject.der.toString("latin1"))?.[0] ?? "");

t.test("paths", async (t) => {
  const [root, middle, end] = [ca("root"), ca("middle", "root"), leaf("middle")];
  const rows: [what: string, sent: X509[], trusted: X509[], path: string[], ok: boolean][] = [
    ["all sent, the root trusted", [end, middle, root], [root], ["localhost", "middle", "root"], true],
    ["without the root", [end, middle], [root], ["localhost", "middle", "root"], true],
    ["in the wrong order", [end, root, middle], [root], ["localhost", "middle", "root"], true],
    ["nothing but the leaf", [end], [root, middle], ["localhost", "middle", "root"], true],
    ["the middle is missing", [end], [root], ["localhost"], false],
    ["no trust", [end, middle, root], [], ["localhost", "middle", "root"], false],
    ["trust in the middle is none", [end, middle], [middle], ["localhost", "middle"], false],
    ["nothing sent", [], [root], [], false],
    ["the root itself", [root], [root], ["root"], true],
    ["a stranger's root", [ca("other")], [root], ["other"], false],
  ];
  for (const [what, sent, trusted, path, ok] of rows) {
    const found = buildPath(sent, trusting(...trusted), NOW);
    t.strictSame(names(found.certs), path, what);
    t.equal(found.trusted, ok, what);
  }
});

t.test("a root of the same name that is not the trusted one", async (t) => {
  const twin = ca("root", "root", (fields) => void (fields.serial = int(9)));
  t.equal(buildPath([twin], trusting(ca("root")), NOW).trusted, false);
});

t.test("once the store has continued the path, what was sent is not looked at", async (t) => {
  const [root, middle, end] = [ca("root"), ca("middle", "root"), leaf("middle")];
  const found = buildPath([end, root], trusting(middle), NOW);
  t.strictSame([names(found.certs), found.trusted], [["localhost", "middle"], false]);
});

t.test("of several issuers the one that is valid now, else the last one that was", async (t) => {
  const dated = (from: string, to: string): X509 =>
    ca("root", "root", (fields) => {
      fields.validity = seq(utcTime(`${from}0101000000Z`), utcTime(`${to}0101000000Z`));
    });
  const [past, older, present] = [dated("10", "20"), dated("10", "19"), dated("20", "30")];
  const end = leaf("root");
  const issuer = (...candidates: X509[]): X509 | undefined =>
    buildPath([end], trusting(...candidates), NOW).certs[1];
  t.equal(issuer(past, present, older), present);
  t.equal(issuer(older, past), past);
  t.equal(issuer(past, older), past);
});

t.test("what is valid now: both times known, the first included, the last not", async (t) => {
  const end = leaf("issuer");
  const twin = (notBefore: number | null, notAfter: number | null): X509 => ({
    ...ca("issuer", "x", (fields) => void (fields.serial = int((notAfter ?? 0) & 0x7f))),
    notBefore,
    notAfter,
  });
  const later = twin(NOW + 10, NOW + 1000);
  const rows: [what: string, one: X509, wins: boolean][] = [
    ["valid", twin(NOW - 10, NOW + 10), true],
    ["from this second on", twin(NOW, NOW + 10), true],
    ["up to this second", twin(NOW - 10, NOW), false],
    ["from a time that is none", twin(null, NOW + 10), false],
    ["up to a time that is none", twin(NOW - 10, null), false],
  ];
  for (const [what, one, wins] of rows) {
    for (const sent of [[end, one, later], [end, later, one]]) {
      t.equal(buildPath(sent, trusting(), NOW).certs[1], wins ? one : later, what);
    }
  }
  const [unknown, past] = [twin(NOW - 10, null), twin(NOW - 10, NOW - 5)];
  t.equal(buildPath([end, unknown, past], trusting(), NOW).certs[1], past, "no time is the worst");
});

t.test("who may have issued", async (t) => {
  const end = leaf("root");
  const withoutSigning = ca("root", "root", (fields) => {
    fields.extensions?.set("keyUsage", extension(OIDS.keyUsage, true, tlv(0x03, [7, 0x80])));
  });
  const unfit = buildPath([end], trusting(withoutSigning), NOW);
  t.equal(unfit.certs.length, 2, "key usage is judged later, and nobody may overrule it");
  const free = ca("root", "root", (fields) => void fields.extensions?.delete("keyUsage"));
  t.equal(buildPath([end], trusting(free), NOW).certs.length, 2, "none says nothing");
  const named = (value: Buffer): X509 =>
    leaf("root", (fields) => {
      fields.extensions?.set("aki", extension(OIDS.authorityKeyId, false, seq(value)));
    });
  const length = (cert: X509): number => buildPath([cert], trusting(ca("root")), NOW).certs.length;
  t.equal(length(named(tlv(0x80, keyId(KEYS.publicKey)))), 2, "by key identifier");
  t.equal(length(named(tlv(0x80, Buffer.alloc(20)))), 1);
  const nameless = ca("root", "root", (fields) => void fields.extensions?.delete("subjectKeyId"));
  const found = buildPath([named(tlv(0x80, Buffer.alloc(20)))], trusting(nameless), NOW);
  t.equal(found.certs.length, 2, "an issuer without one may be any");
  const serial = (number: number[], issuer = "root"): Buffer =>
    Buffer.concat([tlv(0xa1, directory(cn(issuer))), tlv(0x82, number)]);
  t.equal(length(named(serial([1]))), 2, "by issuer and serial number");
  t.equal(length(named(serial([2]))), 1);
  t.equal(length(named(serial([1], "other"))), 1);
  t.equal(length(named(serial([0, 1]))), 2, "zeros in front do not count");
  t.equal(length(named(serial([0, 0, 1]))), 2);
  t.equal(length(named(serial([2, 1]))), 1, "others do");
  t.equal(length(named(serial([1, 1]))), 1);
});

t.test("an issuer has the kind of key that the signature is of", async (t) => {
  const end = leaf("root");
  const twin = otherKind("root", "root");
  const path = buildPath([end], trusting(twin, ca("root")), NOW);
  t.strictSame([path.certs.length, path.trusted], [2, true], "a twin with another kind is passed");
  t.equal(buildPath([end], trusting(twin), NOW).certs.length, 1);
  const sameName = otherKind("root", "root");
  const found = buildPath([sameName], trusting(ca("root")), NOW);
  t.strictSame([found.certs.length, found.trusted], [2, true], "named like its issuer");
  t.equal(buildPath([sameName], trusting(sameName), NOW).trusted, false, "no root of its own");
});

t.test("nobody issues or is issued what cannot be read", async (t) => {
  const twice = (fields: Fields): void => {
    fields.extensions?.set("again", extension(OIDS.keyUsage, true, tlv(0x03, [7, 0x00])));
  };
  t.equal(buildPath([leaf("root", twice)], trusting(ca("root")), NOW).certs.length, 1);
  t.equal(buildPath([leaf("root")], trusting(ca("root", "root", twice)), NOW).certs.length, 1);
  const own = ca("root", "root", twice);
  t.equal(buildPath([own], trusting(own), NOW).trusted, false);
});

t.test("circles and endless chains come to an end", async (t) => {
  const [a, b] = [ca("a", "b"), ca("b", "a")];
  const circle = buildPath([leaf("a"), a, b], trusting(), NOW);
  t.strictSame([circle.certs.length, circle.trusted], [3, false]);
  const chain = Array.from({ length: 150 }, (_, at) => ca(`n${at}`, `n${at + 1}`));
  const long = buildPath([leaf("n0"), ...chain], trusting(), NOW);
  t.strictSame([long.certs.length, long.trusted], [100, false]);
});

t.test("self-signed, by name and by key identifier", async (t) => {
  t.equal(isSelfSigned(ca("root")), true);
  t.equal(isSelfSigned(ca("middle", "root")), false);
  const issued = ca("root", "root", (fields) => {
    const value = seq(tlv(0x80, Buffer.alloc(20)));
    fields.extensions?.set("aki", extension(OIDS.authorityKeyId, false, value));
    fields.extensions?.set("ski", extension("1.2.3", false, octets()));
  });
  t.equal(isSelfSigned(issued), false, "the key of another");
});

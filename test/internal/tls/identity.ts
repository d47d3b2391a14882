// Host names against certificates (RFC 6125, and neon's rules where they differ).
import t from "tap";
import { checkIdentity, identityOf, matchesHost } from "../../../lib/internal/tls/identity.js";
import { parseCertificate } from "../../../lib/internal/asn1/x509.js";
import { cert } from "../../fixtures/tls.js";
import {
  certify,
  cn,
  ecKeys,
  extension,
  ip,
  leafFields,
  nameOf,
  OIDS,
  seq,
  uri,
  utf8,
} from "../../fixtures/x509.js";

const MATCHES: readonly [pattern: string, host: string, match: boolean, why: string][] = [
  ["localhost", "localhost", true, "equal"],
  ["LocalHost", "lOCALhOST", true, "case does not count"],
  ["localhost.", "localhost", false, "a final dot does"],
  ["localhost", "localhost.", false, "on either side"],
  ["localhost.", "localhost.", true, "on both sides"],
  ["", "", true, "nothing and nothing"],
  ["", "a", false, "nothing and something"],
  ["*.example.org", "a.example.org", true, "one label"],
  ["*.EXAMPLE.org", "A.example.ORG", true, "case with a star"],
  ["*.example.org", "example.org", false, "no label"],
  ["*.example.org", "a.b.example.org", false, "two labels"],
  ["*.example.org", ".example.org", false, "an empty label"],
  ["*.org", "example.org", false, "under a top-level domain"],
  ["*.org.", "example.org.", false, "under a top-level domain and the root"],
  ["*.localhost", "a.localhost", true, "under the domain of this machine"],
  ["*", "localhost", false, "a star alone"],
  ["*.", "localhost.", false, "a star and the root"],
  ["l*.localhost", "la.localhost", false, "part of a label"],
  ["*a.localhost", "aa.localhost", false, "part of a label"],
  ["a.*.org", "a.b.org", false, "a star inside"],
  ["*.*.org", "a.b.org", false, "two stars"],
  ["*.example.org", "*.example.org", true, "a star is a label"],
  ["xn--*.org", "xn--a.org", false, "IDNA left as given"],
  ["café.org", "CAFé.ORG", true, "ASCII letters only"],
  ["cafÉ.org", "café.org", false, "other letters are not folded"],
  ["\u0130.org", "i.org", false, "a dotted capital I is no i"],
  ["\u212a.org", "k.org", false, "a Kelvin sign is no k"],
];

t.test("names", async (t) => {
  for (const [pattern, host, match, why] of MATCHES)
    t.equal(matchesHost(pattern, host), match, why);
});

const V4 = Buffer.from([127, 0, 0, 1]);
const V6 = Buffer.from([...Array<number>(15).fill(0), 1]);
const MAPPED = Buffer.from([...Array<number>(10).fill(0), 0xff, 0xff, 127, 0, 0, 1]);

type Found = "match" | "mismatch" | "nameless";
const CERTS: readonly [file: string, host: string | null, ip: Buffer | null, found: Found][] = [
  ["good.pem", "localhost", null, "match"],
  ["good.pem", null, V4, "match"],
  ["good.pem", null, V6, "match"],
  ["good.pem", null, MAPPED, "mismatch"],
  ["good.pem", null, null, "mismatch"],
  ["cnonly.pem", "localhost", null, "match"],
  ["cn-two.pem", "localhost", null, "match"],
  ["cn-two.pem", "first.example.com", null, "mismatch"],
  ["cn-three.pem", "three", null, "match"],
  ["cn-ip.pem", null, V4, "mismatch"],
  ["san-dns-ip.pem", null, V4, "mismatch"],
  ["san-ip.pem", "byaddress", null, "match"],
  ["san-ip6.pem", null, V6, "match"],
  ["san-odd-ip.pem", "localhost", null, "match"],
  ["san-odd-ip.pem", null, V4, "mismatch"],
  ["san-uri.pem", "localhost", null, "mismatch"],
  ["san-uri.pem", "cn.example.com", null, "match"],
  ["rightcn-wrongsan.pem", "localhost", null, "mismatch"],
  ["wrongcn-rightsan.pem", "localhost", null, "match"],
  ["san-nul-localhost.pem", "localhost", null, "mismatch"],
  ["cn-nul-ia5.pem", "www.bank.example", null, "mismatch"],
  ["cn-nul.pem", "www.bank.example", null, "nameless"],
  ["cn-nul-t61.pem", "www.bank.example", null, "nameless"],
  ["cn-nul-localhost.pem", "localhost", null, "nameless"],
  ["nocn.pem", "localhost", null, "nameless"],
  ["nocn.pem", null, V4, "nameless"],
  ["san-critical-nocn.pem", "localhost", null, "match"],
  ["san-critical-nocn.pem", null, V4, "mismatch"],
  ["wildcard.pem", "a.example.localhost", null, "match"],
  ["wildcard-cn.pem", "a.example.localhost", null, "match"],
  ["wildcard-cn.pem", "a.b.example.localhost", null, "mismatch"],
];

t.test("certificates", async (t) => {
  for (const [file, host, ip, found] of CERTS) {
    t.equal(checkIdentity(cert(file), host, ip), found, `${file} ${host ?? ip?.toString("hex")}`);
  }
});

t.test("addresses without a common name", async (t) => {
  const keys = ecKeys();
  const found = (name: Buffer, ip: Buffer | null, host: string | null = null): Found => {
    const fields = leafFields(cn("CA"), keys.publicKey);
    fields.subject = nameOf(["2.5.4.10", utf8("Org")]);
    fields.extensions?.set("altNames", extension(OIDS.altNames, false, seq(name)));
    const made = parseCertificate(certify(fields, keys.privateKey));
    return made === null ? "nameless" : checkIdentity(made, host, ip);
  };
  t.equal(found(ip(127, 0, 0, 1), V4), "match");
  t.equal(found(ip(127, 0, 0, 2), V4), "mismatch", "another address is a name, too");
  t.equal(found(ip(...V6), V4), "mismatch");
  t.equal(found(ip(127, 0, 0, 1, 0), V4), "nameless", "five bytes are no address");
  t.equal(found(ip(127, 0, 0, 1), null, "localhost"), "nameless", "nor is one asked by name");
  t.equal(found(uri("\x7f\0\0\x01"), V4), "nameless", "the same bytes of another kind");
});

t.test("identity", async (t) => {
  for (const [file, identity] of [
    ["san-multi.pem", "nohost.example.com"],
    ["san-ip-first.pem", "second.example.com"],
    ["san-ip.pem", "byaddress"],
    ["san-uri.pem", "cn.example.com"],
    ["cn-three.pem", "three"],
    ["san-nul.pem", "www.bank.example\\x00.evil.example.com"],
    ["cn-nul-ia5.pem", "www.bank.example\\x00.evil.example.com"],
    ["cn-nul.pem", null],
    ["nocn.pem", null],
    ["san-8bit.pem", "caf\\xc3\\xa9"],
  ] as const) {
    t.equal(identityOf(cert(file)), identity, file);
  }
});

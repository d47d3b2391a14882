// Certificates: what is read out of them, and that broken ones are refused, never thrown over.
import t from "tap";
import { element } from "../../../lib/internal/asn1/ber.js";
import { firstCertificate } from "../../../lib/internal/asn1/pem.js";
import {
  DNS_NAME,
  IP_ADDRESS,
  KEY_USAGE,
  parseCertificate,
  parseCheckedCertificate,
  type Extensions,
} from "../../../lib/internal/asn1/x509.js";
import { cert, certFile } from "../../fixtures/tls.js";

const der = firstCertificate(certFile("good.pem")) as Buffer;

t.test("extensions", async (t) => {
  const { extensions } = cert("good.pem");
  t.same(extensions.altNames, [
    { tag: DNS_NAME, value: Buffer.from("localhost") },
    { tag: IP_ADDRESS, value: Buffer.from([127, 0, 0, 1]) },
    { tag: IP_ADDRESS, value: Buffer.from([...Array<number>(15).fill(0), 1]) },
  ]);
  t.same(extensions.basicConstraints, { ca: false, pathLength: null });
  t.equal(extensions.keyUsage, KEY_USAGE.DIGITAL_SIGNATURE | KEY_USAGE.KEY_ENCIPHERMENT);
  t.same(extensions.extendedKeyUsage, ["1.3.6.1.5.5.7.3.1"]);
  t.equal(extensions.unknownCritical, false);
  t.equal(extensions.broken, false);
  const ca = cert("ca.pem").extensions;
  t.same(ca.basicConstraints, { ca: true, pathLength: null });
  t.same(extensions.authorityKeyId?.keyId, ca.subjectKeyId);
  t.equal(extensions.authorityKeyId?.issuerName(), null);
  t.equal((ca.keyUsage ?? 0) & KEY_USAGE.CERT_SIGN, KEY_USAGE.CERT_SIGN);
});

t.test("bytes_behind_are_ignored", async (t) => {
  const found = parseCheckedCertificate(Buffer.concat([der, Buffer.from("trailing")]));
  t.same(found?.der, der);
});

t.test("truncated_at_every_byte", async (t) => {
  let read = 0;
  for (let cut = 0; cut < der.length; cut += 1) {
    if (parseCertificate(der.subarray(0, cut)) !== null) read += 1;
  }
  t.equal(read, 0);
});

t.test("changed_at_every_byte", async (t) => {
  // whatever comes out, nothing is thrown, and the bytes kept are those given
  for (let at = 0; at < der.length; at += 1) {
    for (const value of [0x00, 0x80, 0x84, 0xff]) {
      const broken = Buffer.from(der);
      broken[at] = value;
      const found = parseCheckedCertificate(broken);
      if (found !== null && !broken.subarray(0, found.der.length).equals(found.der))
        t.fail(`${at}`);
    }
  }
  t.pass();
});

// A certificate with other extensions: enough of one for our reader, with a signature of nothing.
function withExtensions(...extensions: [oid: string, critical: boolean, value: Buffer][]): Buffer {
  const list = extensions.map(([oid, critical, value]) =>
    element(
      0x30,
      Buffer.concat([
        element(0x06, Buffer.from(oid, "hex")),
        ...(critical ? [Buffer.from("0101ff", "hex")] : []),
        element(0x04, value),
      ]),
    ),
  );
  const algorithm = Buffer.from("300d06092a864886f70d01010b0500", "hex");
  const time = element(0x17, Buffer.from("200101000000Z"));
  const tbs = Buffer.concat([
    Buffer.from("a003020102", "hex"),
    Buffer.from("020101", "hex"),
    algorithm,
    Buffer.from("3000", "hex"),
    element(0x30, Buffer.concat([time, time])),
    Buffer.from("3000", "hex"),
    Buffer.from("3007300506032a0304", "hex"),
    element(0xa3, element(0x30, Buffer.concat(list))),
  ]);
  return element(
    0x30,
    Buffer.concat([element(0x30, tbs), algorithm, Buffer.from("030100", "hex")]),
  );
}

const USAGE = "551d0f";
const SAN = "551d11";

const ROWS: readonly [
  reason: string,
  extensions: [oid: string, critical: boolean, value: Buffer][],
  unknownCritical: boolean,
  broken: boolean,
][] = [
  ["none", [], false, false],
  ["unknown", [["2a03", false, Buffer.alloc(0)]], false, false],
  ["unknown and critical", [["2a03", true, Buffer.alloc(0)]], true, false],
  ["known and critical", [[USAGE, true, Buffer.from("03020780", "hex")]], false, false],
  ["twice", [0, 1].map(() => [USAGE, false, Buffer.from("03020780", "hex")]), false, true],
  ["unknown, twice", [0, 1].map(() => ["2a03", false, Buffer.alloc(0)]), false, false],
  ["a key for nothing", [[USAGE, false, Buffer.from("03020700", "hex")]], false, true],
  ["lying length inside", [[SAN, false, Buffer.from("30ff", "hex")]], false, true],
  ["bit string without bits", [[USAGE, false, Buffer.from("030108", "hex")]], false, true],
  ["policies and critical", [["551d20", true, Buffer.from("3000", "hex")]], false, false],
];

t.test("unusual_extensions", async (t) => {
  for (const [reason, extensions, unknownCritical, broken] of ROWS) {
    const found = parseCertificate(withExtensions(...extensions))?.extensions;
    t.equal(found?.unknownCritical, unknownCritical, reason);
    t.equal(found?.broken, broken, reason);
  }
});

t.test("of_an_extension_that_is_there_twice_none_counts", async (t) => {
  const named: [string, boolean, Buffer] = [SAN, false, Buffer.from("3003820161", "hex")];
  const read = (...extensions: (typeof named)[]): Extensions | undefined =>
    parseCertificate(withExtensions(...extensions))?.extensions;
  t.equal(read(named)?.altNames?.length, 1);
  t.equal(read(named, named)?.altNames, null);
  t.equal(read(named, named, named)?.altNames, null);
});

t.test("the_name_of_the_issuer_of_the_issuer_is_read_once", async (t) => {
  const named = (value: string): Extensions["authorityKeyId"] | undefined =>
    parseCertificate(withExtensions(["551d23", false, Buffer.from(value, "hex")]))?.extensions
      .authorityKeyId;
  const found = named("3006a104a4023000");
  t.equal(found?.issuerName()?.canonical, "");
  t.equal(found?.issuerName(), found?.issuerName());
  t.equal(named("3006a104a4020400")?.issuerName(), undefined, "no name: no such extension");
  t.equal(named("3006a10482026162")?.issuerName(), null, "a name of another kind");
});

t.test("every_certificate_of_the_set_agrees_with_node", async (t) => {
  for (const file of ["good.pem", "ca.pem", "dates-9999.pem", "dn-many.pem", "good-ed25519.pem"]) {
    const found = cert(file);
    t.equal(found.node().raw.equals(found.der), true, file);
    t.equal(Math.floor(Date.parse(found.node().validTo) / 1000), found.notAfter, file);
  }
});

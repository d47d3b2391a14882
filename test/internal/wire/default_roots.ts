// The runtime's own CA certificates: found by subject, read when asked for, extra ones included.
import { writeFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import t from "tap";
import { firstCertificate } from "../../../lib/internal/asn1/pem.js";
import { parseCertificate } from "../../../lib/internal/asn1/x509.js";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import {
  extraCertificates,
  nodeTls,
  trustDefaultCa,
} from "../../../lib/internal/wire/default_roots.js";
import { cert, certFile, certPath } from "../../fixtures/tls.js";

t.test("every built-in certificate is found by its subject", async (t) => {
  const context = createTlsContext();
  trustDefaultCa(context);
  const find = context.findDefaultCa ?? (() => []);
  let found = 0;
  for (const pem of rootCertificates) {
    const root = parseCertificate(firstCertificate(Buffer.from(pem)) ?? Buffer.alloc(0));
    if (root === null) return t.fail("a built-in certificate cannot be read");
    if (find(root.subject.canonical).some(({ der }) => der.equals(root.der))) found++;
  }
  t.equal(found, rootCertificates.length);
  t.equal(find(cert("ca.pem").subject.canonical).length, 0, "nobody else");
  t.equal(find("").length, 0);
  const [pem = ""] = rootCertificates;
  const first = parseCertificate(firstCertificate(Buffer.from(pem)) ?? Buffer.alloc(0));
  const canonical = first?.subject.canonical ?? "";
  t.equal(find(canonical)[0], find(canonical)[0], "read once");
});

t.test("what NODE_EXTRA_CA_CERTS names", async (t) => {
  const before = process.env["NODE_EXTRA_CA_CERTS"];
  t.teardown(() => {
    if (before === undefined) delete process.env["NODE_EXTRA_CA_CERTS"];
    else process.env["NODE_EXTRA_CA_CERTS"] = before;
  });
  const both = `${t.testdir()}/both.pem`;
  writeFileSync(both, Buffer.concat([certFile("ca.pem"), certFile("ca-ec.pem")]));
  const rows: [file: string | undefined, found: string[]][] = [
    [undefined, []],
    ["", []],
    ["/nowhere/at/all.pem", []],
    [certPath("form-garbage.pem"), []],
    [certPath("ca.pem"), ["ca.pem"]],
    [both, ["ca.pem", "ca-ec.pem"]],
  ];
  for (const [file, found] of rows) {
    if (file === undefined) delete process.env["NODE_EXTRA_CA_CERTS"];
    else process.env["NODE_EXTRA_CA_CERTS"] = file;
    t.same(extraCertificates(), found.map((name) => cert(name).der), file ?? "unset");
  }
});

t.test("node:tls", async (t) => {
  t.equal(nodeTls(), await import("node:tls").then((tls) => tls.default));
});

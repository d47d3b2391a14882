// PEM files: the same ones are read and refused as by the C library (recorded from it).
import t from "tap";
import {
  allCertificates,
  firstCertificate,
  readPem,
  writePem,
  writtenCertificates,
} from "../../../lib/internal/asn1/pem.js";
import { certFile } from "../../fixtures/tls.js";

const good = certFile("good.pem").toString("latin1");
const lines = good.trim().split("\n");
const [begin = "", end = ""] = [lines[0], lines.at(-1)];
const data = lines.slice(1, -1);
const base64 = data.join("");
const der = Buffer.from(base64, "base64");
const key = certFile("server.key").toString("latin1");

const block = (...inner: string[]): string => [begin, ...inner, end, ""].join("\n");
const cutInto = (size: number): string[] => base64.match(new RegExp(`.{1,${size}}`, "g")) ?? [];

const FORMS: readonly [reason: string, file: string, readable: boolean][] = [
  ["as it is", good, true],
  ["no line end at the end", good.trimEnd(), true],
  ["blanks at line ends", good.replace(/\n/g, " \n"), true],
  ["CR at line ends", good.replace(/\n/g, "\r\n"), true],
  ["zero bytes at line ends", good.replace("\n", "\0\n"), true],
  ["vertical tabs at line ends", good.replace(/\n/g, "\v\n"), true],
  ["byte order mark", `\xef\xbb\xbf${good}`, true],
  ["CR alone", good.replace(/\n/g, "\r"), false],
  ["something in front of BEGIN", `x${good}`, false],
  ["something behind BEGIN", good.replace("-----\n", "-----x\n"), false],
  ["something behind END", `${good.trimEnd()}x\n`, false],
  ["another END", good.replace("END CERTIFICATE", "END X509 CERTIFICATE"), false],
  ["no END", [begin, ...data, ""].join("\n"), false],
  ["BEGIN twice", `${begin}\n${good}`, false],
  ["lower case", good.replace("BEGIN CERTIFICATE", "begin certificate"), false],
  ["empty line first", block("", ...data), true],
  ["empty line inside", block(...data.slice(0, 3), "", ...data.slice(3)), false],
  ["empty lines everywhere", good.replace(/\n/g, "\n\n"), false],
  ["header lines", block("Foo: bar", "", ...data), false],
  ["encrypted", block("Proc-Type: 4,ENCRYPTED", "DEK-Info: X", "", ...data), false],
  ["one character a line", block(...cutInto(1)), true],
  ["76 characters a line", block(...cutInto(76)), true],
  ["one long line", block(base64), true],
  ["a blank inside a line", block(base64.replace(/^(.{10})/, "$1 ")), true],
  ["no base64", block(...data.slice(0, 3), "!!!!", ...data.slice(3)), false],
  ["padding in the middle", block(der.subarray(0, 100).toString("base64"), ...data), false],
  ["padding missing", block(base64.replace(/=+$/, "")), false],
  ["base64 behind the padding", block(...data, "AAAA"), false],
  ["behind a key", `${key}${good}`, true],
  ["behind a CRL", `${certFile("crl.pem").toString("latin1")}${good}`, true],
  ["behind a TRUSTED one", `${certFile("form-trusted.pem").toString("latin1")}${good}`, true],
  ["behind a malformed key", `${key.replace(/\n.{4}/, "\n!!!!")}${good}`, false],
  ["behind a key without END", `${key.split("\n").slice(0, 4).join("\n")}\n${good}`, false],
  ["nothing", "", false],
];

t.test("forms", async (t) => {
  for (const [reason, file, readable] of FORMS) {
    const found = firstCertificate(Buffer.from(file, "latin1"));
    t.same(found, readable ? der : null, reason);
  }
});

t.test("a_bad_first_certificate_is_not_passed_over", async (t) => {
  const bad = `${begin}\nAAAA\n${end}\n`;
  t.same(firstCertificate(Buffer.from(bad + good)), Buffer.from("AAAA", "base64"));
});

t.test("write_and_read_again", async (t) => {
  t.equal(writePem("CERTIFICATE", der), good);
  t.same(allCertificates(certFile("chain-with-root.pem")).length, 3);
});

t.test("what OpenSSL has written is read as any other file", async (t) => {
  const plain = [good, good.trimEnd(), good + good, `${good}\n`, `# a root\n${good}`, "", begin];
  const readable = FORMS.filter(([, , isReadable]) => isReadable).map(([, file]) => file);
  for (const file of [...plain, ...readable]) {
    t.same(writtenCertificates(file), allCertificates(Buffer.from(file)), file.slice(0, 40));
  }
  t.same(writtenCertificates(good), [der]);
});

t.test("a_million_lines_are_read_in_linear_time", async (t) => {
  const file = Buffer.from(`${"x\n".repeat(500_000)}${`${begin}\n`.repeat(100)}`);
  t.equal(readPem(file).malformed, true);
  t.equal(readPem(Buffer.from(good.repeat(10_001))).blocks.length, 10_000, "blocks are limited");
});

t.test("malformed: a million blanks inside a line cost linear time", async (t) => {
  t.strictSame(readPem(Buffer.from(`${begin}${" ".repeat(1_000_000)}x\n`)).blocks, []);
});

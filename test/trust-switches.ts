// Whom the runtime trusts, under each of its switches and variables: a program is started with
// them, and ne_ssl_trust_default_ca has to trust whom node:tls trusts.
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { runProgram } from "./fixtures/program.js";
import { certFile, certPath, tlsServer } from "./fixtures/tls.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const UNTRUSTED = /issuer is not trusted/;

const program = fileURLToPath(
  new URL(`./fixtures/trusting${path.extname(import.meta.url)}`, import.meta.url),
);

const CA = certPath("ca.pem");
const OTHER = certPath("ca-ec.pem");

// OpenSSL finds a CA in a folder by the hash of its name
const folder = t.testdir({});
const hash = execFileSync("openssl", ["x509", "-hash", "-noout", "-in", CA], { encoding: "utf8" });
copyFileSync(CA, path.join(folder, `${hash.trim()}.0`));
const both = path.join(folder, "both.pem");
writeFileSync(both, Buffer.concat([certFile("ca-ec.pem"), certFile("ca.pem")]));

const system = process.allowedNodeEnvironmentFlags.has("--use-system-ca")
  ? undefined
  : "this Node has no --use-system-ca";

const ROWS: readonly [
  name: string,
  switches: string[],
  variables: NodeJS.ProcessEnv,
  trusts: boolean,
  skip?: string | undefined,
][] = [
  ["nothing", [], {}, false],
  ["NODE_EXTRA_CA_CERTS", [], { NODE_EXTRA_CA_CERTS: CA }, true],
  ["a second one in NODE_EXTRA_CA_CERTS", [], { NODE_EXTRA_CA_CERTS: both }, true],
  ["another CA in NODE_EXTRA_CA_CERTS", [], { NODE_EXTRA_CA_CERTS: OTHER }, false],
  ["NODE_EXTRA_CA_CERTS that is not there", [], { NODE_EXTRA_CA_CERTS: `${CA}.not` }, false],
  ["SSL_CERT_FILE alone", [], { SSL_CERT_FILE: CA }, false],
  ["--use-bundled-ca", ["--use-bundled-ca"], { SSL_CERT_FILE: CA }, false],
  [
    "--use-bundled-ca and NODE_EXTRA_CA_CERTS",
    ["--use-bundled-ca"],
    { NODE_EXTRA_CA_CERTS: CA },
    true,
  ],
  ["--use-openssl-ca and SSL_CERT_FILE", ["--use-openssl-ca"], { SSL_CERT_FILE: CA }, true],
  ["another CA in SSL_CERT_FILE", ["--use-openssl-ca"], { SSL_CERT_FILE: OTHER }, false],
  [
    "--use-openssl-ca and SSL_CERT_DIR",
    ["--use-openssl-ca"],
    { SSL_CERT_FILE: OTHER, SSL_CERT_DIR: folder },
    true,
  ],
  [
    "--use-openssl-ca and NODE_EXTRA_CA_CERTS",
    ["--use-openssl-ca"],
    { SSL_CERT_FILE: OTHER, NODE_EXTRA_CA_CERTS: CA },
    true,
  ],
  ["--use-system-ca", ["--use-system-ca"], { SSL_CERT_FILE: CA }, true, system],
  ["--use-system-ca without it", ["--use-system-ca"], { SSL_CERT_FILE: OTHER }, false, system],
];

for (const [name, switches, variables, trusts, skip] of ROWS) {
  t.test(name, { skip: skip ?? false }, async (t) => {
    const { port } = await tlsServer(t, {}, (socket) => {
      socket.once("data", () => socket.end(OK));
    });
    const env = { ...process.env, NODE_OPTIONS: "", SSL_CERT_DIR: t.testdir({}), ...variables };
    const [first = "", ...args] = [...switches, ...process.execArgv, program, String(port)];
    const { out, err } = await runProgram(first, args, env);
    t.comment(err);
    const said = JSON.parse(out) as { trusting: string; nobody: string; node: string };
    t.equal(said.node === "", trusts, `node:tls: ${said.node}`);
    if (trusts) t.equal(said.trusting, "");
    else t.match(said.trusting, UNTRUSTED);
    t.match(said.nobody, UNTRUSTED, "who asked for nobody gets nobody");
  });
}

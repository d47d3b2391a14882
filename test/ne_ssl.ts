// ne_ssl: every certificate of the set through every function, as recorded from the C library (what
// its releases do differently follows the later one); client certificates in all their states.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { contexts, dnames, lendNames } from "../lib/internal/tls/certificate_handles.js";
import type { ne_ssl_dname } from "../lib/internal/base/handle.js";
import {
  NE_SSL_CTX_CLIENT,
  NE_SSL_CTX_SERVER,
  NE_SSL_CTX_SERVERv2,
  NE_SSL_DIGESTLEN,
  NE_SSL_VDATELEN,
  ne_ssl_cert_cmp,
  ne_ssl_cert_digest,
  ne_ssl_cert_export,
  ne_ssl_cert_free,
  ne_ssl_cert_hdigest,
  ne_ssl_cert_identity,
  ne_ssl_cert_import,
  ne_ssl_cert_issuer,
  ne_ssl_cert_read,
  ne_ssl_cert_signedby,
  ne_ssl_cert_subject,
  ne_ssl_cert_validity,
  ne_ssl_cert_validity_time,
  ne_ssl_cert_write,
  ne_ssl_clicert_copy,
  ne_ssl_clicert_decrypt,
  ne_ssl_clicert_encrypted,
  ne_ssl_clicert_free,
  ne_ssl_clicert_fromuri,
  ne_ssl_clicert_import,
  ne_ssl_clicert_name,
  ne_ssl_clicert_owner,
  ne_ssl_clicert_read,
  ne_ssl_context_create,
  ne_ssl_context_destroy,
  ne_ssl_context_get_flag,
  ne_ssl_context_keypair,
  ne_ssl_context_set_ccprovide,
  ne_ssl_context_set_clicert,
  ne_ssl_context_set_flag,
  ne_ssl_context_set_verify,
  ne_ssl_context_set_versions,
  ne_ssl_context_trustcert,
  ne_ssl_context_trustdefca,
  ne_ssl_dname_cmp,
  ne_ssl_proto_name,
  ne_ssl_readable_dname,
  type ne_ssl_certificate,
  type ne_ssl_client_cert,
  type ne_ssl_protocol,
} from "../lib/ne_ssl.js";
import { cert as parsed, certFile, certPath } from "./fixtures/tls.js";

type Facts = [
  subject: string,
  issuer: string,
  identity: string | null,
  digest: string,
  from: number,
  until: number,
];
const FACTS = JSON.parse(
  readFileSync(new URL("fixtures/certificates.json", import.meta.url), "utf8"),
) as Record<string, Facts | null>;

function read(name: string): ne_ssl_certificate {
  return ne_ssl_cert_read(certPath(name)) as ne_ssl_certificate;
}

function sha1(cert: ne_ssl_certificate): string {
  const digest = { value: "" };
  ne_ssl_cert_digest(cert, digest);
  return digest.value;
}

t.test("every_certificate", async (t) => {
  for (const [name, facts] of Object.entries(FACTS)) {
    const cert = ne_ssl_cert_read(certPath(name));
    if (cert === null || facts === null) {
      t.equal(cert, facts, name);
      continue;
    }
    const [from, until] = [{ value: 0 }, { value: 0 }];
    ne_ssl_cert_validity_time(cert, from, until);
    t.same(
      [
        ne_ssl_readable_dname(ne_ssl_cert_subject(cert)),
        ne_ssl_readable_dname(ne_ssl_cert_issuer(cert)),
        ne_ssl_cert_identity(cert),
        sha1(cert),
        from.value,
        until.value,
      ],
      facts,
      name,
    );
    t.equal(ne_ssl_cert_signedby(cert), null, "a file gives no chain");
    t.equal(sha1(cert).length, NE_SSL_DIGESTLEN - 1);
    const again = ne_ssl_cert_import(ne_ssl_cert_export(cert)) as ne_ssl_certificate;
    t.equal(ne_ssl_cert_cmp(cert, again), 0, name);
    t.equal(ne_ssl_dname_cmp(ne_ssl_cert_subject(cert), ne_ssl_cert_subject(again)), 0, name);
    ne_ssl_cert_free(cert);
  }
  t.equal(Object.keys(FACTS).length, readdirSync(certPath(".")).filter(isListed).length);
});

function isListed(name: string): boolean {
  return /\.(pem|key|der)$/.test(name);
}

t.test("read_errors", async (t) => {
  t.equal(ne_ssl_cert_read(certPath("nowhere.pem")), null);
  t.equal(ne_ssl_cert_read(certPath(".")), null);
});

t.test("write_and_read_again", async (t) => {
  const file = join(
    t.testdir({ "out.pem": "something longer than a certificate ".repeat(1000) }),
    "out.pem",
  );
  const cert = read("chain-good.pem");
  t.equal(ne_ssl_cert_write(cert, file), 0);
  t.equal(ne_ssl_cert_cmp(ne_ssl_cert_read(file) as ne_ssl_certificate, cert), 0);
  t.same(readFileSync(file), certFile("chained.pem"), "it alone, without its chain");
  t.equal(ne_ssl_cert_write(cert, join(file, "no-directory")), -1);
});

t.test("import", async (t) => {
  const text = ne_ssl_cert_export(read("good.pem"));
  const trailing = Buffer.concat([Buffer.from(text, "base64"), Buffer.from("trailing")]);
  t.equal(
    sha1(ne_ssl_cert_import(trailing.toString("base64")) as ne_ssl_certificate),
    sha1(read("good.pem")),
  );
  const ownPadding = ne_ssl_cert_export(read("cnonly.pem"));
  t.match(ownPadding, /=$/, "its last group is padded");
  t.equal(
    sha1(ne_ssl_cert_import(`${ownPadding}AAAA`) as ne_ssl_certificate),
    sha1(read("cnonly.pem")),
    "ne_unbase64 takes padding in the middle",
  );
  for (const [reason, data] of [
    ["nothing", ""],
    ["padding missing", text.replace(/=+$/, "")],
    ["too much padding", `${text}=`],
    ["a line end", `${text.slice(0, 64)}\n${text.slice(64)}`],
    ["a blank first", ` ${text}`],
    ["no base64", `${text.slice(0, 64)}!${text.slice(65)}`],
    ["the alphabet of URLs", text.replace(/\+/g, "-").replace(/\//g, "_")],
    ["cut", text.slice(0, -4)],
    ["PEM", certFile("good.pem").toString("base64")],
    ["something else", "AAAA"],
  ] as const) {
    t.equal(ne_ssl_cert_import(data), null, reason);
  }
});

t.test("digests", async (t) => {
  const cert = read("good.pem");
  const colons = sha1(cert);
  const MD5 = 1;
  const [SHA256, SHA512, SHA512_256, SHA1] = [2, 3, 4, 5];
  const [COLON, SPACE] = [0x1000, 0x2000];
  t.equal(ne_ssl_cert_hdigest(cert, SHA1 | COLON), colons);
  t.equal(ne_ssl_cert_hdigest(cert, SHA1 | COLON | SPACE), colons, "colons beat spaces");
  t.equal(ne_ssl_cert_hdigest(cert, SHA1 | SPACE), colons.replaceAll(":", " "));
  t.equal(ne_ssl_cert_hdigest(cert, SHA1), colons.replaceAll(":", ""));
  for (const [flags, bytes] of [
    [MD5, 16],
    [SHA256, 32],
    [SHA512, 64],
    [SHA512_256, 32],
  ] as const) {
    t.equal(ne_ssl_cert_hdigest(cert, flags)?.length, bytes * 2);
  }
  for (const flags of [0, 6, 15, COLON]) t.equal(ne_ssl_cert_hdigest(cert, flags), null);
});

t.test("validity_as_text", async (t) => {
  for (const [name, from, until] of [
    ["good.pem", "Wed, 01 Jan 2020 00:00:00 GMT", "Sat, 01 Jan 2050 00:00:00 GMT"],
    ["dates-old.pem", "Sat, 02 Jan 1960 03:04:05 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"],
    ["dates-epoch.pem", "[invalid date]", "Thu, 01 Jan 1970 00:00:00 GMT"],
    ["dates-1950.pem", "Sun, 01 Jan 1950 00:00:00 GMT", "Tue, 19 Jan 2038 03:14:08 GMT"],
    ["dates-9999.pem", "Sat, 29 Feb 2020 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"],
  ] as const) {
    const [start, end] = [{ value: "" }, { value: "" }];
    ne_ssl_cert_validity(read(name), start, end);
    t.same([start.value, end.value], [from, until], name);
    t.ok(end.value.length < NE_SSL_VDATELEN);
  }
  ne_ssl_cert_validity(read("good.pem"));
  ne_ssl_cert_validity(read("good.pem"), null, null);
  ne_ssl_cert_validity_time(read("good.pem"), null);
});

t.test("comparison", async (t) => {
  t.not(ne_ssl_cert_cmp(read("good.pem"), read("expired.pem")), 0);
  const cmp = (one: string, other: string): boolean =>
    ne_ssl_dname_cmp(ne_ssl_cert_subject(read(one)), ne_ssl_cert_subject(read(other))) === 0;
  t.equal(cmp("ca.pem", "fakeca.pem"), true, "the same name of another key");
  t.equal(cmp("cn-upper.pem", "cnonly.pem"), false);
  t.equal(cmp("dn-utf8.pem", "dn-bmp.pem"), true, "in other types of string");
  t.equal(cmp("dn-utf8.pem", "dn-t61.pem"), false);
  const one = ne_ssl_cert_subject(read("good.pem"));
  const other = ne_ssl_cert_issuer(read("good.pem"));
  t.equal(ne_ssl_dname_cmp(one, other), -ne_ssl_dname_cmp(other, one));
});

t.test("what_is_borrowed_ends_with_its_owner", async (t) => {
  const cert = read("good.pem");
  const subject = ne_ssl_cert_subject(cert);
  const issuer = ne_ssl_cert_issuer(cert);
  t.equal(ne_ssl_cert_subject(cert), subject, "the same pointer each time");
  ne_ssl_cert_free(cert);
  for (const name of [subject, issuer]) {
    t.throws(
      () => ne_ssl_readable_dname(name),
      new TypeError("ne_ssl_readable_dname: the ne_ssl_dname was destroyed already"),
    );
  }
  t.throws(
    () => ne_ssl_cert_identity(cert),
    new TypeError("ne_ssl_cert_identity: the ne_ssl_certificate was destroyed already"),
  );
});

// file, state as read, name, password that opens it (null: none needed, or nothing does)
const CLIENTS: readonly [
  file: string,
  encrypted: number,
  name: string | null,
  password: string | null,
][] = [
  ["client.p12", 1, "Just A. Client", "secret"],
  ["client-noname.p12", 1, null, "secret"],
  ["client-emptypass.p12", 0, "Empty", null],
  ["client-plain.p12", 0, "Plain", null],
  ["client-plain-noname.p12", 0, null, null],
  ["client-plain-mac.p12", 0, "Plain with MAC", null],
  ["client-certplain.p12", 1, "Cert In The Clear", "secret"],
  ["client-3des.p12", 1, "Triple DES", "secret"],
  ["client-3des-noname.p12", 1, null, "secret"],
  ["client-rc2.p12", 1, "Old RC2", "secret"],
  ["client-aes128.p12", 1, "AES 128", "secret"],
  ["client-aes256-sha512mac.p12", 1, "AES 256", "secret"],
  ["client-pbes2-3des.p12", 1, "PBES2 3DES", "secret"],
  ["client-iter1.p12", 1, "One iteration", "secret"],
  ["client-utf8.p12", 1, "Zoë € Nämé", "pässwörd€"],
  ["client-utf8-3des.p12", 1, "Zoë", "pässwörd"],
  ["client-longpass.p12", 1, "Long password", "p".repeat(200)],
  ["client-ca.p12", 1, "With CA", "secret"],
  ["client-chain.p12", 1, "With chain", "secret"],
  ["client-ec.p12", 1, "EC client", "secret"],
  ["client-ed25519.p12", 1, "Ed25519 client", "secret"],
  ["client-ec-plain.p12", 0, "EC plain", null],
  ["client-trailing.p12", 1, "Just A. Client", "secret"],
  ["client-nokey.p12", 1, null, null], // no password helps
  ["client-nocert.p12", 1, "No cert", null],
];

t.test("client_certificates", async (t) => {
  for (const [file, encrypted, name, password] of CLIENTS) {
    for (const client of [
      ne_ssl_clicert_read(certPath(file)) as ne_ssl_client_cert,
      ne_ssl_clicert_import(certFile(file)) as ne_ssl_client_cert,
    ]) {
      t.equal(ne_ssl_clicert_encrypted(client), encrypted, file);
      t.equal(ne_ssl_clicert_name(client), name, file);
      if (encrypted) {
        t.not(ne_ssl_clicert_decrypt(client, "wrong"), 0, file);
        const opened = ne_ssl_clicert_decrypt(client, password ?? "secret");
        t.equal(opened === 0, password !== null, file);
        t.equal(ne_ssl_clicert_encrypted(client), password === null ? 1 : 0, file);
        t.equal(ne_ssl_clicert_name(client), name, "the name is not read again");
      }
      if (ne_ssl_clicert_encrypted(client)) continue;
      const copy = ne_ssl_clicert_copy(client);
      const digest = sha1(ne_ssl_clicert_owner(client));
      t.equal(ne_ssl_cert_signedby(ne_ssl_clicert_owner(client)), null, file);
      ne_ssl_clicert_free(client);
      t.equal(sha1(ne_ssl_clicert_owner(copy)), digest, "a copy outlives it");
      t.equal(ne_ssl_clicert_name(copy), name);
    }
  }
});

t.test("refused_client_certificates", async (t) => {
  for (const file of [
    "client-nokey-plain.p12",
    "client-nomac.p12",
    "client-cut.p12",
    "client-garbage.p12",
    "client-empty.p12",
    "client-pem.p12",
    "nowhere.p12",
  ]) {
    t.equal(ne_ssl_clicert_read(certPath(file)), null, file);
  }
  t.equal(ne_ssl_clicert_import(new Uint8Array(0)), null);
});

t.test("client_certificates_by_uri", async (t) => {
  for (const [file, password] of [
    ["client.p12", "secret"],
    ["client-plain.p12", null],
    ["client-both.pem", null],
    ["client-both-key-first.pem", null],
    ["client-both-encrypted.pem", "secret"],
    ["client-pem.p12", null],
  ] as const) {
    for (const uri of [certPath(file), pathToFileURL(certPath(file)).href]) {
      const client = ne_ssl_clicert_fromuri(uri, 0) as ne_ssl_client_cert;
      t.equal(ne_ssl_clicert_name(client), uri, "the name is the URI");
      t.equal(ne_ssl_clicert_encrypted(client), password === null ? 0 : 1, file);
      if (password !== null) {
        t.not(ne_ssl_clicert_decrypt(client, "wrong"), 0);
        t.equal(ne_ssl_clicert_decrypt(client, password), 0);
      }
      t.same(ne_ssl_cert_cmp(ne_ssl_clicert_owner(client), read("client.pem")), 0, file);
    }
  }
  for (const uri of [
    "pkcs11:token=x;object=y",
    "https://example.org/client.p12",
    "file://elsewhere.example.org/client.p12",
    "file:///no%2Fslash",
    certPath("nowhere.p12"),
    certPath("client.pem"),
    certPath("client.key"),
    certPath("client-both-mismatch.pem"),
    "",
  ]) {
    t.equal(ne_ssl_clicert_fromuri(uri, 0), null, uri);
  }
  t.equal(ne_ssl_clicert_fromuri(certPath("client-both.pem"), 1), null, "flags");
});

t.test("states_of_client_certificates", async (t) => {
  const client = ne_ssl_clicert_read(certPath("client.p12")) as ne_ssl_client_cert;
  const encrypted = (fn: string): TypeError =>
    new TypeError(`${fn}: the client certificate is encrypted`);
  t.throws(() => ne_ssl_clicert_owner(client), encrypted("ne_ssl_clicert_owner"));
  t.throws(() => ne_ssl_clicert_copy(client), encrypted("ne_ssl_clicert_copy"));
  const context = ne_ssl_context_create(NE_SSL_CTX_CLIENT);
  t.throws(
    () => ne_ssl_context_set_clicert(context, client),
    encrypted("ne_ssl_context_set_clicert"),
  );
  ne_ssl_clicert_decrypt(client, "secret");
  t.throws(
    () => ne_ssl_clicert_decrypt(client, "secret"),
    new TypeError("ne_ssl_clicert_decrypt: the client certificate is decrypted already"),
  );
  const owner = ne_ssl_clicert_owner(client);
  t.equal(ne_ssl_clicert_owner(client), owner, "the same pointer each time");
  t.throws(
    () => ne_ssl_cert_free(owner),
    new TypeError(
      "ne_ssl_cert_free: this ne_ssl_certificate is borrowed and must not be destroyed",
    ),
  );
  ne_ssl_context_set_clicert(context, client);
  ne_ssl_clicert_free(client);
  t.throws(
    () => sha1(owner),
    new TypeError("ne_ssl_cert_digest: the ne_ssl_certificate was destroyed already"),
  );
});

t.test("protocol_names", async (t) => {
  for (const [proto, name] of [
    [0, "unknown"],
    [1, "SSLv3"],
    [2, "TLSv1.0"],
    [3, "TLSv1.1"],
    [4, "TLSv1.2"],
    [5, "TLSv1.3"],
    [6, "unknown"],
    [-1, "unknown"],
  ] as const) {
    t.equal(ne_ssl_proto_name(proto as ne_ssl_protocol), name);
  }
});

t.test("contexts", async (t) => {
  const client = ne_ssl_context_create(NE_SSL_CTX_CLIENT);
  ne_ssl_context_trustcert(client, read("ca.pem"));
  ne_ssl_context_trustdefca(client);
  const given: unknown[] = [];
  ne_ssl_context_set_ccprovide(client, (userdata) => void given.push(userdata));
  void contexts.open(client, "test").provider?.([]);
  t.strictSame(given, [null], "userdata that was left out");
  ne_ssl_context_set_ccprovide(client, null);
  t.equal(ne_ssl_context_set_versions(client, 4, 5), 0);
  t.equal(ne_ssl_context_set_versions(client, 5, 4), -1);
  t.equal(ne_ssl_context_set_versions(client, 0, 1), -1);
  t.equal(ne_ssl_context_set_versions(client, 0, 0), 0);
  ne_ssl_context_set_flag(client, 0, 1);
  t.equal(ne_ssl_context_get_flag(client, 0), 0);
  t.equal(ne_ssl_context_keypair(client, certPath("good.pem"), certPath("server.key")), -1);
  ne_ssl_context_destroy(client);
  t.throws(
    () => ne_ssl_context_get_flag(client, 0),
    new TypeError("ne_ssl_context_get_flag: the ne_ssl_context was destroyed already"),
  );
  for (const mode of [NE_SSL_CTX_SERVER, NE_SSL_CTX_SERVERv2]) {
    const server = ne_ssl_context_create(mode);
    t.equal(ne_ssl_context_keypair(server, certPath("good.pem"), certPath("server.key")), 0);
    t.equal(ne_ssl_context_keypair(server, certPath("good.pem"), certPath("other.key")), -1);
    t.equal(ne_ssl_context_keypair(server, certPath("nowhere"), certPath("server.key")), -1);
    t.equal(ne_ssl_context_keypair(server, certPath("good.pem"), certPath("nowhere")), -1);
    t.equal(ne_ssl_context_set_verify(server, 1, certPath("ca.pem"), certPath("ca.pem")), 0);
    t.equal(ne_ssl_context_set_verify(server, 0, null, certPath("nowhere")), 0);
    ne_ssl_context_destroy(server);
  }
});

t.test("callers_mistakes", async (t) => {
  const wrong = (value: unknown): never => value as never;
  for (const [call, message] of [
    [() => ne_ssl_cert_read(wrong(1)), "ne_ssl_cert_read: filename must be a string, not number"],
    [() => ne_ssl_cert_import(wrong(null)), "ne_ssl_cert_import: data must be a string, not null"],
    [() => ne_ssl_clicert_import(wrong("x")), "ne_ssl_clicert_import: buffer must be a Uint8Array"],
    [() => ne_ssl_context_create(7), "ne_ssl_context_create: mode must be one of NE_SSL_CTX_*"],
    [
      () => ne_ssl_cert_identity(wrong({})),
      "ne_ssl_cert_identity: expected a ne_ssl_certificate, got object",
    ],
    [
      () => ne_ssl_readable_dname(wrong(null)),
      "ne_ssl_readable_dname: expected a ne_ssl_dname, got null",
    ],
  ] as const) {
    t.throws(call, new TypeError(message));
  }
});

t.test("names_of_a_peer_may_be_anything", async (t) => {
  const [name] = lendNames([parsed("dn-control.pem").subject]) as [ne_ssl_dname];
  t.equal(ne_ssl_readable_dname(name), "tab\tand\\backslash", "shown as they are, as in C");
  dnames.revoke(name);
});

t.test("broken_files_give_null", async (t) => {
  const dir = t.testdir({});
  const file = join(dir, "broken");
  const good = certFile("good.pem");
  for (let cut = 0; cut < good.length - 2; cut += 13) {
    writeFileSync(file, good.subarray(0, cut));
    t.equal(ne_ssl_cert_read(file), null, `cut at ${cut}`);
  }
});

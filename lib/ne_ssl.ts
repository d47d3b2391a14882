// ne_ssl.h: certificates, client certificates, and the settings of TLS connections. Reading and
// writing files is synchronous, as in C. Parsing is done in internal/asn1, judging in internal/tls.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readPemPair, readPkcs12, type KeyFile } from "./internal/asn1/keyfile.js";
import { readableName } from "./internal/asn1/name.js";
import { allCertificates, firstCertificate, writePem } from "./internal/asn1/pem.js";
import { parseCheckedCertificate } from "./internal/asn1/x509.js";
import { asBuffer, isBytes } from "./internal/base/bytes.js";
import { NE_SOCK_ERROR } from "./internal/base/constants.js";
import {
  misuse,
  type ne_ssl_certificate,
  type ne_ssl_client_cert,
  type ne_ssl_context,
  type ne_ssl_dname,
} from "./internal/base/handle.js";
import { NE_HASH_COLON, NE_HASH_SHA1, sumOf } from "./internal/base/digest_text.js";
import {
  createTlsContext,
  setClientCert,
  setVersions,
  trustCert,
  type ServerSettings,
} from "./internal/tls/context.js";
import {
  certificateOf,
  certificates,
  clientCerts,
  contexts,
  dnames,
  giveCertificate,
  giveClientCert,
  giveContext,
  lendCertificate,
  openClientCert,
  type Certificate,
  type ClientCert,
} from "./internal/tls/certificate_handles.js";
import { identityOf } from "./internal/tls/identity.js";
import { trustDefaultCa } from "./internal/wire/default_roots.js";
import { isUsableKeyPair } from "./internal/wire/tls_options.js";
import { needObject, needText } from "./internal/base/arguments.js";
import { ne_rfc1123_date } from "./ne_dates.js";
import type { ne_out } from "./ne_defs.js";
import { ne_unbase64 } from "./ne_string.js";

export type {
  ne_ssl_certificate,
  ne_ssl_client_cert,
  ne_ssl_context,
  ne_ssl_dname,
} from "./internal/base/handle.js";
export {
  NE_SSL_BADCHAIN,
  NE_SSL_EXPIRED,
  NE_SSL_FAILMASK,
  NE_SSL_IDMISMATCH,
  NE_SSL_NOTYETVALID,
  NE_SSL_REVOKED,
  NE_SSL_UNTRUSTED,
} from "./internal/tls/verify.js";

/**
 * A one-line form of a name for people to read: attribute values joined by `, `, last one first.
 * Common name and e-mail address are left out unless nothing else is there. A value that cannot be
 * decoded shows as `???`. The text is the peer's: it may hold control characters.
 */
export function ne_ssl_readable_dname(dn: ne_ssl_dname): string {
  return readableName(dnames.open(dn, "ne_ssl_readable_dname"));
}

/**
 * Compares names as X.500 does: neither the type of string nor the case of ASCII letters counts.
 * @returns 0 if both are the same name, else non-zero.
 */
export function ne_ssl_dname_cmp(dn1: ne_ssl_dname, dn2: ne_ssl_dname): number {
  const one = dnames.open(dn1, "ne_ssl_dname_cmp").canonical;
  const other = dnames.open(dn2, "ne_ssl_dname_cmp").canonical;
  return one === other ? 0 : one < other ? -1 : 1;
}

/**
 * Reads the first certificate of a PEM file.
 *
 * @example
 * ```ts
 * const ca = ne_ssl_cert_read("ca.pem");
 * if (ca !== null) ne_ssl_trust_cert(sess, ca);
 * ```
 * @returns it, or `null` if the file cannot be read or parsed.
 */
export function ne_ssl_cert_read(filename: string): ne_ssl_certificate | null {
  const file = readFile(filename, "ne_ssl_cert_read");
  const der = file === null ? null : firstCertificate(file);
  return der === null ? null : giveDer(der);
}

/**
 * Writes the certificate alone (not its chain) to a PEM file, replacing the file.
 * @returns 0, or -1 on failure.
 */
export function ne_ssl_cert_write(cert: ne_ssl_certificate, filename: string): number {
  const { x509 } = certificates.open(cert, "ne_ssl_cert_write");
  needText(filename, "ne_ssl_cert_write", "filename");
  try {
    writeFileSync(filename, writePem("CERTIFICATE", x509.der));
    return 0;
  } catch {
    return -1;
  }
}

/** @returns the DER form as base64 on one line. */
export function ne_ssl_cert_export(cert: ne_ssl_certificate): string {
  return certificates.open(cert, "ne_ssl_cert_export").x509.der.toString("base64");
}

/**
 * Reads what `ne_ssl_cert_export` gives.
 * @returns the certificate, or `null` if `data` is not valid.
 */
export function ne_ssl_cert_import(data: string): ne_ssl_certificate | null {
  needText(data, "ne_ssl_cert_import", "data");
  const der: ne_out<Buffer | null> = { value: null };
  return ne_unbase64(data, der) === 0 || der.value === null ? null : giveDer(der.value);
}

/**
 * The name a certificate was issued for.
 * @returns the first DNS name among the alternative names; without DNS names, the most specific
 *   (last) common name; else `null`.
 */
export function ne_ssl_cert_identity(cert: ne_ssl_certificate): string | null {
  return identityOf(certificates.open(cert, "ne_ssl_cert_identity").x509);
}

/**
 * @returns the next certificate of the chain (borrowed), or `null` if there is none or it was not
 *   sent.
 */
export function ne_ssl_cert_signedby(cert: ne_ssl_certificate): ne_ssl_certificate | null {
  const { signedBy, borrowed } = certificates.open(cert, "ne_ssl_cert_signedby");
  return signedBy === null ? null : (borrowed.signedBy ??= lendCertificate(signedBy));
}

/** @returns the issuer's name (borrowed). */
export function ne_ssl_cert_issuer(cert: ne_ssl_certificate): ne_ssl_dname {
  const { x509, borrowed } = certificates.open(cert, "ne_ssl_cert_issuer");
  return (borrowed.issuer ??= dnames.lend(x509.issuer));
}

/** @returns the subject's name (borrowed). */
export function ne_ssl_cert_subject(cert: ne_ssl_certificate): ne_ssl_dname {
  const { x509, borrowed } = certificates.open(cert, "ne_ssl_cert_subject");
  return (borrowed.subject ??= dnames.lend(x509.subject));
}

/** Buffer size that C needs for `ne_ssl_cert_digest`. */
export const NE_SSL_DIGESTLEN = 60;

/**
 * Sets `digest.value` to the SHA-1 sum of the certificate: 20 pairs of lower-case hex digits
 * separated by colons.
 * @returns 0, or -1 if the sum cannot be computed.
 */
export function ne_ssl_cert_digest(cert: ne_ssl_certificate, digest: ne_out<string>): number {
  const { x509 } = certificates.open(cert, "ne_ssl_cert_digest");
  needObject(digest, "ne_ssl_cert_digest", "digest");
  const sum = sumOf(NE_HASH_SHA1 | NE_HASH_COLON, [x509.der]);
  if (sum === null) return -1;
  digest.value = sum;
  return 0;
}

/**
 * The sum of the certificate's DER form, with algorithm and format chosen by `NE_HASH_*` flags as
 * in `ne_strhash`.
 * @returns the text, or `null` for an algorithm that is not available.
 * @example
 * ```ts
 * ne_ssl_cert_hdigest(cert, NE_HASH_SHA256 | NE_HASH_COLON);
 * ```
 */
export function ne_ssl_cert_hdigest(cert: ne_ssl_certificate, flags: number): string | null {
  return sumOf(flags, [certificates.open(cert, "ne_ssl_cert_hdigest").x509.der]);
}

/**
 * Sets the start and end of validity, in seconds since 1970; -1 for a time that has no such number.
 */
export function ne_ssl_cert_validity_time(
  cert: ne_ssl_certificate,
  from?: ne_out<number> | null,
  until?: ne_out<number> | null,
): void {
  const { x509 } = certificates.open(cert, "ne_ssl_cert_validity_time");
  if (from) needObject(from, "ne_ssl_cert_validity_time", "from");
  if (until) needObject(until, "ne_ssl_cert_validity_time", "until");
  if (from) from.value = x509.notBefore ?? -1;
  if (until) until.value = x509.notAfter ?? -1;
}

/** Buffer size that C needs for each date of `ne_ssl_cert_validity`. */
export const NE_SSL_VDATELEN = 30;

/**
 * Sets the start and end of validity as text in the form of `ne_rfc1123_date`, or `[invalid date]`.
 */
export function ne_ssl_cert_validity(
  cert: ne_ssl_certificate,
  from?: ne_out<string> | null,
  until?: ne_out<string> | null,
): void {
  const { x509 } = certificates.open(cert, "ne_ssl_cert_validity");
  if (from) needObject(from, "ne_ssl_cert_validity", "from");
  if (until) needObject(until, "ne_ssl_cert_validity", "until");
  if (from) from.value = dateText(x509.notBefore);
  if (until) until.value = dateText(x509.notAfter);
}

/**
 * Compares the certificates themselves, byte by byte, not their chains.
 * @returns 0 if equal, else non-zero.
 */
export function ne_ssl_cert_cmp(c1: ne_ssl_certificate, c2: ne_ssl_certificate): number {
  const one = certificates.open(c1, "ne_ssl_cert_cmp").x509.der;
  return one.compare(certificates.open(c2, "ne_ssl_cert_cmp").x509.der);
}

/** Destroys a certificate and the chain behind it. */
export function ne_ssl_cert_free(cert: ne_ssl_certificate): void {
  certificates.destroy(cert, "ne_ssl_cert_free");
}

/**
 * Reads a PKCS#12 file. The result is decrypted if the file opens without a password.
 *
 * @example
 * ```ts
 * const own = ne_ssl_clicert_read("me.p12");
 * if (own === null) throw new Error("no client certificate");
 * if (ne_ssl_clicert_encrypted(own)) ne_ssl_clicert_decrypt(own, "password");
 * if (!ne_ssl_clicert_encrypted(own)) ne_ssl_set_clicert(sess, own);
 * ```
 * @returns the client certificate, or `null` if the file cannot be read or parsed, or opens but
 *   lacks the certificate or the key.
 */
export function ne_ssl_clicert_read(filename: string): ne_ssl_client_cert | null {
  const file = readFile(filename, "ne_ssl_clicert_read");
  return file === null ? null : giveKeyFile(readPkcs12(file));
}

/** `ne_ssl_clicert_read` from memory. */
export function ne_ssl_clicert_import(buffer: Uint8Array): ne_ssl_client_cert | null {
  if (!isBytes(buffer)) throw misuse("ne_ssl_clicert_import", "buffer must be a Uint8Array");
  return giveKeyFile(readPkcs12(Buffer.from(asBuffer(buffer))));
}

/**
 * Loads the client certificate that a URI names. The port knows `file:` URIs (and plain paths)
 * naming a PKCS#12 file or a PEM file that holds a certificate and its key; a key under a password
 * gives an encrypted client certificate. Other schemes, `pkcs11:` among them, give `null`.
 * @param flags must be 0.
 * @returns the client certificate, or `null` on any error (C also sets errno).
 */
export function ne_ssl_clicert_fromuri(uri: string, flags: number): ne_ssl_client_cert | null {
  needText(uri, "ne_ssl_clicert_fromuri", "uri");
  const path = flags === 0 ? pathOf(uri) : null;
  const file = path === null ? null : readFile(path, "ne_ssl_clicert_fromuri");
  if (file === null) return null;
  const read = readPkcs12(file) ?? readPemPair(file);
  return read === null ? null : giveKeyFile({ ...read, name: uri });
}

/** @returns 1 if a password is still needed, else 0. */
export function ne_ssl_clicert_encrypted(ccert: ne_ssl_client_cert): number {
  return clientCerts.open(ccert, "ne_ssl_clicert_encrypted").unlock === null ? 0 : 1;
}

/**
 * The friendly name stored with the certificate, readable in both states where the file keeps it
 * outside the encrypted part.
 * @returns the name; for one loaded by URI, the URI; else `null`.
 */
export function ne_ssl_clicert_name(ccert: ne_ssl_client_cert): string | null {
  return clientCerts.open(ccert, "ne_ssl_clicert_name").name;
}

/**
 * Decrypts; on failure the state stays and another password may be tried. Throws if `ccert` is
 * decrypted already (undefined in C).
 * @returns 0, or non-zero for a wrong password or a key that does not belong to the certificate.
 */
export function ne_ssl_clicert_decrypt(ccert: ne_ssl_client_cert, password: string): number {
  const cert = clientCerts.open(ccert, "ne_ssl_clicert_decrypt");
  needText(password, "ne_ssl_clicert_decrypt", "password");
  if (cert.unlock === null) {
    throw misuse("ne_ssl_clicert_decrypt", "the client certificate is decrypted already");
  }
  const pair = cert.unlock(password);
  if (pair === null) return -1;
  Object.assign(cert, openClientCert(cert.name, pair));
  return 0;
}

/** @returns the certificate part (borrowed). Throws if `ccert` is encrypted. */
export function ne_ssl_clicert_owner(ccert: ne_ssl_client_cert): ne_ssl_certificate {
  const cert = decrypted(ccert, "ne_ssl_clicert_owner");
  return (cert.ownerHandle ??= lendCertificate(cert.owner as Certificate));
}

/** @returns an independent copy. Throws if `ccert` is encrypted. */
export function ne_ssl_clicert_copy(ccert: ne_ssl_client_cert): ne_ssl_client_cert {
  const cert = decrypted(ccert, "ne_ssl_clicert_copy");
  const owner = certificateOf([(cert.owner as Certificate).x509]);
  return giveClientCert({ ...cert, owner, ownerHandle: null });
}

/** Destroys a client certificate in either state. */
export function ne_ssl_clicert_free(ccert: ne_ssl_client_cert): void {
  clientCerts.destroy(ccert, "ne_ssl_clicert_free");
}

/** No particular version. */
export const NE_SSL_PROTO_UNSPEC = 0;
/** SSL 3.0; not offered by Node. */
export const NE_SSL_PROTO_SSL_3 = 1;
/** TLS 1.0. */
export const NE_SSL_PROTO_TLS_1_0 = 2;
/** TLS 1.1. */
export const NE_SSL_PROTO_TLS_1_1 = 3;
/** TLS 1.2. */
export const NE_SSL_PROTO_TLS_1_2 = 4;
/** TLS 1.3. */
export const NE_SSL_PROTO_TLS_1_3 = 5;
/** A protocol version (`enum ne_ssl_protocol`). */
export type ne_ssl_protocol =
  | typeof NE_SSL_PROTO_UNSPEC
  | typeof NE_SSL_PROTO_SSL_3
  | typeof NE_SSL_PROTO_TLS_1_0
  | typeof NE_SSL_PROTO_TLS_1_1
  | typeof NE_SSL_PROTO_TLS_1_2
  | typeof NE_SSL_PROTO_TLS_1_3;

const PROTO_NAMES: readonly (string | undefined)[] = [
  undefined,
  "SSLv3",
  "TLSv1.0",
  "TLSv1.1",
  "TLSv1.2",
  "TLSv1.3",
];

/**
 * @returns `SSLv3`, `TLSv1.0`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`, or `unknown` for any other number.
 */
export function ne_ssl_proto_name(proto: ne_ssl_protocol): string {
  return PROTO_NAMES[proto] ?? "unknown";
}

/**
 * Decides about a server certificate that failed verification.
 * @param failures the failure bits `NE_SSL_*` combined with `|`; never 0.
 * @param cert the server's certificate, borrowed until the callback is done.
 * @returns 0 to accept, anything else to break off the connection.
 */
export type ne_ssl_verify_fn<T = unknown> = (
  userdata: T,
  failures: number,
  cert: ne_ssl_certificate,
) => number | Promise<number>;

/** Mode: client. */
export const NE_SSL_CTX_CLIENT = 0;
/** Mode: server. */
export const NE_SSL_CTX_SERVER = 1;
/** Mode: not used; acts like `NE_SSL_CTX_SERVER`. */
export const NE_SSL_CTX_SERVERv2 = 2;

/**
 * Creates a context that trusts nobody; a client context keeps the last TLS session for resumption.
 */
export function ne_ssl_context_create(mode: number): ne_ssl_context {
  if (mode !== NE_SSL_CTX_CLIENT && mode !== NE_SSL_CTX_SERVER && mode !== NE_SSL_CTX_SERVERv2) {
    throw misuse("ne_ssl_context_create", "mode must be one of NE_SSL_CTX_*");
  }
  return giveContext(createTlsContext(mode !== NE_SSL_CTX_CLIENT));
}

/**
 * Client: trust `cert`, as a CA or as the server's own (self-signed) one. The certificate is
 * copied.
 */
export function ne_ssl_context_trustcert(ctx: ne_ssl_context, cert: ne_ssl_certificate): void {
  const context = contexts.open(ctx, "ne_ssl_context_trustcert");
  trustCert(context, certificates.open(cert, "ne_ssl_context_trustcert"));
}

/** Client: trust the CA certificates that the Node runtime trusts by default. */
export function ne_ssl_context_trustdefca(ctx: ne_ssl_context): void {
  trustDefaultCa(contexts.open(ctx, "ne_ssl_context_trustdefca"));
}

/**
 * Server: use this certificate (with its chain) and key.
 * @param cert name of a PEM file.
 * @param key name of a PEM file.
 * @returns 0, or -1 if a file cannot be used.
 */
export function ne_ssl_context_keypair(ctx: ne_ssl_context, cert: string, key: string): number {
  const { server } = contexts.open(ctx, "ne_ssl_context_keypair");
  const certPem = readFile(cert, "ne_ssl_context_keypair", "cert")?.toString("latin1");
  const keyPem = readFile(key, "ne_ssl_context_keypair", "key")?.toString("latin1");
  if (server === null || certPem === undefined || keyPem === undefined) return -1;
  if (!isUsableKeyPair(certPem, keyPem)) return -1;
  server.certPem = certPem;
  server.keyPem = keyPem;
  return 0;
}

/** Client: present this client certificate when asked. It is copied; throws if it is encrypted. */
export function ne_ssl_context_set_clicert(ctx: ne_ssl_context, cc: ne_ssl_client_cert): void {
  const context = contexts.open(ctx, "ne_ssl_context_set_clicert");
  setClientCert(context, decrypted(cc, "ne_ssl_context_set_clicert"));
}

/**
 * Supplies a client certificate on demand, by calling `ne_ssl_context_set_clicert` (or, for a
 * session, `ne_ssl_set_clicert`) before it is done.
 * @param dnames names of the CAs that the server accepts, borrowed until the callback is done;
 *   empty if it named none or the TLS layer does not reveal them.
 */
export type ne_ssl_ccprovide_fn<T = unknown> = (
  userdata: T,
  dnames: readonly ne_ssl_dname[],
) => void | Promise<void>;

/**
 * Client: call `provider` during a handshake in which the server asks for a certificate and none is
 * set.
 */
export function ne_ssl_context_set_ccprovide<T>(
  ctx: ne_ssl_context,
  provider?: ne_ssl_ccprovide_fn<T> | null,
  userdata?: T,
): void {
  const context = contexts.open(ctx, "ne_ssl_context_set_ccprovide");
  context.provider =
    provider == null ? null : (names) => provider((userdata ?? null) as T, names);
}

/**
 * Limits the protocol versions of later handshakes. `NE_SSL_PROTO_UNSPEC` sets no limit on its
 * side.
 * @returns 0, or `NE_SOCK_ERROR` if `min` is above `max` or a limit cannot be set (an upper limit
 *   below TLS 1.0 cannot).
 */
export function ne_ssl_context_set_versions(
  ctx: ne_ssl_context,
  min: ne_ssl_protocol,
  max: ne_ssl_protocol,
): number {
  const context = contexts.open(ctx, "ne_ssl_context_set_versions");
  return setVersions(context, min, max) ? 0 : NE_SOCK_ERROR;
}

/**
 * Server: how to ask for client certificates.
 * @param required non-zero: refuse clients without a valid certificate.
 * @param ca_names PEM file whose subjects are sent as acceptable CA names.
 * @param verify_cas PEM file of CA certificates to verify against.
 * @returns 0.
 */
export function ne_ssl_context_set_verify(
  ctx: ne_ssl_context,
  required: number,
  ca_names?: string | null,
  verify_cas?: string | null,
): number {
  const { server } = contexts.open(ctx, "ne_ssl_context_set_verify");
  const names = pemsOf(ca_names);
  const cas = pemsOf(verify_cas);
  if (server !== null) setServerVerify(server, required !== 0, names, cas);
  return 0;
}

/** The one context flag, without effect. */
export const NE_SSL_CTX_SSLv2 = 0;

/** Sets a context flag; no flag has an effect. */
export function ne_ssl_context_set_flag(ctx: ne_ssl_context, flag: number, value: number): void {
  contexts.open(ctx, "ne_ssl_context_set_flag");
  void [flag, value];
}

/** @returns 0. */
export function ne_ssl_context_get_flag(ctx: ne_ssl_context, flag: number): number {
  contexts.open(ctx, "ne_ssl_context_get_flag");
  void flag;
  return 0;
}

/** Destroys a context. */
export function ne_ssl_context_destroy(ctx: ne_ssl_context): void {
  contexts.destroy(ctx, "ne_ssl_context_destroy");
}

function readFile(filename: string, caller: string, name = "filename"): Buffer | null {
  needText(filename, caller, name);
  try {
    return readFileSync(filename);
  } catch {
    return null;
  }
}

function giveDer(der: Buffer): ne_ssl_certificate | null {
  const cert = parseCheckedCertificate(der);
  return cert === null ? null : giveCertificate(certificateOf([cert]) as Certificate);
}

function dateText(seconds: number | null): string {
  const text = seconds === null || seconds === -1 ? null : ne_rfc1123_date(seconds);
  return text ?? "[invalid date]";
}

function giveKeyFile(file: KeyFile | null): ne_ssl_client_cert | null {
  if (file === null) return null;
  if (file.pair !== null) return giveClientCert(openClientCert(file.name, file.pair));
  const { name, unlock } = file;
  return giveClientCert({ name, unlock, owner: null, issuers: [], key: null, ownerHandle: null });
}

function decrypted(ccert: ne_ssl_client_cert, caller: string): ClientCert {
  const cert = clientCerts.open(ccert, caller);
  if (cert.unlock !== null) throw misuse(caller, "the client certificate is encrypted");
  return cert;
}

// null for a URI of another scheme
function pathOf(uri: string): string | null {
  if (/^file:/i.test(uri)) {
    try {
      return fileURLToPath(uri);
    } catch {
      return null;
    }
  }
  return /^[A-Za-z][A-Za-z0-9+.-]+:/.test(uri) ? null : uri;
}

function pemsOf(filename: string | null | undefined): string[] {
  if (filename == null) return [];
  const file = readFile(filename, "ne_ssl_context_set_verify");
  return file === null ? [] : allCertificates(file).map((der) => writePem("CERTIFICATE", der));
}

function setServerVerify(
  server: ServerSettings,
  required: boolean,
  names: readonly string[],
  cas: readonly string[],
): void {
  // as in C, a client is asked only if it must show one
  server.requireClient = required;
  server.caNames = names;
  server.verifyCas = cas;
}

// The CA certificates that the Node runtime trusts by default: its built-in list, what
// NODE_EXTRA_CA_CERTS adds, and what the switches --use-openssl-ca and --use-system-ca put in. They
// are listed once, when the first certificate is judged by them.

import { readFileSync } from "node:fs";
import type * as tls from "node:tls";
import { allCertificates, writtenCertificates } from "../asn1/pem.js";
import { parseCertificate, subjectOf, type X509 } from "../asn1/x509.js";
import type { TlsContext } from "../tls/context.js";

/** node:tls, loaded when it is first needed: programs that only speak HTTP start without it. */
export function nodeTls(): typeof tls {
  return process.getBuiltinModule("node:tls");
}

/** A CA certificate, read whole when first asked for. */
interface Root {
  readonly der: Buffer;
  x509: X509 | null;
}

let bySubject: Map<string, Root[]> | null = null;

/** Trusts what the Node runtime trusts. */
export function trustDefaultCa(context: TlsContext): void {
  context.findDefaultCa = findDefaultCa;
}

function findDefaultCa(subject: string): readonly X509[] {
  bySubject ??= load();
  const roots = bySubject.get(subject) ?? [];
  return roots.flatMap((root) => (root.x509 ??= parseCertificate(root.der)) ?? []);
}

// Only the subjects are read here: there are 150 certificates, of which one may be wanted.
function load(): Map<string, Root[]> {
  const found = new Map<string, Root[]>();
  for (const der of defaultCertificates()) {
    const subject = subjectOf(der);
    if (subject === null) continue;
    const list = found.get(subject.canonical);
    const root = { der, x509: null };
    if (list === undefined) found.set(subject.canonical, [root]);
    else list.push(root);
  }
  return found;
}

interface KnownTls {
  readonly rootCertificates: readonly string[];
  readonly getCACertificates?: (type: "default") => readonly string[];
}

function defaultCertificates(): Buffer[] {
  // newer versions of Node know the system's store too (--use-system-ca), and say what is in use
  const { getCACertificates, rootCertificates }: KnownTls = nodeTls();
  const pems = getCACertificates?.("default") ?? rootCertificates;
  const certificates = pems.flatMap(writtenCertificates);
  return getCACertificates === undefined ? [...certificates, ...extraCertificates()] : certificates;
}

/** What NODE_EXTRA_CA_CERTS names; nothing where it cannot be read, of which Node warns. */
export function extraCertificates(): Buffer[] {
  const file = process.env["NODE_EXTRA_CA_CERTS"];
  if (file === undefined || file === "") return [];
  try {
    return allCertificates(readFileSync(file));
  } catch {
    return []; // Node warns of it at start
  }
}

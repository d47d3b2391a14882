// The CA certificates that the Node runtime trusts by default: its built-in list and what
// NODE_EXTRA_CA_CERTS adds. They are parsed once, when the first certificate is judged by them.

import { readFileSync } from "node:fs";
import type * as tls from "node:tls";
import { allCertificates } from "../asn1/pem.js";
import { parseCertificate, type X509 } from "../asn1/x509.js";
import type { TlsContext } from "../tls/context.js";

/** node:tls, loaded when it is first needed: programs that only speak HTTP start without it. */
export function nodeTls(): typeof tls {
  return process.getBuiltinModule("node:tls");
}

let bySubject: Map<string, X509[]> | null = null;

/** Trusts what the Node runtime trusts. */
export function trustDefaultCa(context: TlsContext): void {
  context.findDefaultCa = findDefaultCa;
}

function findDefaultCa(subject: string): readonly X509[] {
  bySubject ??= load();
  return bySubject.get(subject) ?? [];
}

function load(): Map<string, X509[]> {
  const found = new Map<string, X509[]>();
  for (const der of defaultCertificates()) {
    const cert = parseCertificate(der);
    if (cert === null) continue;
    const list = found.get(cert.subject.canonical);
    if (list === undefined) found.set(cert.subject.canonical, [cert]);
    else list.push(cert);
  }
  return found;
}

function defaultCertificates(): Buffer[] {
  // newer versions of Node know the system's store too (--use-system-ca), and say what is in use
  const { getCACertificates, rootCertificates } = nodeTls() as typeof tls & {
    getCACertificates?: (type: "default") => readonly string[];
  };
  const pems = getCACertificates?.("default") ?? rootCertificates;
  const certificates = pems.flatMap((pem) => allCertificates(Buffer.from(pem)));
  return getCACertificates === undefined ? [...certificates, ...extraCertificates()] : certificates;
}

function extraCertificates(): Buffer[] {
  const file = process.env["NODE_EXTRA_CA_CERTS"];
  if (file === undefined || file === "") return [];
  try {
    return allCertificates(readFileSync(file));
  } catch {
    return []; // Node warns of it at start
  }
}

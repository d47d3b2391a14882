// A self-signed certificate with its key, made afresh: what Node has no call for. Just enough DER
// (X.690) to write one certificate of RFC 5280 with an ECDSA P-256 key, for servers on this
// machine.

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export interface SelfSignedOptions {
  /** DNS names and IPv4 addresses that it is for; default localhost and 127.0.0.1 */
  names?: readonly string[];
  commonName?: string;
  organization?: string;
  notBefore?: Date;
  notAfter?: Date;
}

const DAY_MS = 24 * 3600 * 1000;
const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302")); // 1.2.840.10045.4.3.2

/** Makes a certificate and its private key, both as PEM text. */
export function makeSelfSigned(options: SelfSignedOptions = {}): { cert: string; key: string } {
  const { names = ["localhost", "127.0.0.1"], commonName = "localhost" } = options;
  const { organization = "libneon demo" } = options;
  const { notBefore = new Date(Date.now() - DAY_MS) } = options;
  const { notAfter = new Date(Date.now() + 30 * DAY_MS) } = options;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(
    nameEntry("55040a", organization), // 2.5.4.10 organizationName
    nameEntry("550403", commonName), // 2.5.4.3 commonName
  );
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])), // serial number
    ECDSA_WITH_SHA256,
    name, // issuer
    sequence(time(notBefore), time(notAfter)),
    name, // subject
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions(names))),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(signature));
  return {
    cert: pem("CERTIFICATE", certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

function extensions(names: readonly string[]): Buffer[] {
  const isCritical = der(0x01, Buffer.from([0xff]));
  const octets = (content: Buffer): Buffer => der(0x04, content);
  return [
    // 2.5.29.19 basicConstraints: a CA, as it signs itself
    sequence(oid("551d13"), isCritical, octets(sequence(isCritical))),
    sequence(oid("551d11"), octets(sequence(...names.map(alternativeName)))), // 2.5.29.17
  ];
}

function alternativeName(name: string): Buffer {
  if (isIP(name) === 4) return der(0x87, Buffer.from(name.split(".").map(Number)));
  return der(0x82, Buffer.from(name, "ascii"));
}

function nameEntry(type: string, value: string): Buffer {
  return der(0x31, sequence(oid(type), der(0x0c, Buffer.from(value, "utf8"))));
}

// Years up to 2049 are written with two digits, later ones with four (RFC 5280, section 4.1.2.5).
function time(date: Date): Buffer {
  const text = date.toISOString().replace(/\.\d+|[-T:]/g, "");
  const short = date.getUTCFullYear() < 2050;
  return der(short ? 0x17 : 0x18, Buffer.from(short ? text.slice(2) : text, "ascii"));
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

// tag, length, content; lengths from 128 on are written in two bytes, behind their count
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  if (length > 127 && length < 256) head.splice(1, 3, 0x81, length);
  return Buffer.concat([Buffer.from(head), content]);
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

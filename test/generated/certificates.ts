// Certificate chains with one field spoiled at a time, judged beside OpenSSL, the one inside Node
// (in a handshake) and the installed program (`openssl verify`): none is accepted that either
// refuses.
// A seed makes the same chains again, but for their keys. NEON_FUZZ_SECONDS goes on with new seeds.
import { execFile } from "node:child_process";
import { constants, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import t, { type Test } from "tap";
import { parseCertificate } from "../../lib/internal/asn1/x509.js";
import { createTlsContext } from "../../lib/internal/tls/context.js";
import { judge, type Verdict } from "../../lib/internal/tls/verify.js";
import { handshakeClient } from "../../lib/internal/wire/tls.js";
import { findProgram } from "../fixtures/real/launch.js";
import { tlsServer } from "../fixtures/tls.js";
import {
  OIDS,
  RSA_SHA256,
  bool,
  caFields,
  certify,
  cn,
  directory,
  dns,
  ecKeys,
  extension,
  int,
  ip,
  keyId,
  leafFields,
  mail,
  nameOf,
  octets,
  oid,
  pem,
  seq,
  set,
  text,
  tlv,
  uri,
  utcTime,
  utf8,
  type Fields,
} from "../fixtures/x509.js";

const SEED = 20261129;
const CHAINS = 160;

type Pick = <T>(list: readonly T[]) => T;
interface Keys {
  publicKey: KeyObject;
  privateKey: KeyObject;
}
/** A certificate that is about to be signed, and by whom. */
interface Draft {
  fields: Fields;
  keys: Keys;
  /** Changes the signed bytes. */
  after?: (der: Buffer) => Buffer;
}
type Spoil = (draft: Draft, pick: Pick) => void;

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

const strange = (type: string, critical: boolean, value: Buffer): Spoil => (draft) =>
  void draft.fields.extensions?.set("strange", extension(type, critical, value));

const replaced =
  (name: string, values: readonly Buffer[]): Spoil =>
  ({ fields }, pick) => {
    const type = OIDS[name as keyof typeof OIDS];
    fields.extensions?.set(name, extension(type, pick([true, false]), pick(values)));
  };

const rsa = (modulusLength: number): Keys => generateKeyPairSync("rsa", { modulusLength });

function withKeys(draft: Draft, keys: Keys): void {
  draft.fields.key = keys.publicKey;
  draft.keys = keys;
  const { extensions } = draft.fields;
  if (extensions?.has("subjectKeyId")) {
    const value = octets(keyId(keys.publicKey));
    extensions.set("subjectKeyId", extension(OIDS.subjectKeyId, false, value));
  }
}

const BIT_STRINGS = [
  tlv(0x03),
  tlv(0x03, [0]),
  tlv(0x03, [7]),
  tlv(0x03, [8, 0x80]),
  tlv(0x03, [255, 0x80]),
  tlv(0x03, [0, 0]),
  tlv(0x03, [7, 0xff]),
  tlv(0x03, [0, 0xff, 0x80]),
  tlv(0x03, [1, 0x02]),
  tlv(0x03, [2, 0x04]),
  tlv(0x03, [5, 0x20]),
  tlv(0x03, [3, 0x08]),
  tlv(0x04, [1, 6]),
  Buffer.concat([tlv(0x03, [1, 6]), tlv(0x05)]),
];
const NAMES = [
  seq(),
  cn("localhost "),
  cn("LOCALHOST"),
  nameOf(["2.5.4.3", text(0x16, "localhost")]),
  nameOf(["2.5.4.3", text(0x1e, "\0l\0o")]),
  nameOf(["2.5.4.3", text(0x1e, "\0l\0")]),
  nameOf(["2.5.4.3", text(0x1c, "\0\0\0l")]),
  nameOf(["2.5.4.3", text(0x0c, "\xff")]),
  nameOf(["2.5.4.3", tlv(0x02, [1])]),
  nameOf(["2.5.4.3", utf8("")]),
  seq(set()),
  seq(seq(oid("2.5.4.3"), utf8("x"))),
  nameOf(["1.2.840.113549.1.9.1", text(0x16, "a@evil.example")], ["2.5.4.3", utf8("localhost")]),
];
const TIMES = [
  seq(utcTime("200101000000Z"), utcTime("210101000000Z")),
  seq(utcTime("480101000000Z"), utcTime("490101000000Z")),
  seq(utcTime("2001010000Z"), utcTime("491231235959Z")),
  seq(utcTime("200101000000+0000"), utcTime("491231235959Z")),
  seq(utcTime("200101000000Z"), utcTime("4912312359Z")),
  seq(text(0x18, "20200101000000Z"), text(0x18, "20491231235959Z")),
  seq(text(0x18, "20200101000000.5Z"), text(0x18, "20491231235959Z")),
  seq(text(0x18, "20200101000000"), text(0x18, "99991231235959Z")),
  seq(text(0x18, "99991231235959Z"), text(0x18, "99991231235959Z")),
  seq(utcTime("201301000000Z"), utcTime("491231235959Z")),
  seq(utcTime("200101000000Z"), utcTime("490230000000Z")),
  seq(utcTime("200101000000z"), utcTime("491231235959Z")),
  seq(utcTime(""), utcTime("")),
  seq(utcTime("200101000000Z")),
];
const GENERAL_NAMES = [
  seq(),
  seq(dns("localhost"), tlv(0x02, [1])),
  seq(dns("localhost"), dns("")),
  seq(tlv(0xa0, oid("1.2.3"), tlv(0xa0, utf8("x"))), dns("localhost")),
  seq(tlv(0xa0, oid("1.2.3")), dns("localhost")),
  seq(directory(utf8("x")), dns("localhost")),
  seq(directory(cn("x")), dns("localhost")),
  seq(ip(127, 0), dns("localhost")),
  seq(tlv(0x88, [42]), dns("localhost")),
  seq(tlv(0x89, [42]), dns("localhost")),
  seq(tlv(0x88), dns("localhost")),
  seq(tlv(0xa2, text(0x16, "localhost"))),
  seq(dns("local\xffhost"), dns("localhost")),
  Buffer.concat([seq(dns("localhost")), tlv(0x05)]),
  set(dns("localhost")),
];
const tree = (...bases: Buffer[]): Buffer => tlv(0xa0, ...bases.map((base) => seq(base)));
const not = (...bases: Buffer[]): Buffer => tlv(0xa1, ...bases.map((base) => seq(base)));
const CONSTRAINTS = [
  seq(),
  seq(tree(dns("localhost"))),
  seq(tree(dns("other"))),
  seq(not(dns("localhost"))),
  seq(not(dns("host"))),
  seq(not(dns(""))),
  seq(not(dns(".localhost"))),
  seq(tree(dns(".localhost"))),
  seq(tree(directory(cn("localhost")))),
  seq(tree(directory(cn("x")))),
  seq(not(directory(cn("localhost")))),
  seq(not(directory(seq()))),
  seq(tree(mail("x.org"))),
  seq(not(mail("x.org"))),
  seq(tree(ip(127, 0, 0, 0, 255, 0, 0, 0))),
  seq(tree(ip(10, 0))),
  seq(not(ip(10, 0))),
  seq(tree(uri("x.org"))),
  seq(tree(tlv(0x88, [42]))),
  seq(not(tlv(0x88, [42]))),
  seq(tlv(0xa0)),
  seq(tlv(0xa0, seq(dns("localhost"), tlv(0x80, [0])))),
  seq(tlv(0xa0, seq(dns("localhost"), tlv(0x80, [1])))),
  seq(tlv(0xa0, seq(dns("localhost"), tlv(0x81, [5])))),
  seq(tree(dns("localhost")), tlv(0xa2)),
  seq(not(dns("x")), tree(dns("localhost"))),
  octets(),
];
const EXTENSIONS: Readonly<Record<string, readonly Buffer[]>> = {
  basicConstraints: [
    seq(),
    seq(bool(false)),
    seq(bool(true)),
    seq(tlv(0x01)),
    seq(tlv(0x01, [1])),
    seq(tlv(0x01, [0xff, 0xff])),
    seq(int(0)),
    seq(bool(true), int(0)),
    seq(bool(true), int(0xff)),
    seq(bool(true), tlv(0x02)),
    seq(bool(true), int(0, 0)),
    seq(bool(true), int(1), int(1)),
    seq(bool(true), bool(true)),
    seq(int(1), bool(true)),
    seq(bool(true), tlv(0x05)),
    seq(bool(false), int(3)),
    bool(true),
    Buffer.concat([seq(bool(true)), tlv(0x05)]),
    Buffer.alloc(0),
  ],
  keyUsage: BIT_STRINGS,
  extendedKeyUsage: [
    seq(),
    seq(oid(OIDS.clientAuth)),
    seq(oid("2.5.29.37.0")),
    seq(oid(OIDS.clientAuth), oid(OIDS.serverAuth)),
    seq(oid("1.3.6.1.4.1.311.10.3.3")),
    seq(oid("2.16.840.1.113730.4.1")),
    seq(oid("1.3.6.1.5.5.7.3.3")),
    seq(oid("1.3.6.1.5.5.7.3.9")),
    seq(oid("1.3.6.1.5.5.7.3.8")),
    seq(tlv(0x06)),
    seq(tlv(0x06, [0x80])),
    seq(tlv(0x05)),
    oid(OIDS.serverAuth),
  ],
  altNames: GENERAL_NAMES,
  subjectKeyId: [octets(), octets(Buffer.from("x")), tlv(0x03, [0]), seq(), Buffer.alloc(0)],
  authorityKeyId: [
    seq(),
    seq(tlv(0x80, Buffer.from("other"))),
    seq(tlv(0x80)),
    seq(tlv(0x82, [9])),
    seq(tlv(0xa1, directory(cn("other"))), tlv(0x82, [1])),
    seq(tlv(0xa1, directory(cn("other")))),
    seq(tlv(0xa1, dns("x")), tlv(0x82, [1])),
    seq(tlv(0xa1, directory(utf8("x"))), tlv(0x82, [1])),
    seq(tlv(0x83)),
    octets(),
  ],
  nameConstraints: CONSTRAINTS,
  netscapeType: BIT_STRINGS,
  proxyCertInfo: [
    seq(seq(oid("1.3.6.1.5.5.7.21.1"))),
    seq(int(0), seq(oid("1.3.6.1.5.5.7.21.1"))),
    seq(),
    octets(),
  ],
  crlPoints: [
    seq(),
    seq(seq()),
    seq(seq(tlv(0xa0, tlv(0xa0, uri("http://x/"))))),
    seq(seq(tlv(0xa0, uri("http://x/")))),
    seq(seq(tlv(0x81, [0]))),
    seq(int(1)),
    octets(),
  ],
  policies: [seq(), seq(seq(oid("1.2.3"))), seq(seq(oid("1.2.3")), seq(oid("1.2.3"))), octets()],
  policyConstraints: [seq(), seq(tlv(0x80, [0])), seq(tlv(0x81, [0])), seq(tlv(0x80, [0xff]))],
  addressBlocks: [
    seq(),
    seq(seq(octets(Buffer.from([0, 1])), tlv(0x05))),
    seq(seq(octets(Buffer.from([0, 1])), seq(tlv(0x03, [0, 10])))),
    seq(seq(octets(Buffer.from([0])), tlv(0x05))),
    octets(),
  ],
};

const RSA_SHA1 = { ...RSA_SHA256, algorithm: seq(oid("1.2.840.113549.1.1.5"), tlv(0x05)) };
const OIW_SHA1 = { ...RSA_SHA256, algorithm: seq(oid("1.3.14.3.2.29"), tlv(0x05)) };
const PSS_SHA1 = {
  algorithm: seq(oid("1.2.840.113549.1.1.10"), seq()),
  hash: "sha1",
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: 20,
};

const SPOILS: Readonly<Record<string, Spoil>> = {
  "nothing": () => {},
  "version": ({ fields }, pick) => {
    const numbers = [null, int(0), int(1), int(3), int(0xff), int(0, 2), tlv(0x02)];
    const number = pick(numbers);
    fields.version = number === null ? null : tlv(0xa0, number);
  },
  "serial": ({ fields }, pick) => {
    fields.serial = pick([int(0xff), int(0), int(0, 0), tlv(0x02), tlv(0x02, Buffer.alloc(40, 7))]);
  },
  "issuer": ({ fields }, pick) => {
    fields.issuer = pick([...NAMES, cn("inter"), cn("INTER "), cn("root")]);
  },
  "subject": ({ fields }, pick) => {
    fields.subject = pick(NAMES);
  },
  "times": ({ fields }, pick) => {
    fields.validity = pick(TIMES);
  },
  "algorithms that differ": ({ fields }) => {
    fields.innerAlgorithm = seq(oid("1.2.840.10045.4.3.3"));
  },
  "a small curve": (draft, pick) => {
    withKeys(draft, ecKeys(pick(["secp112r1", "sect113r1", "secp128r1", "secp160r1", "secp192k1"])));
  },
  "a short RSA key": (draft, pick) => withKeys(draft, rsa(pick([512, 768, 1016, 1024]))),
  "a short PSS key": (draft, pick) => {
    const modulusLength = pick([512, 768, 1024]);
    withKeys(draft, generateKeyPairSync("rsa-pss", { modulusLength }));
  },
  "unique identifiers": ({ fields }, pick) => {
    fields.before = pick([[tlv(0x81, [0, 1])], [tlv(0x82, [0, 1])], [tlv(0x82, [9])]]);
  },
  "no extensions": ({ fields }) => {
    fields.extensions = null;
  },
  "an extension left out": ({ fields }, pick) => {
    const { extensions } = fields;
    extensions?.delete(pick([...(extensions?.keys() ?? [])]));
  },
  "an extension twice": ({ fields }, pick) => {
    const { extensions } = fields;
    extensions?.set("twice", pick([...(extensions?.values() ?? [])]));
  },
  "unknown and critical": strange("1.2.3.4", true, octets()),
  "unknown": strange("1.2.3.4", false, Buffer.from("anything")),
  "a byte of the whole": (draft, pick) => {
    draft.after = (der) => {
      const at = pick(Array.from({ length: der.length }, (_, index) => index));
      const spoiled = Buffer.from(der);
      spoiled[at] = (spoiled[at] as number) ^ (1 << pick([0, 1, 2, 3, 4, 5, 6, 7]));
      return spoiled;
    };
  },
  ...Object.fromEntries(
    Object.entries(EXTENSIONS).map(([name, values]) => [name, replaced(name, values)]),
  ),
};

interface Chain {
  what: string;
  leaf: Buffer;
  inter: Buffer;
  root: Buffer;
  key: KeyObject;
}

const good = { root: ecKeys(), inter: ecKeys(), leaf: ecKeys(), rsa: rsa(2048) };

// The certificate at `place` is spoiled before it is signed, those below it are signed after that.
function makeChain(name: string, place: number, pick: Pick): Chain {
  const root: Draft = { fields: caFields(cn("root"), good.root.publicKey), keys: good.root };
  const inter: Draft = {
    fields: { ...caFields(cn("inter"), good.inter.publicKey), issuer: cn("root"), serial: int(2) },
    keys: good.inter,
  };
  const leaf: Draft = { fields: leafFields(cn("inter"), good.leaf.publicKey), keys: good.leaf };
  const drafts = [root, inter, leaf];
  const issuerAt = (at: number): Draft => drafts[Math.max(0, at - 1)] as Draft;
  const weak = WEAK_SIGNATURES[name];
  if (weak !== undefined) {
    withKeys(issuerAt(place), good.rsa);
    for (const [at, draft] of drafts.entries()) {
      if (issuerAt(at).keys === good.rsa) draft.fields.signing = RSA_SHA256;
    }
    (drafts[place] as Draft).fields.signing = weak;
  } else {
    SPOILS[name]?.(drafts[place] as Draft, pick);
    for (const [at, draft] of drafts.entries()) {
      if (issuerAt(at).keys.publicKey.asymmetricKeyType?.startsWith("rsa")) {
        draft.fields.signing = rsaSigning(issuerAt(at).keys);
      }
    }
  }
  const [rootDer, interDer, leafDer] = drafts.map((draft, at) => {
    const der = certify(draft.fields, issuerAt(at).keys.privateKey);
    return draft.after?.(der) ?? der;
  }) as [Buffer, Buffer, Buffer];
  const what = `${name} of ${["the root", "the intermediate", "the leaf"][place]}`;
  return { what, root: rootDer, inter: interDer, leaf: leafDer, key: leaf.keys.privateKey };
}

const WEAK_SIGNATURES: Readonly<Record<string, Fields["signing"]>> = {
  "signed with SHA-1": { ...RSA_SHA1, hash: "sha1" },
  "signed with SHA-1 of old": { ...OIW_SHA1, hash: "sha1" },
  "signed with PSS and SHA-1": PSS_SHA1,
};

function rsaSigning({ publicKey }: Keys): Fields["signing"] {
  if (publicKey.asymmetricKeyType !== "rsa-pss") return RSA_SHA256;
  const sha256 = seq(oid("2.16.840.1.101.3.4.2.1"), tlv(0x05));
  const mgf = seq(oid("1.2.840.113549.1.1.8"), sha256);
  const parameters = seq(tlv(0xa0, sha256), tlv(0xa1, mgf), tlv(0xa2, int(20)));
  return {
    algorithm: seq(oid("1.2.840.113549.1.1.10"), parameters),
    hash: "sha256",
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 20,
  };
}

/** Gives a chain that cannot be made (an RSA key too short for its hash) up. */
function tryChain(name: string, place: number, pick: Pick): Chain | null {
  try {
    return makeChain(name, place, pick);
  } catch {
    return null;
  }
}

const folder = mkdtempSync(path.join(os.tmpdir(), "neon-certificates-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const program = findProgram("openssl");

/** What `openssl verify` says: "" if it is content; null where it is not installed. */
function opensslVerify({ root, inter, leaf }: Chain): Promise<string | null> {
  if (program === null) return Promise.resolve(null);
  const file = (name: string, der: Buffer): string => {
    const where = path.join(folder, name);
    writeFileSync(where, pem(der));
    return where;
  };
  const args = [
    ...["verify", "-purpose", "sslserver", "-auth_level", "1"],
    ...["-CAfile", file("root.pem", root), "-no-CApath", "-no-CAstore"],
    ...["-untrusted", file("inter.pem", inter), "-verify_hostname", "localhost"],
    file("leaf.pem", leaf),
  ];
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      resolve(error === null ? "" : `${stdout}${stderr}`.trim() || error.message);
    });
  });
}

/** What we say after a real handshake, and what we would say without OpenSSL; null without one. */
async function ourVerdict(
  port: number,
  chain: Chain,
): Promise<{ verdict: Verdict; alone: Verdict } | null> {
  const root = parseCertificate(chain.root);
  if (root === null) return null;
  const context = createTlsContext();
  context.trusted.push(root);
  const now = Math.floor(Date.now() / 1000);
  const raw = net.connect(port, "127.0.0.1");
  await once(raw, "connect");
  const options = { servername: "localhost", sessionKey: "x", timeoutMs: 10_000 };
  const outcome = await handshakeClient(raw, context, { ...options, ownBlocks: false });
  if (!outcome.ok) return null;
  outcome.socket.destroy();
  const say = (refusal: typeof outcome.refusal): Verdict =>
    judge({ chain: outcome.chain, refusal }, context, "localhost", null, now);
  return { verdict: say(outcome.refusal), alone: say(null) };
}

const isClean = ({ failures, hard }: Verdict): boolean => failures === 0 && hard === null;

/** What only OpenSSL judges, so far: the second judge is there for it. */
const ONLY_OPENSSL =
  Number(process.versions.openssl.split(".", 2).join(".")) >= 3.2
    ? // of newer ones the default security level is higher
      /^(policies|policyConstraints|crlPoints|addressBlocks|a byte of|a short|a small) /
    : /^(policies|policyConstraints|crlPoints|addressBlocks|a byte of) /;

let serving: tls.SecureContext | null = null;

async function judgeChains(t: Test, port: number, seed: number, count: number): Promise<void> {
  const next = random(seed);
  const pick: Pick = (list) => list[Math.floor(next() * list.length)] as never;
  const names = [...Object.keys(SPOILS), ...Object.keys(WEAK_SIGNATURES)];
  for (let at = 0; at < count; at += 1) {
    const chain = tryChain(names[at % names.length] as string, pick([0, 1, 2]), pick);
    if (chain === null) continue;
    const name = `seed ${seed}, chain ${at}: ${chain.what}`;
    try {
      serving = tls.createSecureContext({
        cert: pem(chain.leaf) + pem(chain.inter),
        key: chain.key.export({ format: "pem", type: "pkcs8" }),
        ciphers: `${tls.DEFAULT_CIPHERS}:@SECLEVEL=0`,
      });
    } catch {
      continue; // no server can show it
    }
    const said = await ourVerdict(port, chain);
    if (said === null) continue;
    const other = isClean(said.alone) || isClean(said.verdict) ? await opensslVerify(chain) : "";
    const dump = { root: pem(chain.root), inter: pem(chain.inter), leaf: pem(chain.leaf) };
    if (isClean(said.verdict)) t.equal(other ?? "", "", name, dump);
    else if (isClean(said.alone)) t.match(chain.what, ONLY_OPENSSL, `${name}: ${other}`, dump);
    else t.pass(name);
    if (chain.what.startsWith("nothing")) t.ok(isClean(said.verdict), name);
  }
}

t.test("chains with one field spoiled", async (t) => {
  const { port } = await tlsServer(t, {
    SNICallback: (_, done) => done(null, serving ?? undefined),
    ciphers: `${tls.DEFAULT_CIPHERS}:@SECLEVEL=0`,
  });
  await judgeChains(t, port, SEED, CHAINS);
  const end = Date.now() + Number(process.env["NEON_FUZZ_SECONDS"] ?? 0) * 1000;
  for (let seed = Date.now(); Date.now() < end; seed += 1) {
    await judgeChains(t, port, seed, CHAINS);
  }
});

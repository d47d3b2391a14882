// Name constraints of CAs: every kind of name inside and outside of both kinds of subtrees,
// constraints read from DER, and the budget that keeps a hostile chain from holding up the program.
import t from "tap";
import { parseCertificate, type X509 } from "../../../lib/internal/asn1/x509.js";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import { keepConstraints } from "../../../lib/internal/tls/constraints.js";
import { NE_SSL_UNTRUSTED, judge } from "../../../lib/internal/tls/verify.js";
import {
  OIDS,
  caFields,
  certify,
  cn,
  directory,
  dns,
  ecKeys,
  extension,
  ip,
  leafFields,
  mail,
  nameOf,
  octets,
  seq,
  text,
  tlv,
  uri,
  utf8,
  type Fields,
} from "../../fixtures/x509.js";

const keys = ecKeys();
const CA = cn("CA");

function parse(fields: Fields): X509 {
  const cert = parseCertificate(certify(fields, keys.privateKey));
  if (cert === null) throw new Error("not a certificate");
  return cert;
}

function subtrees(tag: number, bases: readonly Buffer[]): Buffer[] {
  return bases.length === 0 ? [] : [tlv(tag, ...bases.map((base) => seq(base)))];
}

function constrained(permitted: Buffer[], excluded: Buffer[], name = CA, issuer = name): Fields {
  const fields = { ...caFields(name, keys.publicKey), issuer };
  const value = seq(...subtrees(0xa0, permitted), ...subtrees(0xa1, excluded));
  fields.extensions?.set("nameConstraints", extension(OIDS.nameConstraints, true, value));
  return fields;
}

function leaf(altNames: Buffer[] | null, subject = cn("localhost"), issuer = CA): Fields {
  const fields = { ...leafFields(issuer, keys.publicKey), subject };
  if (altNames === null) fields.extensions?.delete("altNames");
  else fields.extensions?.set("altNames", extension(OIDS.altNames, false, seq(...altNames)));
  return fields;
}

const EXAMPLE = nameOf(["2.5.4.6", text(0x13, "DE")], ["2.5.4.10", utf8("Example")]);
const OTHER = nameOf(["2.5.4.6", text(0x13, "DE")], ["2.5.4.10", utf8("Example2")]);
const inside = (name: string, tag = 0x0c): Buffer =>
  nameOf(
    ["2.5.4.6", text(0x13, "de")],
    ["2.5.4.10", text(tag, "EXAMPLE ")],
    ["2.5.4.3", utf8(name)],
  );
const address = (value: string): Buffer =>
  nameOf(["2.5.4.3", utf8("localhost")], ["1.2.840.113549.1.9.1", text(0x16, value)]);

type Row = [what: string, leaf: Fields, permitted: Buffer[], excluded: Buffer[], kept: boolean];
const ROWS: Row[] = [
  ["a host", leaf([dns("www.example.org")]), [dns("example.org")], [], true],
  ["a host in capitals", leaf([dns("WWW.Example.ORG")]), [dns("example.org")], [], true],
  ["a host that ends alike", leaf([dns("evilexample.org")]), [dns("example.org")], [], false],
  ["the domain itself", leaf([dns("example.org")]), [dns("example.org")], [], true],
  ["a dot in front: not itself", leaf([dns("example.org")]), [dns(".example.org")], [], false],
  ["a dot in front: below", leaf([dns("a.example.org")]), [dns(".example.org")], [], true],
  ["one of two hosts", leaf([dns("a.org"), dns("b.org")]), [dns("a.org")], [], false],
  ["the empty subtree", leaf([dns("a.org")]), [dns("")], [], true],
  ["another kind only", leaf([dns("a.org")]), [mail("a.org")], [], true],
  ["an excluded host", leaf([dns("a.example.org")]), [], [dns("example.org")], false],
  ["all but one excluded", leaf([dns("a.example.org")]), [], [dns("b.example.org")], true],
  [
    "excluded inside permitted",
    leaf([dns("a.b.org")]),
    [dns("b.org")],
    [dns("a.b.org")],
    false,
  ],
  ["a common name alone", leaf(null, cn("www.example.org")), [dns("other.org")], [], false],
  ["a common name alone, inside", leaf(null, cn("a.other.org")), [dns("other.org")], [], true],
  ["a common name excluded", leaf(null, cn("a.other.org")), [], [dns("other.org")], false],
  ["a common name that is no host", leaf(null, cn("Some One")), [dns("other.org")], [], true],
  [
    "a common name beside a DNS name",
    leaf([dns("other.org")], cn("x.example.org")),
    [dns("other.org")],
    [],
    true,
  ],
  ["mail in a domain", leaf([mail("a@example.org")]), [mail("example.org")], [], true],
  ["mail in its subdomain", leaf([mail("a@b.example.org")]), [mail("example.org")], [], false],
  ["mail below a dot", leaf([mail("a@b.example.org")]), [mail(".example.org")], [], true],
  ["one mailbox", leaf([mail("a@example.org")]), [mail("a@example.org")], [], true],
  ["another mailbox", leaf([mail("b@example.org")]), [mail("a@example.org")], [], false],
  ["mailboxes keep their case", leaf([mail("A@example.org")]), [mail("a@EXAMPLE.org")], [], false],
  ["mail without a domain, permitted", leaf([mail("a")]), [mail("example.org")], [], false],
  ["mail without a domain, excluded", leaf([mail("a")]), [], [mail("example.org")], false],
  ["mail in the subject", leaf([dns("a")], address("a@evil.org")), [mail("b.org")], [], false],
  ["mail in the subject, inside", leaf([dns("a")], address("a@b.org")), [mail("b.org")], [], true],
  ["mail there, excluded", leaf([dns("a")], address("a@b.org")), [], [mail("b.org")], false],
  ["a URI", leaf([uri("https://www.example.org/x")]), [uri(".example.org")], [], true],
  ["a URI with a user", leaf([uri("ftp://u@example.org:1/")]), [uri("example.org")], [], true],
  ["a URI of a subdomain", leaf([uri("https://a.example.org/")]), [uri("example.org")], [], false],
  ["a URI without a host", leaf([uri("urn:x")]), [], [uri("example.org")], false],
  ["an address", leaf([ip(10, 1, 2, 3)]), [ip(10, 0, 0, 0, 255, 0, 0, 0)], [], true],
  ["another network", leaf([ip(11, 1, 2, 3)]), [ip(10, 0, 0, 0, 255, 0, 0, 0)], [], false],
  ["an address excluded", leaf([ip(10, 1, 2, 3)]), [], [ip(10, 0, 0, 0, 255, 0, 0, 0)], false],
  [
    "a long address and a short subtree",
    leaf([ip(...Array<number>(16).fill(0))]),
    [],
    [ip(0, 0, 0, 0, 0, 0, 0, 0)],
    true,
  ],
  [
    "a short address and a long subtree",
    leaf([ip(10, 1, 2, 3)]),
    [],
    [ip(...Array<number>(32).fill(0))],
    true,
  ],
  ["half an address", leaf([ip(10, 1)]), [], [ip(10, 0, 0, 0, 255, 0, 0, 0)], false],
  ["half a subtree", leaf([ip(10, 1, 2, 3)]), [], [ip(11, 0, 0)], false],
  ["a subject below", leaf([dns("a")], inside("x")), [directory(EXAMPLE)], [], true],
  ["another type of string", leaf([dns("a")], inside("x", 0x13)), [directory(EXAMPLE)], [], true],
  ["a name that begins alike", leaf([dns("a")], OTHER), [directory(EXAMPLE)], [], false],
  ["the name itself", leaf([dns("a")], EXAMPLE), [directory(EXAMPLE)], [], true],
  ["a subject excluded", leaf([dns("a")], inside("x")), [], [directory(EXAMPLE)], false],
  ["a directory name", leaf([directory(OTHER)], seq()), [directory(EXAMPLE)], [], false],
  [
    "a directory name that cannot be read",
    leaf([directory(nameOf(["2.5.4.3", text(0x0c, "\xff")]))]),
    [],
    [directory(EXAMPLE)],
    false,
  ],
  ["a kind that we cannot judge", leaf([tlv(0x88, [42])]), [], [tlv(0x88, [42])], false],
  ["a kind nobody constrains", leaf([tlv(0x88, [42])]), [], [dns("a.org")], true],
];

t.test("names_and_subtrees", async (t) => {
  for (const [what, below, permitted, excluded, kept] of ROWS) {
    const path = [parse(below), parse(constrained(permitted, excluded))];
    t.equal(keepConstraints(path), kept, what);
  }
});

t.test("every_ca_above_counts", async (t) => {
  const root = parse(constrained([dns("example.org")], []));
  const plain = (name: string, issuer: string): X509 =>
    parse({ ...caFields(cn(name), keys.publicKey), issuer: cn(issuer) });
  const low = parse(leaf([dns("other.org")]));
  t.equal(keepConstraints([low, plain("B", "A"), plain("A", "CA"), root]), false, "from the top");
  const direct = parse(constrained([dns("example.org")], [], cn("B"), cn("A")));
  t.equal(keepConstraints([low, direct, plain("A", "CA")]), false, "of the direct issuer");
  t.equal(keepConstraints([low, plain("B", "A")]), true, "of nobody");
  t.equal(keepConstraints([]), true);
  t.equal(keepConstraints([root]), true, "a CA does not bind itself");
  const people = constrained([directory(EXAMPLE)], []);
  const ca = parse({ ...caFields(OTHER, keys.publicKey), issuer: CA });
  const within = parse(leaf([dns("a")], EXAMPLE));
  t.equal(keepConstraints([within, ca, parse(people)]), false, "a CA below");
  const renewed = parse(caFields(OTHER, keys.publicKey));
  t.equal(keepConstraints([within, renewed, parse(people)]), true, "it renewed itself");
});

t.test("subtrees_with_a_minimum_or_maximum_are_refused", async (t) => {
  const value = (...more: Buffer[]): X509 => {
    const fields = caFields(CA, keys.publicKey);
    const tree = seq(dns("localhost"), ...more);
    fields.extensions?.set("n", extension(OIDS.nameConstraints, true, seq(tlv(0xa0, tree))));
    return parse(fields);
  };
  t.equal(value().extensions.broken, false);
  t.equal(value(tlv(0x80, [0])).extensions.broken, true, "a minimum");
  t.equal(value(tlv(0x81, [1])).extensions.broken, true, "a maximum");
  t.equal(value(octets()).extensions.broken, true, "anything else");
});

// 90 KB as they come: every name differs in its last letters only.
function hostile(names: number, trees: number, cas: number): { chain: X509[]; root: X509 } {
  const number = (at: number): string => at.toString(36).padStart(3, "0");
  const short = (at: number): Buffer => directory(nameOf(["2.5.4.3", utf8(number(at))]));
  const many = (count: number, from: number): Buffer[] =>
    Array.from({ length: count }, (_, at) => short(from + at));
  const certs = [parse(leaf([dns("localhost"), ...many(names, 0)], cn("l"), cn("0")))];
  for (let at = 0; at < cas; at += 1) {
    certs.push(parse(constrained([], many(trees, 5000), cn(String(at)), cn(String(at + 1)))));
  }
  const root = parse(caFields(cn(String(cas)), keys.publicKey));
  return { chain: [...certs, root], root };
}

// Counts what is done, not how long it takes.
function readsOf(cert: X509): () => number {
  let reads = 0;
  const { extensions } = cert;
  const value = extensions.nameConstraints;
  Object.defineProperty(extensions, "nameConstraints", {
    get: () => {
      reads += 1;
      return value;
    },
  });
  return () => reads;
}

t.test("one_budget_for_the_whole_path", async (t) => {
  t.equal(keepConstraints(hostile(400, 200, 3).chain), true, "240,000 comparisons");
  t.equal(keepConstraints(hostile(400, 200, 4).chain), false, "320,000 comparisons");
  t.equal(keepConstraints(hostile(1000, 1000, 1).chain), false, "a million of them at once");
  t.equal(keepConstraints(hostile(2100, 1, 1).chain), false, "more names than are read");
});

t.test("no_work_for_a_path_that_is_not_trusted", async (t) => {
  const { chain, root } = hostile(1000, 1000, 4);
  const bytes = chain.reduce((sum, { der }) => sum + der.length, 0);
  t.ok(bytes > 80_000 && bytes < 110_000, `a chain of ${bytes} bytes`);
  const now = Date.UTC(2026, 5, 1) / 1000;
  const reads = readsOf(chain[1] as X509);
  const context = createTlsContext();
  const verdict = () => judge({ chain, refusal: null }, context, "localhost", null, now);
  t.equal(verdict().failures, NE_SSL_UNTRUSTED);
  t.equal(reads(), 0);
  context.trusted.push(root);
  t.equal(verdict().hard, "SSL error: certificate verify failed");
  t.ok(reads() > 0);
});

// Settings of TLS: what a new context trusts (nobody), limits of versions, and when trust changes.
import t from "tap";
import {
  createTlsContext,
  setClientCert,
  setVersions,
  trustCert,
  trustKey,
} from "../../../lib/internal/tls/context.js";
import { certificateOf } from "../../../lib/internal/tls/certificate_handles.js";
import { trustDefaultCa } from "../../../lib/internal/wire/default_roots.js";
import { cert, clientCert } from "../../fixtures/tls.js";

t.test("a new context trusts nobody and shows nothing", async (t) => {
  t.match(createTlsContext(), {
    server: null,
    trusted: [],
    findDefaultCa: null,
    clientCert: null,
    provider: null,
    accepted: null,
    minProto: 0,
    maxProto: 0,
  });
  t.match(createTlsContext(true).server, { certPem: null, keyPem: null, requireClient: false });
});

t.test("versions", async (t) => {
  const rows: [min: number, max: number, possible: boolean][] = [
    [0, 0, true],
    [2, 0, true],
    [5, 0, true],
    [0, 5, true],
    [0, 2, true],
    [4, 4, true],
    [2, 5, true],
    [1, 0, true],
    [0, 1, false],
    [5, 4, false],
    [0, 6, false],
    [6, 0, false],
    [-1, 0, false],
    [0, -1, false],
    [4.5, 0, false],
    [NaN, 0, false],
  ];
  for (const [min, max, possible] of rows) {
    const context = createTlsContext();
    setVersions(context, 4, 5);
    t.equal(setVersions(context, min, max), possible, `${min} to ${max}`);
    const { minProto, maxProto } = context;
    t.strictSame([minProto, maxProto], possible ? [min, max] : [4, 5], "refused ones change nothing");
  }
});

t.test("what OpenSSL said under another trust does not count", async (t) => {
  const context = createTlsContext();
  const keys = [trustKey(context)];
  const ca = certificateOf([cert("ca.pem")]);
  if (ca === null) return t.fail("no certificate");
  trustCert(context, ca);
  keys.push(trustKey(context));
  trustDefaultCa(context);
  keys.push(trustKey(context));
  trustCert(context, ca);
  keys.push(trustKey(context));
  t.equal(new Set(keys).size, keys.length);
  t.equal(trustKey(context), keys.at(-1), "the same as long as nothing changes");
});

t.test("a client certificate is copied, and has to be open", async (t) => {
  const context = createTlsContext();
  const given = clientCert("client.p12");
  setClientCert(context, given);
  t.not(context.clientCert, given);
  t.equal(context.clientCert?.key, given.key);
  t.equal(context.clientCert?.ownerHandle, null, "handles of the caller's stay the caller's");
  const locked = { ...given, unlock: () => null };
  const message = "ne_ssl_set_clicert: the client certificate is encrypted";
  t.throws(() => setClientCert(context, locked), new TypeError(message));
  t.throws(() => setClientCert(context, locked, "f"), { message: /^f: / });
  t.equal(context.clientCert?.key, given.key);
});

// OpenSSL as second judge: what it refuses of chains that we find nothing wrong with, the one list
// of exceptions, and the bits and words that come of it.
import t from "tap";
import { createTlsContext } from "../../../lib/internal/tls/context.js";
import {
  EXCEPTIONS,
  isAboutTrust,
  secondRefusal,
  type Refusal,
} from "../../../lib/internal/tls/second_verdict.js";
import {
  NE_SSL_BADCHAIN,
  NE_SSL_EXPIRED,
  NE_SSL_IDMISMATCH,
  NE_SSL_UNTRUSTED,
  failuresText,
  judge,
} from "../../../lib/internal/tls/verify.js";
import { cert } from "../../fixtures/tls.js";

const NOW = Date.UTC(2026, 5, 1) / 1000;
const SELF_SIGNED: Refusal = { code: "DEPTH_ZERO_SELF_SIGNED_CERT", reason: "self-signed" };
const INVALID_CA: Refusal = { code: "INVALID_CA", reason: "invalid CA certificate" };

function failures(file: string, trusted: string, refusal: Refusal | null, host = "localhost") {
  const context = createTlsContext();
  context.trusted.push(cert(trusted));
  return judge({ chain: [cert(file)], refusal }, context, host, null, NOW);
}

t.test("a_clean_verdict_needs_both", async (t) => {
  t.equal(failures("good.pem", "ca.pem", null).failures, 0);
  const verdict = failures("good.pem", "ca.pem", INVALID_CA);
  t.equal(verdict.failures, NE_SSL_BADCHAIN);
  t.equal(
    failuresText(verdict),
    "Server certificate verification failed: bad certificate chain (invalid CA certificate)",
  );
  t.equal(failures("good.pem", "ca.pem", SELF_SIGNED).failures, NE_SSL_UNTRUSTED);
  t.equal(
    failures("good.pem", "ca.pem", INVALID_CA, "other").failures,
    NE_SSL_BADCHAIN | NE_SSL_IDMISMATCH,
    "OpenSSL is not asked whose name it is",
  );
  t.equal(failures("good.pem", "ca.pem", null, "other").failures, NE_SSL_IDMISMATCH);
});

t.test("our_own_bits_stay_where_both_refuse", async (t) => {
  const verdict = failures("expired.pem", "ca.pem", INVALID_CA);
  t.equal(verdict.failures, NE_SSL_EXPIRED);
  t.equal(verdict.reason, null);
  t.equal(failures("good.pem", "ca-ec.pem", INVALID_CA).failures, NE_SSL_UNTRUSTED);
});

t.test("exceptions", async (t) => {
  t.same(
    EXCEPTIONS.map(({ name }) => name),
    ["a self-signed certificate that is trusted itself"],
  );
  const own = cert("selfsigned.pem");
  const refused = (refusal: Refusal, trusted = [own]) =>
    secondRefusal({ chain: [own], refusal }, trusted);
  t.equal(refused(SELF_SIGNED), null);
  t.equal(refused(INVALID_CA), INVALID_CA, "for want of trust only");
  t.equal(refused(SELF_SIGNED, []), SELF_SIGNED, "this one only");
  const good = cert("good.pem");
  t.equal(
    secondRefusal({ chain: [good], refusal: SELF_SIGNED }, [good]),
    SELF_SIGNED,
    "not a leaf that somebody else signed",
  );
  t.equal(secondRefusal({ chain: [own], refusal: null }, []), null);
});

t.test("kinds_of_refusals", async (t) => {
  t.equal(isAboutTrust({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", reason: "" }), true);
  t.equal(isAboutTrust({ code: "CERT_SIGNATURE_FAILURE", reason: "" }), false);
  t.equal(isAboutTrust({ code: "UNSPECIFIED", reason: "" }), false);
});

t.test("OpenSSL_alone_decides_about_the_roots_of_the_runtime", async (t) => {
  // --use-openssl-ca and --use-system-ca know stores that we cannot list
  const context = createTlsContext();
  context.findDefaultCa = () => [];
  const chain = [cert("good.pem")];
  t.equal(judge({ chain, refusal: null }, context, "localhost", null, NOW).failures, 0);
  t.equal(
    judge({ chain, refusal: SELF_SIGNED }, context, "localhost", null, NOW).failures,
    NE_SSL_UNTRUSTED,
  );
  context.findDefaultCa = null;
  t.equal(
    judge({ chain, refusal: null }, context, "localhost", null, NOW).failures,
    NE_SSL_UNTRUSTED,
    "not without its CAs being trusted",
  );
});

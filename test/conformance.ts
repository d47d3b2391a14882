// The suites of docs/conformance.md, each in a short run; `npm run conformance` runs all of it and
// writes the page anew. A suite whose programs or data this machine does not have is skipped, and
// says so. A case that should pass and does not fails the test.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import t from "tap";
import { ROOT } from "./fixtures/sources.js";
import { describe } from "./conformance/page.js";
import { Tally, type Suite } from "./conformance/suite.js";
import { AUTHENTICATION } from "./conformance/authentication.js";
import { COOKIES } from "./conformance/cookies.js";
import { DIFFERENTIAL } from "./conformance/differential.js";
import { FRAMING } from "./conformance/framing.js";
import { LITMUS } from "./conformance/litmus.js";
import { TLS } from "./conformance/tls.js";
import { URIS } from "./conformance/uri.js";
import { XML } from "./conformance/xml.js";

const SUITES: readonly Suite[] = [
  ...[XML, FRAMING, AUTHENTICATION, COOKIES],
  ...[URIS, LITMUS, TLS, DIFFERENTIAL],
];

const PAGE = path.join(ROOT, "docs/conformance.md");
const RESULTS = /(?<=<!-- results: begin -->)[^]*(?=<!-- results: end -->)/;

const isWriting = process.env["NEON_WRITE_PAGES"] === "1";
const results = new Map<string, Tally | string>();

for (const suite of SUITES) {
  t.test(suite.name, async (t) => {
    const tally = await suite.run(t, isWriting ? "full" : "short");
    results.set(suite.name, tally);
    if (typeof tally === "string") return t.comment(`skipped: ${tally}`);
    t.comment(`${tally.version}: ${tally.passed} of ${tally.total} passed`);
    t.ok(tally.passed > 0, "something was tried");
    for (const failure of tally.failures) t.fail(`${failure.case}: ${failure.reason}`);
  });
}

t.test("the page names every suite", async (t) => {
  const page = readFileSync(PAGE, "utf8");
  const text = isWriting ? page.replace(RESULTS, () => `\n\n${describe(results)}\n`) : page;
  for (const { name } of SUITES) t.match(text, `\n### ${name}\n`);
  if (isWriting) writeFileSync(PAGE, text);
});

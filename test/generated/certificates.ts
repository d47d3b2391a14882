// Certificate chains with one field spoiled at a time, judged beside OpenSSL, the one inside Node
// (in a handshake) and the installed program (`openssl verify`): none is accepted that either
// refuses.
// A seed makes the same chains again, but for their keys. NEON_FUZZ_SECONDS goes on with new seeds.
import t, { type Test } from "tap";
import { judgedChains } from "../fixtures/spoiled_chains.js";

const SEED = 20261129;
const CHAINS = 160;

/** What only OpenSSL judges, so far: the second judge is there for it. */
const ONLY_OPENSSL =
  Number(process.versions.openssl.split(".", 2).join(".")) >= 3.2
    ? // of newer ones the default security level is higher
      /^(policies|policyConstraints|crlPoints|addressBlocks|a byte of|a short|a small) /
    : /^(policies|policyConstraints|crlPoints|addressBlocks|a byte of) /;

async function judgeChains(t: Test, seed: number): Promise<void> {
  for await (const chain of judgedChains(t, seed, CHAINS)) {
    const { name, what, accepted, alone, program, dump } = chain;
    if (accepted) t.equal(program ?? "", "", name, dump);
    else if (alone) t.match(what, ONLY_OPENSSL, `${name}: ${program}`, dump);
    else t.pass(name);
    if (what.startsWith("nothing")) t.ok(accepted, name);
  }
}

t.test("chains with one field spoiled", async (t) => {
  await judgeChains(t, SEED);
  const end = Date.now() + Number(process.env["NEON_FUZZ_SECONDS"] ?? 0) * 1000;
  for (let seed = Date.now(); Date.now() < end; seed += 1) await judgeChains(t, seed);
});

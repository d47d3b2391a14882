// Certificate chains from a seed, with one field spoiled in each: what this library says after a
// real handshake, beside `openssl verify` with the same trust.
import { spawnSync } from "node:child_process";
import { findProgram } from "../fixtures/real/launch.js";
import { judgedChains } from "../fixtures/spoiled_chains.js";
import { Tally, type Suite } from "./suite.js";

const SEED = 5280;

export const TLS: Suite = {
  name: "TLS",
  async run(t, extent) {
    const program = findProgram("openssl");
    if (program === null) return "openssl is not installed";
    const version = spawnSync(program, ["version"], { encoding: "utf8" }).stdout.trim();
    const count = extent === "full" ? 300 : 50;
    const tally = new Tally(`${version}, verify, beside ${count} chains from seed ${SEED}`);
    for await (const chain of judgedChains(t, SEED, count, "always")) {
      const { name, accepted, program: refusal } = chain;
      if (accepted === (refusal === "")) tally.pass();
      else if (accepted) tally.fail(name, `accepted, and refused by openssl: ${refusal}`);
      else if (chain.alone) tally.explain(name, "refused by the OpenSSL inside Node, asked too");
      else tally.explain(name, "refused by this library, content to openssl: the safe side");
    }
    return tally;
  },
};

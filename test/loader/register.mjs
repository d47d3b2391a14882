// How tests run on the sources: every test process begins with this module (package.json, "tap"). It
// takes the place of tap's own way, which compiles all of the library anew in each of them.
import module, { createRequire } from "node:module";

// tap was told to leave TypeScript to Node (TAP_TYPE_STRIP_ONLY), and has done so by now; programs
// that a test starts run as they would anywhere
process.env.TAP_TYPE_STRIP_ONLY = "0";

// tap loads a part of itself into every program that a test starts, to see which lines it runs: where
// nobody asks for them, that only makes each of them start four times as slowly
if (process.env._TAPJS_PROCESSINFO_COVERAGE_ === "0") {
  createRequire(import.meta.url)("process-on-spawn").removeAllListeners();
}

module.register("./hooks.mjs", import.meta.url);

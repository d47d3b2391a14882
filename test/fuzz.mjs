// npm run fuzz -- SECONDS: runs the generated tests with new seeds for so long, each file in turn.
// A failure prints its seed and the smallest case.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";

const ROOT = path.join(import.meta.dirname, "..");
const TAP = path.join(ROOT, "node_modules/tap/dist/esm/run.mjs");
const seconds = Number(process.argv[2] ?? "60");
if (!(seconds > 0)) {
  console.error("usage: npm run fuzz -- SECONDS");
  process.exit(2);
}
const files = readdirSync(path.join(ROOT, "test/generated")).filter((file) => file.endsWith(".ts"));
const share = Math.max(1, Math.round(seconds / files.length));
const args = ["--disable-coverage", "--jobs=1", `--timeout=${share * 2 + 120}`];
const { status } = spawnSync(
  process.execPath,
  [TAP, ...args, ...files.map((file) => `test/generated/${file}`)],
  { cwd: ROOT, stdio: "inherit", env: { ...process.env, NEON_FUZZ_SECONDS: String(share) } },
);
process.exit(status ?? 1);

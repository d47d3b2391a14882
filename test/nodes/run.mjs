// npm run nodes: runs the suite on the lines of Node beside the one at hand, 20, 22 and 24. The npm
// package `node` brings them into this folder, where they stay for the next run. Without network it
// says that they were skipped.
//   npm run nodes -- [--only 22] [test files]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

const HERE = import.meta.dirname;
const ROOT = path.join(HERE, "../..");
const TAP = path.join(ROOT, "node_modules/tap/dist/esm/run.mjs");
const OURS = process.versions.node.split(".")[0];
const LINES = ["20", "22", "24"].filter((line) => line !== OURS);

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string", default: LINES.join(",") } },
});

/** The program of a line of Node. @param {string} line */
function programOf(line) {
  return path.join(HERE, `node_modules/node-${line}/bin/node`);
}

/** Installs what is missing. @param {string[]} lines */
function install(lines) {
  if (lines.every((line) => existsSync(programOf(line)))) return;
  const flags = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const packages = LINES.map((line) => `node-${line}@npm:node@${line}`);
  spawnSync("npm", ["install", ...flags, ...packages], { cwd: HERE, stdio: "inherit" });
}

/** The totals of a report: passed, failed, skipped. @param {string} report */
function totalsOf(report) {
  const last = report.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? "";
  return ["pass", "fail", "skip"].map((key) => {
    const [, number = "0"] = new RegExp(`\\b${key}: (\\d+)`).exec(last) ?? [];
    return Number(number);
  });
}

/** Runs the suite on a line of Node. @param {string} line @returns whether all of it passed */
function test(line) {
  const program = programOf(line);
  if (!existsSync(program)) {
    console.log(`Node ${line}: skipped, it could not be installed`);
    return true;
  }
  const { stdout, status } = spawnSync(program, [TAP, "--disable-coverage", ...files], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    // programs that tests start find this Node first
    env: { ...process.env, PATH: `${path.dirname(program)}:${process.env.PATH}` },
  });
  const [passed = 0, failed, skipped] = totalsOf(stdout);
  for (const [problem] of stdout.matchAll(/^ *not ok .*$/gm)) console.log(problem);
  console.log(`Node ${line}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return status === 0 && passed > 0;
}

const lines = options.only.split(",").filter((line) => LINES.includes(line));
install(lines);
const results = lines.map(test);
process.exitCode = results.every(Boolean) ? 0 : 1;

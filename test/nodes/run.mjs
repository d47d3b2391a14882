// npm run nodes: runs the suite on the lines of Node beside the one at hand, 20, 22 and 24. The npm
// package `node` brings them into this folder, where they stay for the next run. Without network it
// says that they were skipped.
//   npm run nodes -- [--only 22] [test files or folders]
// The suite is all of it but the rules of the house that read the sources only: they say the same on
// every Node.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

const HERE = import.meta.dirname;
const ROOT = path.join(HERE, "../..");
const TAP = path.join(ROOT, "node_modules/tap/dist/esm/run.mjs");
const OURS = process.versions.node.split(".")[0];
/** One release of each line: what this run says does not change with what is released tomorrow. */
const RELEASES = new Map([["20", "20.20.2"], ["22", "22.23.3"], ["24", "24.21.0"]]);
const LINES = [...RELEASES.keys()].filter((line) => line !== OURS);

/** Of the rules of the house these run the library. */
const RUN_THE_LIBRARY = ["package.ts", "server.ts"].map((name) => `test/house/${name}`);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string", default: LINES.join(",") } },
});

/** The test files in a folder of the project, or the file itself. @param {string} place @returns {string[]} */
function testsIn(place) {
  if (!statSync(path.join(ROOT, place)).isDirectory()) return [place];
  return readdirSync(path.join(ROOT, place), { recursive: true })
    .map((name) => path.posix.join(place, String(name)))
    .filter((name) => name.endsWith(".ts") && !isExcluded(name))
    .sort();
}

/** Whether tap or this program leaves a file out. @param {string} name */
function isExcluded(name) {
  const { tap } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const folders = tap.exclude.map((/** @type {string} */ glob) => glob.replace("**", ""));
  if (folders.some((/** @type {string} */ folder) => name.startsWith(folder))) return true;
  return name.startsWith("test/house/") && !RUN_THE_LIBRARY.includes(name);
}

const files = (positionals.length > 0 ? positionals : ["test"]).flatMap(testsIn);

/** The program of a line of Node. @param {string} line */
function programOf(line) {
  return path.join(HERE, `node_modules/node-${line}/bin/node`);
}

/** Whether the program of a line is there, and whole. @param {string} line */
function isInstalled(line) {
  return spawnSync(programOf(line), ["--version"]).status === 0;
}

/** Installs what is missing. @param {string[]} lines */
function install(lines) {
  if (lines.every(isInstalled)) return;
  const flags = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
  const packages = LINES.map((line) => `node-${line}@npm:node@${RELEASES.get(line)}`);
  const limits = { timeout: 300_000, killSignal: /** @type {const} */ ("SIGKILL") };
  spawnSync("npm", ["install", ...flags, ...packages], { cwd: HERE, stdio: "inherit", ...limits });
}

/** The totals of a report: passed, failed, skipped. @param {string} report */
function totalsOf(report) {
  const last = report.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? "";
  return ["pass", "fail", "skip"].map((key) => {
    const [, number = "0"] = new RegExp(`\\b${key}: (\\d+)`).exec(last) ?? [];
    return Number(number);
  });
}

/** What a report says of a failure: its line, and what is set in below it. */
const PROBLEM = /^( *)not ok .*\n(?:\1 {2}---\n(?:\1 {2}.*\n|\n)*?\1 {2}\.\.\.\n)?/gm;

/** Runs the suite on a line of Node. @param {string} line @returns whether all of it passed */
function test(line) {
  const program = programOf(line);
  if (!isInstalled(line)) {
    console.log(`Node ${line}: skipped, it could not be installed`);
    return true;
  }
  const { stdout, status } = spawnSync(program, [TAP, "--disable-coverage", "--reporter=tap", ...files], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    // programs that tests start find this Node first
    env: { ...process.env, PATH: `${path.dirname(program)}:${process.env.PATH}` },
  });
  const [passed = 0, failed = 0, skipped] = totalsOf(stdout ?? "");
  for (const [problem] of (stdout ?? "").matchAll(PROBLEM)) console.log(problem.trimEnd());
  // a run that broke off has failed, whatever it counted
  const broken = status === 0 && passed > 0 ? failed : Math.max(failed, 1);
  console.log(`Node ${line}: ${passed} passed, ${broken} failed, ${skipped} skipped`);
  return broken === 0;
}

const lines = options.only.split(",").filter((line) => LINES.includes(line));
install(lines);
const results = lines.map(test);
process.exitCode = results.every(Boolean) ? 0 : 1;

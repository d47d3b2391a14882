// npm run bench: libneon beside a bare socket, node:http, undici and C neon, in one run and in
// alternation: every round runs each contender once, each in a process of its own, against the same
// server. Prints medians and ratios; with --write the table of docs/performance.md is replaced.
//   npm run bench -- [--rounds 7] [--gets 10000] [--only get-http,upload-http] [--huge] [--write]
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { FILES, LARGE, findProgram, startServer, writeFiles } from "./server.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, "../..");
const PAGE = path.join(ROOT, "docs/performance.md");
const CASES = {
  "get-http": "1 KiB GETs, one after another",
  "get-https": "1 KiB GETs over TLS",
  "download-http": "256 MiB download",
  "download-https": "256 MiB download over TLS",
  "upload-http": "256 MiB upload from a descriptor",
  "upload-https": "256 MiB upload over TLS",
  "send-1": "1 KiB by `nx_send`, beside undici's `request`",
  "send-8": "1 KiB by `nx_send`, 8 connections",
  "send-32": "1 KiB by `nx_send`, 32 connections",
  "files-8": "10,000 small files by `nx_send`, 8 connections",
};
/** Cases of dav.mjs, which has its own server. */
const DAV_CASES = ["dav-list", "dav-sync", "dav-multiget"];
/** Cases that compare ways to write a script. */
const SCRIPTED = /^(send|files)-/;
/** Who can send requests in the way of a script. */
const SCRIPTERS = ["undici", "libneon", "node:http"];
const NAMES = { bare: "bare socket", "C neon": "C neon" };

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    gets: { type: "string", default: "10000" },
    only: { type: "string", default: "" },
    dist: { type: "string", default: path.join(ROOT, "dist") },
    huge: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Packages to compare with live in this folder only. */
function installRivals() {
  const isHere = (name) => existsSync(path.join(HERE, "node_modules", name));
  if (!["undici", "webdav", "tsdav"].every(isHere)) {
    const flags = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
    spawnSync("npm", flags, { cwd: HERE, stdio: "inherit" });
  }
  return existsSync(path.join(HERE, "node_modules/undici"));
}

/** C neon's program, compiled, or `null` where its headers or a compiler are missing. */
function compileNeon(folder) {
  const compiler = findProgram("cc") ?? findProgram("gcc");
  const settings = findProgram("pkg-config") ?? findProgram("neon-config");
  if (compiler === null || settings === null) return null;
  try {
    const args = settings.endsWith("pkg-config") ? ["--cflags", "--libs", "neon"] : ["--cflags", "--libs"];
    const flags = execFileSync(settings, args).toString().trim().split(/\s+/);
    const program = path.join(folder, "neon");
    execFileSync(compiler, ["-O2", path.join(HERE, "neon.c"), "-o", program, ...flags]);
    return program;
  } catch {
    return null;
  }
}

function run(contender, test, settings, neon) {
  const secure = test.endsWith("https");
  const [program, args] =
    contender === "C neon"
      ? [
          neon,
          [
            ...[test, settings.host, secure ? settings.tlsPort : settings.port, settings.gets],
            ...[settings.large, settings.size, settings.cert],
          ].map(String),
        ]
      : [
          process.execPath,
          [path.join(HERE, "contenders.mjs"), contender, test, JSON.stringify(settings)],
        ];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${contender}, ${test}: ${stderr || `exit ${status}`}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** One case: all contenders in turn, so many rounds. */
function compare(test, contenders, settings, neon) {
  const results = new Map(contenders.map((name) => [name, { times: [], seconds: [], cpus: [], peaks: [], error: "" }]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, result] of results) {
      if (result.error !== "") continue;
      try {
        const { times, cpu, peak } = run(name, test, settings, neon);
        result.times.push(median(times));
        result.seconds.push(times[0]);
        result.cpus.push(median(cpu));
        result.peaks.push(peak);
      } catch (error) {
        result.error = error.message;
        console.error(error.message);
      }
    }
    process.stderr.write(`${test}: round ${round + 1} of ${options.rounds}\n`);
  }
  return results;
}

function row(...cells) {
  return `| ${cells.join(" | ")} |\n`;
}

function table(test, results, idle) {
  const base = results.has("bare") ? "bare" : "undici";
  const baseline = results.get(base);
  const named = NAMES[base] ?? base;
  const gets = /^(get|send|files)/.test(test);
  let text = `\n### ${CASES[test]}\n\n`;
  text += row("", gets ? "µs each" : "MB/s", `time / ${named}`, `CPU / ${named}`, "memory above idle");
  text += row("---", "---:", "---:", "---:", "---:");
  for (const [name, { times, cpus, peaks, error }] of results) {
    if (error !== "" || times.length === 0) {
      text += row(NAMES[name] ?? name, "failed", "", "", "");
      continue;
    }
    const time = median(times);
    const figure = gets ? (time * 1000) / Number(options.gets) : LARGE / 1000 / time;
    const memory = name === "C neon" ? "" : `${((Math.max(...peaks) - idle) / 1024).toFixed(1)} MB`;
    const label = name === "libneon" ? "**libneon**" : (NAMES[name] ?? name);
    // round by round: what else the machine did meanwhile hit the neighbours of one round alike
    const ratios = [
      median(times.map((each, round) => each / baseline.times[round])),
      median(cpus.map((each, round) => each / baseline.cpus[round])),
    ];
    text += row(label, figure.toFixed(gets ? 1 : 0), ...ratios.map((n) => n.toFixed(2)), memory);
  }
  return text;
}

/** The table of a program of its own beside this one; nothing where it fails. */
function tableOf(file, ...args) {
  const program = path.join(HERE, file);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
  });
  if (status === 0) return `\n${stdout.trim()}\n`;
  console.error(`${file}: ${stderr}`);
  return "";
}

/** A second upload in a process: what only the first has to pay for is over. */
function secondUpload(results) {
  const ours = results.get("libneon");
  const theirs = results.get("C neon");
  if (ours === undefined || theirs === undefined) return "";
  const ratio = median(ours.seconds.map((each, round) => each / theirs.seconds[round]));
  return `\nThe second upload of a process, beside C neon's: ${ratio.toFixed(2)} of its time.\n`;
}

function heading(server, rivals, neon) {
  const versions = [`Node ${process.versions.node}`];
  const undici = path.join(HERE, "node_modules/undici/package.json");
  if (rivals) versions.push(`undici ${createRequire(import.meta.url)(undici).version}`);
  if (neon !== null) {
    const version = spawnSync("pkg-config", ["--modversion", "neon"], { encoding: "utf8" }).stdout;
    versions.push(`C neon ${version.trim()}`);
  }
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown processor";
  return (
    `${versions.join(", ")}, against ${server.name};\n${os.cpus().length} cores of ${cpu}, ` +
    `${os.type()} ${os.release()}.\n${options.rounds} rounds, ${options.gets} GETs in each. ` +
    `Load average while it ran: ${os.loadavg()[1].toFixed(1)} (our own share is about 1).\n`
  );
}

function writePage(text) {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = ["<!-- bench: begin -->", "<!-- bench: end -->"];
  const before = page.slice(0, page.indexOf(begin) + begin.length);
  writeFileSync(PAGE, `${before}\n\n${text.trim()}\n\n${page.slice(page.indexOf(end))}`);
}

const place = existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();
const folder = mkdtempSync(path.join(place, "libneon-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.on("SIGINT", () => process.exit(130));

const dist = path.join(path.resolve(options.dist), "index.js");
if (!existsSync(dist)) {
  spawnSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "inherit" });
}
const rivals = installRivals();
const neon = compileNeon(folder);
const large = writeFiles(folder);
const server = await startServer(folder);
const settings = {
  host: "127.0.0.1",
  port: server.port,
  tlsPort: server.tlsPort,
  cert: server.certificate?.cert ?? "",
  gets: Number(options.gets),
  files: FILES,
  large,
  size: LARGE,
  libneon: pathToFileURL(dist).href,
};
const contenders = ["bare", "libneon", "node:http"];
if (rivals) contenders.push("undici");
if (neon !== null) contenders.push("C neon");
const known = [...Object.keys(CASES), ...DAV_CASES];
const wanted = options.only === "" ? known : options.only.split(",");
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no such case: ${unknown.join(", ")}; there are ${known.join(", ")}`);
  process.exit(2);
}

let text = "";
const idle = median(Array.from({ length: 5 }, () => run("idle", "none", settings).peak));
for (const test of wanted.filter((name) => Object.hasOwn(CASES, name))) {
  if (test.endsWith("https") && server.tlsPort === 0) continue;
  const able = contenders.filter((name) => !SCRIPTED.test(test) || SCRIPTERS.includes(name));
  // without undici there is nothing to compare with
  if (SCRIPTED.test(test) && !able.includes("undici")) continue;
  const results = compare(test, able, settings, neon);
  text += table(test, results, idle);
  if (test.startsWith("upload")) text += secondUpload(results);
}
if (options.only === "") {
  text += tableOf("cold.mjs", JSON.stringify(settings));
  text += tableOf("transfer.mjs", JSON.stringify(settings));
}
server.stop();
if (options.only === "") {
  const line = "### Uploads in pieces over a line with delay, beside a single PUT";
  text += `\n${line}\n${tableOf("slow_line.mjs", "20", "400", "64")}`;
  text += tableOf("propfind.mjs");
}
if (options.huge) text += tableOf("huge.mjs", "5", options.dist);
const davTests = wanted.filter((name) => DAV_CASES.includes(name));
if (davTests.length > 0) {
  text += tableOf("dav.mjs", "--only", davTests.join(","), "--dist", options.dist);
}
text = heading(server, rivals, neon) + text;
process.stdout.write(`\n${text}`);
if (options.write) writePage(text);

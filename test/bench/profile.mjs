// Where one contender's time goes in one case: self time by function, from V8's CPU profile.
//   node test/bench/profile.mjs libneon get-http [GETS [DIST]]
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LARGE, startServer, writeFiles } from "./server.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const [name = "libneon", test = "get-http", gets = "50000", dist] = process.argv.slice(2);
const place = existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();
const folder = mkdtempSync(path.join(place, "libneon-profile-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const large = writeFiles(folder);
const server = await startServer(folder);
const settings = {
  host: "127.0.0.1",
  port: server.port,
  tlsPort: server.tlsPort,
  cert: server.certificate?.cert ?? "",
  gets: Number(gets),
  large,
  size: LARGE,
  libneon: pathToFileURL(path.join(dist ?? path.join(HERE, "../../dist"), "index.js")).href,
};
const flags = ["--cpu-prof", "--cpu-prof-dir", folder, "--cpu-prof-interval", "200"];
const program = path.join(HERE, "contenders.mjs");
const { stdout, stderr } = spawnSync(
  process.execPath,
  [...flags, program, name, test, JSON.stringify(settings)],
  { encoding: "utf8" },
);
server.stop();
process.stdout.write(stdout || stderr);

const file = readdirSync(folder).find((entry) => entry.endsWith(".cpuprofile"));
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path.join(folder, file), "utf8"));
const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
const self = new Map();
const kinds = new Map();
let total = 0;

function kindOf({ functionName, url }) {
  if (url.includes("/dist/")) return "libneon";
  if (url.startsWith("node:") || url.startsWith("internal/")) return "Node's own code";
  if (url !== "") return "elsewhere";
  return functionName.startsWith("(") ? functionName : "system calls and built-ins";
}

for (const [at, id] of samples.entries()) {
  const { functionName, url, lineNumber } = byId.get(id);
  const where = url === "" ? "" : ` ${url.split("/").slice(-2).join("/")}:${lineNumber + 1}`;
  const label = `${functionName || "(anonymous)"}${where}`;
  self.set(label, (self.get(label) ?? 0) + timeDeltas[at]);
  const kind = kindOf(byId.get(id));
  kinds.set(kind, (kinds.get(kind) ?? 0) + timeDeltas[at]);
  total += timeDeltas[at];
}
const percent = (time) => `${((100 * time) / total).toFixed(1).padStart(5)} %`;
for (const [kind, time] of [...kinds].sort((a, b) => b[1] - a[1])) {
  console.log(`${percent(time)}  ${kind}: ${(time / 1000).toFixed(0)} ms`);
}
console.log();
for (const [label, time] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 40)) {
  console.log(`${percent(time)}  ${label}`);
}

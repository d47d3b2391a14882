// What the first things cost in a process: importing a package, the first requests over TLS. Each
// figure comes from new processes, in alternation, and processor time counts beside the clock: on a
// machine that does other work it is the steadier one. Prints tables in Markdown.
//   node test/bench/cold.mjs SETTINGS
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import tls from "node:tls";
import { fileURLToPath, pathToFileURL } from "node:url";

const SELF = fileURLToPath(import.meta.url);
const HERE = path.dirname(SELF);
const UNDICI = path.join(HERE, "node_modules/undici/index.js");
const ROUNDS = 15;
/** Requests over TLS in one process. */
const GETS = [1, 100, 1000, 10_000];
const IMPORTS = ["index.js", "ne_request.js", "ne_xml.js", "ne_uri.js", "ne_md5.js"];

/** What each contender is before it is timed, and then does so many times. */
const SECURE = {
  "bare TLS socket": ({ host, tlsPort, cert }) => ({
    async open() {
      const ca = readFileSync(cert);
      this.socket = tls.connect({ host, port: tlsPort, ca, noDelay: true });
      await new Promise((resolve) => this.socket.once("secureConnect", resolve));
    },
    get() {
      this.socket.write(`GET /small HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      let missing = 0;
      return new Promise((resolve) => {
        this.socket.on("data", (bytes) => {
          if (missing === 0) missing = bytes.indexOf("\r\n\r\n") + 4 + 1024;
          missing -= bytes.length;
          if (missing > 0) return;
          this.socket.removeAllListeners("data");
          resolve();
        });
      });
    },
  }),
  libneon: async ({ libneon, host, tlsPort, cert }) => {
    const ne = await import(libneon);
    return {
      open() {
        this.sess = ne.ne_session_create("https", host, tlsPort);
        ne.ne_ssl_trust_cert(this.sess, ne.ne_ssl_cert_read(cert));
      },
      async get() {
        const req = ne.ne_request_create(this.sess, "GET", "/small");
        ne.ne_add_response_body_reader(req, ne.ne_accept_2xx, () => 0);
        const code = await ne.ne_request_dispatch(req);
        if (code !== ne.NE_OK) throw new Error(ne.ne_get_error(this.sess));
        ne.ne_request_destroy(req);
      },
    };
  },
  "node:https": ({ host, tlsPort, cert }) => ({
    open() {
      this.agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(cert) });
    },
    get() {
      const options = { host, port: tlsPort, path: "/small", agent: this.agent };
      return new Promise((resolve, reject) => {
        https
          .get(options, (response) => response.on("end", resolve).resume())
          .on("error", reject);
      });
    },
  }),
  undici: async ({ host, tlsPort, cert }) => {
    const { Agent, request } = await import(pathToFileURL(UNDICI).href);
    return {
      open() {
        this.dispatcher = new Agent({ connections: 1, connect: { ca: readFileSync(cert) } });
      },
      async get() {
        const url = `https://${host}:${tlsPort}/small`;
        const { body } = await request(url, { dispatcher: this.dispatcher });
        await body.dump();
      },
    };
  },
};

async function timed(run) {
  const used = process.cpuUsage();
  const start = performance.now();
  await run();
  const time = performance.now() - start;
  const { user, system } = process.cpuUsage(used);
  return { time, cpu: (user + system) / 1000 };
}

/** A contender's process; the last line of output is JSON. */
async function contend(kind, name, settings, gets) {
  if (kind === "import") return timed(() => import(name));
  const contender = await SECURE[name](settings);
  return timed(async () => {
    await contender.open();
    for (let n = 0; n < gets; n++) await contender.get();
  });
}

function run(...args) {
  // Node reads extra CAs, and its own with them, when it starts: before anything is timed
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: "" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [SELF, "contend", ...args], {
    encoding: "utf8",
    env,
  });
  if (status !== 0) throw new Error(`${args[1]}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}

/** A table of contenders, by name, each beside the first. */
function table(title, contenders) {
  const results = contenders.map(([name]) => ({ name, times: [], cpus: [] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, [, ...args]] of contenders.entries()) {
      const { time, cpu } = run(...args);
      results[at].times.push(time);
      results[at].cpus.push(cpu);
    }
  }
  const [base] = results;
  const row = (...cells) => `| ${cells.join(" | ")} |\n`;
  let text = `### ${title}\n\n`;
  text += row("", "ms", "CPU, ms", `time / ${base.name}`, `CPU / ${base.name}`);
  text += row("---", "---:", "---:", "---:", "---:");
  for (const { name, times, cpus } of results) {
    const ratios = [
      median(times.map((each, round) => each / base.times[round])),
      median(cpus.map((each, round) => each / base.cpus[round])),
    ];
    const cells = [median(times).toFixed(1), median(cpus).toFixed(1)];
    text += row(name, ...cells, ...ratios.map((ratio) => ratio.toFixed(2)));
  }
  return `${text}\n`;
}

function main(text) {
  const settings = JSON.parse(text);
  const rivals = existsSync(UNDICI) ? [["undici", "import", pathToFileURL(UNDICI).href, text]] : [];
  const own = IMPORTS.map((file) => {
    const name = file === "index.js" ? "libneon" : `libneon/${file.replace(".js", "")}`;
    return [`**${name}**`, "import", new URL(file, settings.libneon).href, text];
  });
  const nothing = ["an empty module", "import", "data:text/javascript,", text];
  process.stdout.write(table("Importing", [...rivals, ...own, nothing]));
  if (settings.tlsPort === 0) return;
  for (const gets of GETS) {
    const names = Object.keys(SECURE).filter((name) => name !== "undici" || rivals.length > 0);
    const contenders = names.map((name) => [
      name === "libneon" ? `**${name}**` : name,
      ...["tls", name, text, String(gets)],
    ]);
    const what = gets === 1 ? "The first GET" : `The first ${gets.toLocaleString("en")} GETs`;
    process.stdout.write(table(`${what} over TLS in a process, handshake included`, contenders));
  }
}

if (process.argv[2] === "contend") {
  const [kind, name, text, gets] = process.argv.slice(3);
  const result = await contend(kind, name, JSON.parse(text), Number(gets ?? 0));
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
} else main(process.argv[2]);

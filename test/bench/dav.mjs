// What nx_dav costs beside other ways to the same answer, in one run and in alternation, each
// contender in a process of its own against the same server. Prints tables in Markdown; run.mjs
// takes them over.
//   node test/bench/dav.mjs [--only dav-list,dav-sync,dav-multiget] [--rounds 5] [--dist dist]
import { fork, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const SELF = fileURLToPath(import.meta.url);
const HERE = path.dirname(SELF);
/** Runs in one process; the first two are not counted. */
const RUNS = 6;
const RESOURCES = 10_000;
const EVENTS = 5_000;
const CALDAV = "urn:ietf:params:xml:ns:caldav";
const OPEN =
  '<?xml version="1.0" encoding="utf-8"?>\n' +
  `<D:multistatus xmlns:D="DAV:" xmlns:C="${CALDAV}" xmlns:A="http://apache.org/dav/props/">\n`;
const CLOSE = "</D:multistatus>\n";

export const CASES = {
  "dav-list": {
    title: `${RESOURCES} resources with ten properties`,
    base: "ne_simple_propfind",
    contenders: ["nx_list", "ne_simple_propfind", "webdav"],
  },
  "dav-sync": {
    title: `sync-collection with ${RESOURCES} changes`,
    base: "nx_sync",
    contenders: ["nx_sync", "tsdav"],
  },
  "dav-multiget": {
    title: `calendar-multiget of ${EVENTS} events`,
    base: "nx_send and ne_xml",
    contenders: ["nx_multiget", "nx_send and ne_xml"],
  },
};

const pad = (number, width) => String(number).padStart(width, "0");
const ok = (props) =>
  `<D:propstat><D:prop>${props}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>`;
const etag = (n) => `<D:getetag>"${((n * 7919) % 65536).toString(16)}-617899d4a9c2b"</D:getetag>`;

function member(n) {
  const minute = pad(n % 60, 2);
  return `<D:response><D:href>/list/document%20${pad(n, 6)}.txt</D:href>${ok(`
<D:resourcetype/><D:creationdate>2024-05-03T10:${minute}:11Z</D:creationdate>
<D:getcontentlength>${1000 + n}</D:getcontentlength>
<D:getlastmodified>Fri, 03 May 2024 10:${minute}:11 GMT</D:getlastmodified>
${etag(n)}<A:executable>F</A:executable>
<D:supportedlock><D:lockentry><D:lockscope><D:exclusive/></D:lockscope>
<D:locktype><D:write/></D:locktype></D:lockentry></D:supportedlock><D:lockdiscovery/>
<D:getcontenttype>text/plain</D:getcontenttype>
<D:displayname>document ${pad(n, 6)}.txt</D:displayname>`)}</D:response>\n`;
}

// every tenth is gone
function change(n) {
  const href = `<D:href>/sync/${pad(n, 6)}.ics</D:href>`;
  const rest = n % 10 === 0 ? "<D:status>HTTP/1.1 404 Not Found</D:status>" : ok(etag(n));
  return `<D:response>${href}${rest}</D:response>\n`;
}

const eventPath = (n) => `/multiget/${pad(n, 6)}.ics`;

function event(n) {
  const text = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//bench//EN
BEGIN:VEVENT
UID:${pad(n, 6)}@example.com
DTSTAMP:20240503T101112Z
DTSTART;TZID=Europe/Berlin:20240503T${pad(n % 24, 2)}0000
DURATION:PT1H
SUMMARY:Meeting ${n} &lt;weekly&gt;
DESCRIPTION:Notes &amp; questions of the last time\\, and what follows from them
ORGANIZER:mailto:someone@example.com
END:VEVENT
END:VCALENDAR
`;
  const data = `<C:calendar-data>${text}</C:calendar-data>`;
  return `<D:response><D:href>${eventPath(n)}</D:href>${ok(etag(n) + data)}</D:response>\n`;
}

const many = (count, make) => Array.from({ length: count }, (_, n) => make(n));

/** The server's process. A multiget is answered with what it asks for. */
function serve() {
  const whole = (text) => Buffer.from(OPEN + text + CLOSE);
  const list = whole(`<D:response><D:href>/list/</D:href>${ok("<D:resourcetype>" +
    "<D:collection/></D:resourcetype>")}</D:response>\n${many(RESOURCES, member).join("")}`);
  const sync = whole(`${many(RESOURCES, change).join("")}<D:sync-token>urn:2</D:sync-token>`);
  const events = many(EVENTS, event);
  const answer = (target, text) => {
    if (target === "/list/" || target === "/list") return list;
    if (target === "/sync/") return sync;
    const asked = text.matchAll(/\/multiget\/(\d+)\.ics/g);
    return whole(Array.from(asked, ([, n]) => events[Number(n)]).join(""));
  };
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const body = answer(request.url, Buffer.concat(parts).toString());
      const headers = { "Content-Type": "application/xml; charset=utf-8" };
      response.writeHead(207, { ...headers, "Content-Length": body.length }).end(body);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit());
}

/** What each contender does once, and the number that shows that it read everything. */
const MAKERS = {
  nx_list: (neon, sess) => async () => {
    let values = 0;
    for await (const { props } of neon.nx_list(sess, "/list/", { props: "all" })) {
      for (const { value } of props) values += value.length > 0 ? 1 : 0;
    }
    return values;
  },
  ne_simple_propfind: (neon, sess) => async () => {
    let values = 0;
    const iterate = (_userdata, _name, value) => {
      if (value !== null && value.length > 0) values++;
      return 0;
    };
    const each = (_userdata, _uri, set) => neon.ne_propset_iterate(set, iterate);
    const code = await neon.ne_simple_propfind(sess, "/list/", neon.NE_DEPTH_ONE, null, each);
    if (code !== neon.NE_OK) throw new Error(neon.ne_get_error(sess));
    return values;
  },
  webdav: async (_neon, _sess, origin) => {
    const { createClient } = await import("webdav");
    const client = createClient(origin);
    return async () => {
      const { data } = await client.getDirectoryContents("/list/", { details: true });
      let values = 0;
      for (const { props } of data) {
        for (const value of Object.values(props)) values += `${value}`.length > 0 ? 1 : 0;
      }
      return values;
    };
  },
  nx_sync: (neon, sess) => async () => {
    let changes = 0;
    for await (const { path: changed } of neon.nx_sync(sess, "/sync/", "urn:1")) {
      changes += changed.length > 0 ? 1 : 0;
    }
    return changes;
  },
  tsdav: async (_neon, _sess, origin) => {
    const { syncCollection } = await import("tsdav");
    const url = `${origin}/sync/`;
    const question = { url, props: { "d:getetag": {} }, syncLevel: 1, syncToken: "urn:1" };
    return async () => (await syncCollection(question)).length;
  },
  nx_multiget: (neon, sess) => async () => {
    const hrefs = many(EVENTS, eventPath);
    let chars = 0;
    for await (const found of neon.nx_multiget(sess, "/multiget/", hrefs, "caldav")) {
      chars += found.prop(CALDAV, "calendar-data").length;
    }
    return chars;
  },
  "nx_send and ne_xml": (neon, sess) => async () => {
    const hrefs = many(EVENTS, eventPath).map((href) => `<D:href>${href}</D:href>`);
    const body =
      `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="${CALDAV}"><D:prop><D:getetag/>` +
      `<C:calendar-data/></D:prop>${hrefs.join("")}</C:calendar-multiget>`;
    const { body: bytes } = await neon.nx_send(sess, "REPORT", "/multiget/", { body });
    return readWithXml(neon, bytes);
  },
};

/** The characters of calendar-data; all other text is read as well. */
function readWithXml(neon, bytes) {
  const parser = neon.ne_xml_create();
  let text = "";
  let chars = 0;
  neon.ne_xml_push_handler(
    parser,
    (_userdata, parent) => {
      text = "";
      return parent + 1;
    },
    (_userdata, _state, cdata) => {
      text += cdata;
      return 0;
    },
    (_userdata, _state, _nspace, name) => {
      if (name === "calendar-data") chars += text.length;
      return 0;
    },
  );
  if (neon.ne_xml_parse(parser, bytes) !== 0 || neon.ne_xml_parse(parser) !== 0) {
    throw new Error(neon.ne_xml_get_error(parser));
  }
  neon.ne_xml_destroy(parser);
  return chars;
}

/** A contender's process; the last line of output is JSON. */
async function contend(name, port, library) {
  const neon = await import(library);
  const times = [];
  const cpus = [];
  let found = 0;
  if (name !== "idle") {
    const sess = neon.ne_session_create("http", "127.0.0.1", port);
    const run = await MAKERS[name](neon, sess, `http://127.0.0.1:${port}`);
    for (let n = 0; n < RUNS; n++) {
      const used = process.cpuUsage();
      const start = performance.now();
      found = await run();
      times.push(performance.now() - start);
      const { user, system } = process.cpuUsage(used);
      cpus.push((user + system) / 1000);
    }
  }
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const peak = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? process.memoryUsage().rss / 1024);
  console.log(JSON.stringify({ times: times.slice(2), cpus: cpus.slice(2), found, peak }));
  process.exit(0);
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

function row(...cells) {
  return `| ${cells.join(" | ")} |\n`;
}

function table({ title, base }, results, idle) {
  let text = `\n### ${title}\n\n`;
  text += row("", "ms", "CPU, ms", `time / ${base}`, `CPU / ${base}`, "memory above idle");
  text += row("---", "---:", "---:", "---:", "---:", "---:");
  const baseline = results.get(base);
  for (const [name, { times, cpus, peaks }] of results) {
    // round by round: what else the machine did hit the neighbours of one round alike
    const ratios = [
      median(times.map((each, round) => each / baseline.times[round])),
      median(cpus.map((each, round) => each / baseline.cpus[round])),
    ];
    const cells = [median(times).toFixed(0), median(cpus).toFixed(0)];
    cells.push(...ratios.map((ratio) => ratio.toFixed(2)));
    text += row(name, ...cells, `${((median(peaks) - idle) / 1024).toFixed(1)} MB`);
  }
  return text;
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      only: { type: "string", default: Object.keys(CASES).join(",") },
      rounds: { type: "string", default: "5" },
      dist: { type: "string", default: path.join(HERE, "../../dist") },
    },
  });
  const library = pathToFileURL(path.join(path.resolve(options.dist), "index.js")).href;
  const server = fork(SELF, ["serve"]);
  const port = await new Promise((resolve) => server.once("message", resolve));
  const run = (name) => {
    const args = [SELF, "contend", name, String(port), library];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: HERE });
    if (status !== 0) throw new Error(`${name}: ${stderr || `exit ${status}`}`);
    return JSON.parse(stdout.trim().split("\n").at(-1));
  };
  const idle = median([1, 2, 3].map(() => run("idle").peak));
  const isHere = (name) =>
    !["webdav", "tsdav"].includes(name) || existsSync(path.join(HERE, "node_modules", name));
  for (const test of options.only.split(",")) {
    const names = CASES[test].contenders.filter(isHere);
    const results = new Map(names.map((name) => [name, { times: [], cpus: [], peaks: [] }]));
    for (let round = 0; round < Number(options.rounds); round++) {
      const counts = new Set();
      for (const [name, result] of results) {
        const { times, cpus, found, peak } = run(name);
        result.times.push(median(times));
        result.cpus.push(median(cpus));
        result.peaks.push(peak);
        if (name !== "webdav") counts.add(found);
      }
      if (counts.size > 1) throw new Error(`${test}: not all read the same`);
    }
    process.stdout.write(table(CASES[test], results, idle));
    const load = os.loadavg()[0].toFixed(1);
    process.stdout.write(`\nLoad average while it ran: ${load}.\n`);
  }
  server.disconnect();
}

if (process.argv[2] === "serve") serve();
else if (process.argv[2] === "contend") await contend(process.argv[3], Number(process.argv[4]), process.argv[5]);
else await main();

// One contender doing one case, in a process of its own so that its memory can be measured:
//   node contenders.mjs NAME CASE SETTINGS
// The last line of output is JSON: milliseconds of each measured run, on the clock and of processor
// time, and the peak of memory in kB.
import { closeSync, createReadStream, openSync, readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";

const [name, test, text = "{}"] = process.argv.slice(2);
const settings = JSON.parse(text);
const secure = test.endsWith("https");
const { host, gets, large, size } = settings;
/** How many requests at once: `send-8`. */
const lanes = Number(/^(?:send|files)-(\d+)$/.exec(test)?.[1] ?? 1);
/** What the requests are for: one small file, or as many as there are. */
const targetOf = test.startsWith("files") ? (n) => `/files/${n % settings.files}` : () => "/small";
const port = secure ? settings.tlsPort : settings.port;
const origin = `${secure ? "https" : "http"}://${host}:${port}`;

/** Requests with a fixed text; the answers are counted, not parsed. */
const bare = {
  async open() {
    const options = { host, port, noDelay: true };
    if (secure) options.ca = readFileSync(settings.cert);
    this.socket = secure ? tls.connect(options) : net.connect(options);
    await new Promise((resolve) =>
      this.socket.once(secure ? "secureConnect" : "connect", resolve),
    );
    // how long an answer is shows the first one
    this.length = 0;
    this.missing = 0;
    this.socket.on("data", (chunk) => {
      if (this.missing === 0) this.missing = this.total = answerLength(chunk);
      this.missing -= chunk.length;
      if (this.missing === 0) this.done();
    });
  },
  get(target) {
    const request = `GET ${target} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`;
    return new Promise((resolve) => {
      this.done = resolve;
      this.missing = this.length;
      this.socket.write(request, "latin1");
    });
  },
  async small(count) {
    for (let done = 0; done < count; done++) {
      await this.get("/small");
      this.length = this.total;
    }
  },
  download() {
    this.length = 0;
    return this.get("/large");
  },
  upload(fd) {
    const { socket } = this;
    const head = `PUT /dav/up HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Length: ${size}\r\n\r\n`;
    return new Promise((resolve) => {
      this.done = resolve;
      this.length = this.missing = 0;
      socket.write(head, "latin1");
      createReadStream("", { fd, start: 0 }).pipe(socket, { end: false });
    });
  },
  close() {
    this.socket.destroy();
  },
};

function answerLength(chunk) {
  const head = chunk.toString("latin1", 0, Math.min(chunk.length, 4096));
  const end = head.indexOf("\r\n\r\n") + 4;
  return end + Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
}

const nodeHttp = {
  async open() {
    this.http = await import(secure ? "node:https" : "node:http");
    const options = { keepAlive: true, maxSockets: lanes };
    if (secure) options.ca = readFileSync(settings.cert);
    this.agent = new this.http.Agent(options);
  },
  request(method, target, headers, fd) {
    return new Promise((resolve, reject) => {
      const options = { host, port, path: target, method, headers, agent: this.agent };
      const request = this.http.request(options, (response) => {
        let bytes = 0;
        response.on("data", (chunk) => (bytes += chunk.length));
        response.on("end", () => resolve(bytes));
        response.on("error", reject);
      });
      request.on("error", reject);
      if (fd === undefined) request.end();
      else createReadStream("", { fd, start: 0 }).pipe(request);
    });
  },
  async small(count) {
    for (let done = 0; done < count; done++) expect(await this.request("GET", "/small"), 1024);
  },
  async one(target) {
    expect(await this.request("GET", target), 1024);
  },
  async download() {
    expect(await this.request("GET", "/large"), size);
  },
  async upload(fd) {
    await this.request("PUT", "/dav/up", { "Content-Length": size }, fd);
  },
  close() {
    this.agent.destroy();
  },
};

const undici = {
  async open() {
    this.undici = await import("undici");
    const connect = secure ? { ca: readFileSync(settings.cert) } : {};
    this.dispatcher = new this.undici.Agent({ connections: lanes, connect, bodyTimeout: 0 });
  },
  async request(target, options) {
    const { body } = await this.undici.request(`${origin}${target}`, {
      dispatcher: this.dispatcher,
      ...options,
    });
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.length;
    return bytes;
  },
  async small(count) {
    for (let done = 0; done < count; done++) expect(await this.request("/small"), 1024);
  },
  async one(target) {
    expect(await this.request(target), 1024);
  },
  async download() {
    expect(await this.request("/large"), size);
  },
  async upload(fd) {
    const body = createReadStream("", { fd, start: 0 });
    await this.request("/dav/up", { method: "PUT", headers: { "content-length": `${size}` }, body });
  },
  close() {
    return this.dispatcher.destroy();
  },
};

const libneon = {
  async open() {
    this.ne = await import(settings.libneon);
    const { ne } = this;
    this.session = ne.ne_session_create(secure ? "https" : "http", host, port);
    if (secure) ne.ne_ssl_trust_cert(this.session, ne.ne_ssl_cert_read(settings.cert));
    ne.nx_set_max_connections(this.session, lanes);
    this.count = (userdata, block) => {
      this.bytes += block.length;
      return 0;
    };
  },
  async get(target, wanted) {
    const { ne, session } = this;
    const request = ne.ne_request_create(session, "GET", target);
    this.bytes = 0;
    ne.ne_add_response_body_reader(request, ne.ne_accept_2xx, this.count);
    const code = await ne.ne_request_dispatch(request);
    if (code !== ne.NE_OK) throw new Error(ne.ne_get_error(session));
    ne.ne_request_destroy(request);
    expect(this.bytes, wanted);
  },
  async small(count) {
    for (let done = 0; done < count; done++) await this.get("/small", 1024);
  },
  async one(target) {
    const { body, error, ok } = await this.ne.nx_send(this.session, "GET", target);
    if (!ok) throw new Error(error);
    expect(body.length, 1024);
  },
  async download() {
    await this.get("/large", size);
  },
  async upload(fd) {
    const { ne, session } = this;
    const request = ne.ne_request_create(session, "PUT", "/dav/up");
    ne.ne_set_request_body_fd(request, fd, 0, size);
    const code = await ne.ne_request_dispatch(request);
    if (code !== ne.NE_OK) throw new Error(ne.ne_get_error(session));
    ne.ne_request_destroy(request);
    closeSync(fd);
  },
  close() {
    this.ne.ne_session_destroy(this.session);
  },
};

function expect(bytes, wanted) {
  if (bytes !== wanted) throw new Error(`${name}: ${bytes} bytes instead of ${wanted}`);
}

/** The peak of resident memory, in kB. */
function peakMemory() {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}

/** So many requests, in `lanes` that each wait for one answer before they ask for the next. */
async function together(contender, count) {
  let next = 0;
  const lane = async () => {
    while (next < count) await contender.one(targetOf(next++));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function measure(contender) {
  const times = [];
  const cpu = [];
  const timed = async (run) => {
    const used = process.cpuUsage();
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1000);
  };
  await contender.open();
  if (test.startsWith("get")) {
    await contender.small(1);
    await contender.small(Math.ceil(gets / 5));
    await timed(() => contender.small(gets));
  } else if (test.startsWith("send") || test.startsWith("files")) {
    await together(contender, Math.ceil(gets / 5));
    await timed(() => together(contender, gets));
  } else if (test.startsWith("download")) {
    for (let run = 0; run < 4; run++) await timed(() => contender.download());
    times.shift();
    cpu.shift();
  } else {
    // a stream made from it closes the descriptor, so each run has one of its own
    for (let run = 0; run < 4; run++) {
      const fd = openSync(large, "r");
      await timed(() => contender.upload(fd));
    }
    times.shift();
    cpu.shift();
  }
  await contender.close();
  return { times, cpu };
}

const contenders = { bare, "node:http": nodeHttp, undici, libneon };
let result = { times: [], cpu: [] };
if (name !== "idle") {
  result = await measure(contenders[name]);
}
process.stdout.write(`${JSON.stringify({ ...result, peak: peakMemory() })}\n`);

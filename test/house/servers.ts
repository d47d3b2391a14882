// The real servers of this machine start with our configurations and do what the tests against
// them rely on, asked here with other clients than our own.
import { execFile, spawnSync } from "node:child_process";
import http from "node:http";
import { promisify } from "node:util";
import t from "tap";
import { startApache } from "../fixtures/real/apache.js";
import { Folder, PASSWORD, USER, findProgram } from "../fixtures/real/launch.js";
import { startLighttpd } from "../fixtures/real/lighttpd.js";
import { nginxHasDavExt, startNginx } from "../fixtures/real/nginx.js";
import { startSServer } from "../fixtures/real/openssl.js";
import {
  TINYPROXY_PASSWORD,
  startDante,
  startSquid,
  startTinyproxy,
} from "../fixtures/real/proxies.js";
import type { TestScope } from "../fixtures/server.js";

const run = promisify(execFile);

interface Answer {
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
  body: string;
}

async function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const request = http.request({ host: "127.0.0.1", port, method, path, headers, agent: false });
  request.end();
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", reject);
  });
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, headers: response.headers, body };
}

/** A self-signed certificate, or `null` where openssl is not installed. */
function certificate(t: TestScope): { cert: string; key: string } | null {
  if (findProgram("openssl") === null) return null;
  const folder = new Folder(t, "certificate");
  const files = { cert: folder.of("cert.pem"), key: folder.of("key.pem") };
  const made = spawnSync("openssl", [
    ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout".split(" "),
    files.key,
    "-out",
    files.cert,
  ]);
  return made.status === 0 ? files : null;
}

const basic = (password = PASSWORD): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`,
});

t.test("Apache httpd", async (t) => {
  const tls = certificate(t);
  const files = { "a.txt": "hello", "chunked/b.txt": "line of text\n".repeat(20_000) };
  const srv = await startApache(t, tls ? { files, tls } : { files });
  if (srv === null) return void t.pass("it", { skip: "not installed" });
  t.equal((await ask(srv.port, "GET", "/a.txt")).body, "hello");
  const chunked = await ask(srv.port, "GET", "/chunked/b.txt");
  t.equal(chunked.headers["transfer-encoding"], "chunked");
  t.equal(chunked.body, files["chunked/b.txt"]);
  t.equal((await ask(srv.port, "MKCOL", "/dav/new")).status, 201);
  t.equal((await ask(srv.port, "PROPFIND", "/dav/", { depth: "1" })).status, 207);
  t.match((await ask(srv.port, "OPTIONS", "/dav/")).headers, { dav: /1,2/ });
  t.equal((await ask(srv.port, "MKCOL", "/basic/x")).status, 401);
  t.equal((await ask(srv.port, "MKCOL", "/basic/x", basic())).status, 201);
  t.match((await ask(srv.port, "GET", "/digest/")).headers, { "www-authenticate": /^Digest / });
  if (tls && findProgram("curl") !== null) {
    const url = `https://127.0.0.1:${srv.tlsPort}/a.txt`;
    t.equal((await run("curl", ["-sk", url])).stdout, "hello");
  }
  await srv.stop();
  await t.rejects(ask(srv.port, "GET", "/a.txt"), { code: "ECONNREFUSED" });
  await srv.start();
  t.equal((await ask(srv.port, "GET", "/a.txt")).body, "hello");
});

t.test("nginx", async (t) => {
  const files = { "a.txt": "hello", "chunked/b.txt": "b", "gzip/c.txt": "c".repeat(1000) };
  const srv = await startNginx(t, { files });
  if (srv === null) return void t.pass("it", { skip: "not installed" });
  t.equal((await ask(srv.port, "GET", "/a.txt")).body, "hello");
  t.equal((await ask(srv.port, "GET", "/chunked/b.txt")).headers["transfer-encoding"], "chunked");
  const gzip = await ask(srv.port, "GET", "/gzip/c.txt", { "accept-encoding": "gzip" });
  t.equal(gzip.headers["content-encoding"], "gzip");
  t.equal((await ask(srv.port, "MKCOL", "/dav/new/")).status, 201);
  if (nginxHasDavExt()) {
    t.equal((await ask(srv.port, "PROPFIND", "/dav/", { depth: "1" })).status, 207);
  }
});

t.test("lighttpd", async (t) => {
  const srv = await startLighttpd(t, { files: { "a.txt": "hello" } });
  if (srv === null) return void t.pass("it", { skip: "not installed" });
  t.equal((await ask(srv.port, "GET", "/a.txt")).body, "hello");
  t.equal((await ask(srv.port, "MKCOL", "/dav/new/")).status, 201);
  t.equal((await ask(srv.port, "PROPFIND", "/dav/", { depth: "1" })).status, 207);
});

t.test("squid", async (t) => {
  const origin = await startNginx(t, { files: { "a.txt": "hello" } });
  const target = `${origin?.origin}/a.txt`;
  const tls = certificate(t);
  const srv = await startSquid(t, tls ? { auth: "both", tls } : { auth: "both" });
  if (srv === null || origin === null) return void t.pass("it", { skip: "not installed" });
  const refused = await ask(srv.port, "GET", target);
  t.equal(refused.status, 407);
  t.match(refused.headers["proxy-authenticate"], /Digest.*Basic|Basic.*Digest/);
  const { authorization = "" } = basic();
  const known = { "proxy-authorization": authorization };
  t.equal((await ask(srv.port, "GET", target, known)).body, "hello");
  const open = await startSquid(t);
  t.equal((await ask(open?.port ?? 0, "GET", target)).body, "hello");
});

t.test("tinyproxy", async (t) => {
  const origin = await startNginx(t, { files: { "a.txt": "hello" } });
  const srv = await startTinyproxy(t, { auth: true });
  if (srv === null || origin === null) return void t.pass("it", { skip: "not installed" });
  const target = `${origin.origin}/a.txt`;
  t.equal((await ask(srv.port, "GET", target)).status, 407);
  const { authorization = "" } = basic(TINYPROXY_PASSWORD);
  const known = { "proxy-authorization": authorization };
  t.equal((await ask(srv.port, "GET", target, known)).body, "hello");
});

t.test("Dante", async (t) => {
  const origin = await startNginx(t, { files: { "a.txt": "hello" } });
  const srv = await startDante(t);
  if (srv === null || origin === null) return void t.pass("it", { skip: "not installed" });
  if (findProgram("curl") === null) return void t.pass("it", { skip: "no curl" });
  for (const scheme of ["socks4", "socks5"]) {
    const args = ["-s", "-x", `${scheme}://127.0.0.1:${srv.port}`, `${origin.origin}/a.txt`];
    t.equal((await run("curl", args)).stdout, "hello", scheme);
  }
});

t.test("openssl s_server", async (t) => {
  const tls = certificate(t);
  if (tls === null) return void t.pass("it", { skip: "not installed" });
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const srv = await startSServer(t, { ...tls, files: { "a.txt": answer } });
  if (srv === null || findProgram("curl") === null) {
    return void t.pass("it", { skip: "not installed" });
  }
  const { stdout } = await run("curl", ["-sk", `https://127.0.0.1:${srv.port}/a.txt`]);
  t.equal(stdout, "hello");
});

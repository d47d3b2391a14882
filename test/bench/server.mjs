// The servers that the benchmark runs against, each in a process of its own: nginx where it is
// installed, else a small server on node:net and node:tls (run this file with its settings).
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";

const MIB = 1024 * 1024;
export const LARGE = 256 * MIB;
/** How many small files there are. */
export const FILES = 10_000;

export function findProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file)) ?? null;
}

/** What is served: 1 KiB, once and as many files, and 256 MiB that do not compress. */
export function writeFiles(folder) {
  mkdirSync(path.join(folder, "root/dav"), { recursive: true });
  const small = "x".repeat(1024);
  writeFileSync(path.join(folder, "root/small"), small);
  mkdirSync(path.join(folder, "root/files"), { recursive: true });
  for (let n = 0; n < FILES; n++) writeFileSync(path.join(folder, `root/files/${n}`), small);
  const block = Buffer.alloc(MIB);
  for (let at = 0; at < MIB; at += 32) createHash("sha256").update(`${at}`).digest().copy(block, at);
  const large = path.join(folder, "root/large");
  writeFileSync(large, "");
  for (let written = 0; written < LARGE; written += MIB) writeFileSync(large, block, { flag: "a" });
  return large;
}

/** A certificate for localhost, or `null` without openssl: then there is no https. */
export function makeCertificate(folder) {
  const openssl = findProgram("openssl");
  if (openssl === null) return null;
  const files = { cert: path.join(folder, "cert.pem"), key: path.join(folder, "key.pem") };
  const args = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(" ");
  args.push("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1");
  execFileSync(openssl, [...args, "-keyout", files.key, "-out", files.cert], { stdio: "ignore" });
  return files;
}

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function nginxConfig(folder, port, tlsPort, certificate) {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${path.join(folder, `tmp-${name}`)};`)
    .join("\n");
  return `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${path.join(folder, "pid")};
error_log ${path.join(folder, "error.log")} warn;
events { worker_connections 128; }
http {
  ${temporary}
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 0;
  client_body_buffer_size 256k;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:${port};
    ${certificate === null ? "" : `listen 127.0.0.1:${tlsPort} ssl;`}
    ${certificate === null ? "" : `ssl_certificate ${certificate.cert};`}
    ${certificate === null ? "" : `ssl_certificate_key ${certificate.key};`}
    root ${path.join(folder, "root")};
    location /dav/ { dav_methods PUT; }
  }
}
`;
}

/** Starts the server; its name is part of the report. */
export async function startServer(folder) {
  const certificate = makeCertificate(folder);
  const port = await freePort();
  const tlsPort = await freePort();
  const nginx = findProgram("nginx");
  let child;
  if (nginx !== null) {
    const file = path.join(folder, "nginx.conf");
    writeFileSync(file, nginxConfig(folder, port, tlsPort, certificate));
    child = spawn(nginx, ["-c", file, "-p", folder, "-e", path.join(folder, "error.log")], {
      detached: true,
      stdio: "inherit",
    });
  } else {
    const settings = JSON.stringify({ folder, port, tlsPort, certificate });
    child = spawn(process.execPath, [fileURLToPath(import.meta.url), settings], {
      detached: true,
      stdio: "inherit",
    });
  }
  const stop = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // gone already
    }
  };
  process.on("exit", stop);
  const until = Date.now() + 10_000;
  while (!(await answers(port))) {
    if (Date.now() > until) throw new Error("the server did not start");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const name = nginx === null ? "a node:net server" : versionOf(nginx);
  return { name, port, tlsPort: certificate === null ? 0 : tlsPort, certificate, stop };
}

function versionOf(nginx) {
  const { stderr } = spawnSyncText(nginx, ["-v"]);
  return stderr.replace(/^nginx version: /, "").trim();
}

function spawnSyncText(program, args) {
  try {
    return { stderr: execFileSync("sh", ["-c", '"$0" "$@" 2>&1', program, ...args]).toString() };
  } catch {
    return { stderr: path.basename(program) };
  }
}

async function answers(port) {
  const socket = net.connect(port, "127.0.0.1");
  const answer = await new Promise((resolve) => {
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
  });
  socket.destroy();
  return answer;
}

/** Requests one after the other; the body of a PUT is counted and dropped. */
function serve(files) {
  const answer = (body) =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Length: ${body.length}\r\n\r\n`),
      body,
    ]);
  const small = answer(files.small);
  const large = answer(files.large);
  const created = Buffer.from("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  return (socket) => {
    let head = "";
    let body = 0;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      if (body > 0) {
        body -= chunk.length;
        if (body === 0) socket.write(created);
        return;
      }
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = /^content-length: *(\d+)/im.exec(head.slice(0, end + 2));
      const target = head.split(" ", 2)[1];
      if (length !== null) {
        body = Number(length[1]) - (head.length - end - 4);
        if (body === 0) socket.write(created);
      } else {
        socket.write(target === "/large" ? large : small);
      }
      head = "";
    });
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { folder, port, tlsPort, certificate } = JSON.parse(process.argv[2]);
  const read = (name) => readFileSync(path.join(folder, "root", name));
  const handler = serve({ small: read("small"), large: read("large") });
  net.createServer(handler).listen(port, "127.0.0.1");
  if (certificate !== null) {
    const pair = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
    tls.createServer(pair, handler).listen(tlsPort, "127.0.0.1");
  }
}

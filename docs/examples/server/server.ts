// A small WebDAV server (classes 1 and 2) over a folder, on Node alone: what `npm start` shows the
// library against, and what the tests talk to. It is meant for the loopback interface.
//
//     const server = await startDavServer({ port: 8080 });
//     console.log(server.url);
//     await server.close();

import { mkdtemp, realpath, rm } from "node:fs/promises";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DavCredentials, Gate } from "./auth.js";
import { DeadProperties } from "./dead.js";
import { ALLOW, echo, get, options, put } from "./files.js";
import { checkIf } from "./if.js";
import { lock, LockTable, unlock } from "./locks.js";
import { patch } from "./patch.js";
import { propfind, proppatch, report } from "./props.js";
import { answer, decodePath, type Exchange, Refusal, type Share, statusOf } from "./share.js";
import { copyOrMove, mkcol, remove } from "./trees.js";
import { errorDocument, XML_TYPE } from "./xml.js";
import { makeSelfSigned } from "../self-signed.js";

const MAX_LOG_LINES = 10_000;

export interface DavServerOptions {
  /** the folder to serve; left out, an empty one is made and removed again by `close` */
  root?: string;
  /** default 127.0.0.1 */
  host?: string;
  /** default 0: a free one */
  port?: number;
  /** https: `true` makes a certificate for localhost and 127.0.0.1, else what Node's https takes */
  tls?: boolean | https.ServerOptions;
  /** ask for a name and a password */
  auth?: DavCredentials;
  /** the status with which a single resource is to refuse a method, 0 for none: makes 207s */
  refuse?: (method: string, path: string) => number;
  /** compress responses for clients that accept it; default true */
  gzip?: boolean;
}

export interface DavServer {
  /** `http://127.0.0.1:port`, without a slash at the end */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly root: string;
  /** the certificate made for `tls: true`, as PEM */
  readonly certificate: string | null;
  /** a line per response: method, target, status */
  readonly log: readonly string[];
  /** Node's server, for tests that need to reach below */
  readonly server: http.Server;
  /** Stops listening, breaks every connection, removes a folder that was made at start. */
  close(): Promise<void>;
}

const METHODS = new Map<string, (x: Exchange) => Promise<void>>([
  ["OPTIONS", options],
  ["GET", get],
  ["HEAD", get],
  ["PUT", put],
  ["POST", echo],
  ["PATCH", patch],
  ["DELETE", remove],
  ["MKCOL", mkcol],
  ["COPY", copyOrMove],
  ["MOVE", copyOrMove],
  ["PROPFIND", propfind],
  ["PROPPATCH", proppatch],
  ["LOCK", lock],
  ["UNLOCK", unlock],
  ["REPORT", report],
]);

/** Starts a server; it is listening when the promise is fulfilled. */
export async function startDavServer(settings: DavServerOptions = {}): Promise<DavServer> {
  const { host = "127.0.0.1", port = 0, refuse = () => 0, gzip = true } = settings;
  const made = settings.root === undefined;
  const root = await realpath(settings.root ?? (await mkdtemp(join(tmpdir(), "libneon-dav-"))));
  const locks = new LockTable();
  const share: Share = { root, locks, properties: new DeadProperties(), refuse, gzip };
  const gate = settings.auth ? new Gate(settings.auth) : null;
  const log: string[] = [];

  const serve =
    (awaitsContinue: boolean): http.RequestListener =>
    (req, res) => {
      const { method = "", url = "" } = req;
      const target = { path: "/", slash: false, tokens: new Set<string>() };
      const x: Exchange = { share, req, res, method, ...target, awaitsContinue };
      void handle(x, gate).then(() => {
        log.push(`${method} ${url} ${res.statusCode}`);
        if (log.length > MAX_LOG_LINES) log.shift();
      });
    };
  const own = settings.tls === true ? makeSelfSigned() : null;
  const server = settings.tls
    ? https.createServer(own ?? (settings.tls as https.ServerOptions), serve(false))
    : http.createServer(serve(false));
  server.on("checkContinue", serve(true));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const listening = (server.address() as AddressInfo).port;
  const literal = host.includes(":") ? `[${host}]` : host;
  return {
    url: `${settings.tls ? "https" : "http"}://${literal}:${listening}`,
    host: literal,
    port: listening,
    root,
    certificate: own?.cert ?? null,
    log,
    server,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      if (made) await rm(root, { recursive: true, force: true });
    },
  };
}

async function handle(x: Exchange, gate: Gate | null): Promise<void> {
  x.res.setHeader("Server", "libneon-demo");
  try {
    gate?.check(x);
    const act = METHODS.get(x.method);
    if (!act) throw new Refusal(501, {}, { Allow: ALLOW });
    const target = x.req.url ?? "/";
    if (target !== "*") {
      x.path = decodePath(target);
      x.slash = /^[^?]*\/(?:\?|$)/s.test(target);
    } else if (x.method !== "OPTIONS") {
      throw new Refusal(400);
    }
    await checkIf(x);
    await act(x);
  } catch (error) {
    fail(x, error);
  }
}

function fail(x: Exchange, error: unknown): void {
  if (x.res.headersSent) {
    x.res.destroy(); // the client sees a body cut short, not one that looks whole
    return;
  }
  const refusal = error instanceof Refusal ? error : new Refusal(statusOf(error));
  const { status, detail, headers } = refusal;
  if (detail.condition !== undefined) {
    const body = errorDocument(detail.condition);
    answer(x, status, { "Content-Type": XML_TYPE, ...headers }, body);
    return;
  }
  const text = status === 304 ? "" : `${detail.text ?? http.STATUS_CODES[status] ?? ""}\n`;
  answer(x, status, { "Content-Type": "text/plain; charset=utf-8", ...headers }, text);
}

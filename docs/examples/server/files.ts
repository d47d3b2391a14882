// OPTIONS, GET, HEAD, PUT and POST of the demo's WebDAV server. An upload goes to a file of its own
// first and takes the resource's place when it is complete, so half an upload is never seen.

import { randomUUID } from "node:crypto";
import { constants, createWriteStream, type Stats } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { checkConditions, requestedRange, validators } from "./conditions.js";
import { requireToken } from "./locks.js";
import {
  answer,
  type Exchange,
  hrefOf,
  locate,
  locateExisting,
  membersOf,
  parentOf,
  readBody,
  Refusal,
  type Resource,
  sendContinue,
  UPLOAD_PREFIX,
  writeHead,
} from "./share.js";

const MAX_ECHO_BYTES = 16 << 20;

const TYPES: Record<string, string> = {
  ".bin": "application/octet-stream",
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".png": "image/png",
  ".txt": "text/plain; charset=utf-8",
  ".xml": "application/xml",
};

/** The methods of the server, for the Allow field. */
export const ALLOW =
  "OPTIONS, GET, HEAD, PUT, POST, PATCH, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, " +
  "UNLOCK, REPORT";

/** The media type of a file, by its name. */
export function mediaType(path: string): string {
  return TYPES[extname(path).toLowerCase()] ?? "application/octet-stream";
}

/** OPTIONS: WebDAV classes 1 and 2, with locks, and SabreDAV's PATCH. */
export async function options(x: Exchange): Promise<void> {
  const dav = "1, 2, sabredav-partialupdate";
  answer(x, 200, { DAV: dav, Allow: ALLOW, "Accept-Ranges": "bytes" });
}

/** GET and HEAD, of files and collections. */
export async function get(x: Exchange): Promise<void> {
  const found = await locateExisting(x.share, x.path);
  const collection = found.stat.isDirectory();
  if (collection && !x.slash) {
    const host = x.req.headers.host;
    const scheme = "encrypted" in x.req.socket ? "https" : "http";
    const origin = host === undefined ? "" : `${scheme}://${host}`;
    const query = /\?.*$/s.exec(x.req.url ?? "")?.[0] ?? "";
    throw new Refusal(301, {}, { Location: origin + hrefOf(x.path, true) + query });
  }
  checkConditions(x, found.stat);
  if (collection) return sendListing(x, found);
  const file = await open(found.file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await sendFile(x, file, await file.stat());
  } finally {
    await file.close();
  }
}

async function sendFile(
  x: Exchange,
  file: Awaited<ReturnType<typeof open>>,
  stat: Stats,
): Promise<void> {
  const headers: Record<string, string | number> = {
    ...validators(stat),
    "Content-Type": mediaType(x.path),
    "Accept-Ranges": "bytes",
  };
  const range = x.method === "GET" ? requestedRange(x, stat) : null;
  const zipped = range === null && stat.size > 0 && x.share.gzip && acceptsGzip(x);
  if (zipped) {
    headers["Content-Encoding"] = "gzip";
    headers["Vary"] = "Accept-Encoding";
    if (headers["ETag"]) headers["ETag"] = `W/${headers["ETag"]}`; // other bytes, same content
  } else {
    headers["Content-Length"] = range ? range.end - range.start + 1 : stat.size;
  }
  if (range) headers["Content-Range"] = `bytes ${range.start}-${range.end}/${stat.size}`;
  writeHead(x, range ? 206 : 200, headers);
  if (x.method === "HEAD" || stat.size === 0) {
    x.res.end();
    return;
  }
  const part = range ?? { start: 0, end: stat.size - 1 };
  const source = file.createReadStream({ ...part, autoClose: false, highWaterMark: 1 << 18 });
  if (zipped) await pipeline(source, createGzip(), x.res);
  else await pipeline(source, x.res);
}

function acceptsGzip(x: Exchange): boolean {
  const codings = String(x.req.headers["accept-encoding"] ?? "").split(",");
  const wanted = /^\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i;
  return codings.some((coding) => wanted.test(coding));
}

async function sendListing(x: Exchange, collection: Resource): Promise<void> {
  const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const rows = (await membersOf(collection)).map(({ path, stat }) => {
    const name = path.slice(path.lastIndexOf("/") + 1) + (stat.isDirectory() ? "/" : "");
    return `<li><a href="${escape(hrefOf(path, stat.isDirectory()))}">${escape(name)}</a></li>\n`;
  });
  const title = escape(x.path);
  const body =
    `<!DOCTYPE html>\n<meta charset="utf-8">\n<title>${title}</title>\n` +
    `<h1>${title}</h1>\n<ul>\n${rows.join("")}</ul>\n`;
  answer(x, 200, { "Content-Type": "text/html; charset=utf-8" }, body);
}

/** PUT: the body becomes the resource's content. */
export async function put(x: Exchange): Promise<void> {
  const { stat, file } = await locate(x.share, x.path);
  if (stat?.isDirectory() || x.slash) throw new Refusal(405, {}, { Allow: ALLOW });
  if (!(await locate(x.share, parentOf(x.path))).stat?.isDirectory()) throw new Refusal(409);
  if (x.req.headers["content-range"] !== undefined) throw new Refusal(400);
  checkConditions(x, stat);
  requireToken(x, x.path);
  if (!stat) requireToken(x, parentOf(x.path));
  const refused = x.share.refuse("PUT", x.path);
  if (refused) throw new Refusal(refused);
  sendContinue(x);
  const upload = join(dirname(file), UPLOAD_PREFIX + randomUUID());
  try {
    await pipeline(x.req, createWriteStream(upload, { flags: "wx", highWaterMark: 1 << 18 }));
    await rename(upload, file);
  } catch (error) {
    await unlink(upload).catch(() => {});
    throw error;
  }
  const now = await locateExisting(x.share, x.path);
  answer(x, stat ? 204 : 201, validators(now.stat));
}

/** POST: the body comes back as it was sent. */
export async function echo(x: Exchange): Promise<void> {
  const body = await readBody(x, MAX_ECHO_BYTES);
  const type = x.req.headers["content-type"] ?? "application/octet-stream";
  answer(x, 200, { "Content-Type": type }, body);
}

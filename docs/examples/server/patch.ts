// PATCH of the demo's WebDAV server: a part of a file is written in its place, as SabreDAV has it
// (https://sabre.io/dav/http-patch/). What a request that breaks off has brought stays.

import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { checkConditions, validators } from "./conditions.js";
import { requireToken } from "./locks.js";
import { answer, type Exchange, locateExisting, Refusal, sendContinue } from "./share.js";

const TYPE = "application/x-sabredav-partialupdate";

/** PATCH: the body replaces the bytes that X-Update-Range names. */
export async function patch(x: Exchange): Promise<void> {
  const { headers } = x.req;
  const found = await locateExisting(x.share, x.path);
  if (found.stat.isDirectory()) throw new Refusal(405);
  if (headers["content-type"] !== TYPE) throw new Refusal(415);
  if (headers["content-length"] === undefined) throw new Refusal(411);
  const range = /^bytes=(\d+)-(\d+)$/.exec(String(headers["x-update-range"]));
  if (range === null) throw new Refusal(400);
  const start = Number(range[1]);
  const length = Number(range[2]) - start + 1;
  if (start > found.stat.size || length !== Number(headers["content-length"])) {
    throw new Refusal(416);
  }
  checkConditions(x, found.stat);
  requireToken(x, x.path);
  sendContinue(x);
  await pipeline(x.req, createWriteStream(found.file, { flags: "r+", start }));
  const { stat } = await locateExisting(x.share, x.path);
  answer(x, 204, validators(stat));
}

// The hash of a request's body, for Digest's qop=auth-int (RFC 7616, 3.4.3): the body is read once
// for its hash and once more when it is sent, so one that cannot be read twice fails there.
import type { Hash } from "node:crypto";
import fs from "node:fs";
import { NE_BUFSIZ } from "../base/constants.js";
import { crypto } from "../base/crypto.js";
import type { ne_request } from "../base/handle.js";
import { applicationNumber } from "./callbacks.js";
import { requests } from "./request.js";
import type { FileBody, ProvidedBody, Request } from "./request_state.js";
import { valueOf, type Steps } from "../base/steps.js";

/**
 * The hash of the body that the request will send, in hex; `null` if the body could not be read.
 * @param algorithm as node:crypto names it
 */
export function* requestBodyHash(req: ne_request, algorithm: string): Steps<string | null> {
  const r = requests.open(req, "requestBodyHash");
  const hash = crypto().createHash(algorithm);
  const { body } = r;
  if (body === null) return hash.digest("hex");
  switch (body.kind) {
    case "buffer":
      return hash.update(body.bytes).digest("hex");
    case "file":
      return yield* valueOf(hashFile(body, hash));
    case "provider":
      return yield* valueOf(hashProvided(r, body, hash));
    default:
      return body satisfies never;
  }
}

async function hashFile(
  body: FileBody,
  hash: Hash,
): Promise<string | null> {
  const block = Buffer.allocUnsafe(NE_BUFSIZ * 8);
  const end = body.offset + body.length;
  const fd = body.fd();
  return new Promise((resolve) => {
    const next = (at: number): void => {
      if (at >= end) {
        resolve(hash.digest("hex"));
        return;
      }
      fs.read(fd, block, 0, Math.min(block.length, end - at), at, (error, count) => {
        if (error !== null || count === 0) {
          resolve(null);
          return;
        }
        hash.update(block.subarray(0, count));
        next(at + count);
      });
    };
    next(body.offset);
  });
}

async function hashProvided(
  r: Request,
  body: ProvidedBody,
  hash: Hash,
): Promise<string | null> {
  const buffer = Buffer.alloc(NE_BUFSIZ);
  const ask = async (block: Buffer): Promise<number> =>
    applicationNumber(r, body.provide(body.userdata, block), "ne_provide_body");
  if ((await ask(Buffer.alloc(0))) !== 0) return null;
  const most = body.length < 0 ? Infinity : body.length;
  for (let total = 0; total <= most; ) {
    const count = await ask(buffer);
    if (count === 0) return hash.digest("hex");
    if (!(count > 0 && count <= buffer.length)) return null;
    hash.update(buffer.subarray(0, count));
    total += count;
  }
  return null;
}

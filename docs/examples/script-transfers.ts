// The transfers once more, as a script: bodies are streams, progress is a generator in between, and
// a signal breaks off.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import { nx_list, nx_send, nx_session_for } from "libneon/nx_script";
import { playIfProgram, type Stage } from "./stage.js";

const FILE_BYTES = 1_000_000;
const PART_BYTES = 256 * 1024;

/** The example. */
export async function scriptTransfers(stage: Stage): Promise<void> {
  const server = await stage.serve();
  const path = join(stage.folder, "big.bin");
  await writeFile(path, createHash("shake256", { outputLength: FILE_BYTES }).update("x").digest());
  const sess = nx_session_for(server.url);
  if (sess === null) throw new TypeError(`not a URL: ${server.url}`);
  try {
    await nx_send(sess, "MKCOL", "/parts/");
    await upload(stage, sess, path);
    await writeFile(join(server.root, "big.bin"), await readFile(path));
    await download(stage, sess, path);
  } finally {
    ne_session_destroy(sess);
  }
}

// ---- up ----

async function upload(stage: Stage, sess: ne_session, path: string): Promise<void> {
  const plug = new AbortController();
  const first = await sendParts(sess, path, (part, sent) => {
    if (part === 1 && sent > PART_BYTES / 2) plug.abort();
    return plug.signal;
  });
  stage.say(`upload: ${first.error}; ${first.arrived} part there`);
  const second = await sendParts(sess, path, () => null);
  stage.say(`upload again: ${second.arrived} parts were missing`);
}

type Watch = (part: number, sent: number) => AbortSignal | null;

async function sendParts(
  sess: ne_session,
  path: string,
  watch: Watch,
): Promise<{ arrived: number; error: string }> {
  const there = new Map<string, number | null>();
  for await (const { path: target, size } of nx_list(sess, "/parts/")) there.set(target, size);
  let arrived = 0;
  for (let part = 0; part * PART_BYTES < FILE_BYTES; part++) {
    const target = `/parts/${part}`;
    const start = part * PART_BYTES;
    const length = Math.min(PART_BYTES, FILE_BYTES - start);
    if (there.get(target) === length) continue;
    const signal = watch(part, 0);
    const end = start + length - 1;
    const read = (): AsyncIterable<Buffer> => createReadStream(path, { start, end });
    const result = await nx_send(sess, "PUT", target, {
      // a function: the body can be sent again if it has to be
      body: () => throttled(read(), part, watch),
      length,
      ...(signal === null ? {} : { signal }),
    });
    if (!result.ok) return { arrived, error: result.error };
    arrived++;
  }
  return { arrived, error: "" };
}

// What stands between the file and the network sees every block, and sets the pace.
async function* throttled(
  source: AsyncIterable<Buffer>,
  part: number,
  watch: Watch,
): AsyncGenerator<Buffer> {
  let sent = 0;
  for await (const block of source) {
    yield block;
    sent += block.length;
    watch(part, sent);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

// ---- down ----

async function download(stage: Stage, sess: ne_session, original: string): Promise<void> {
  const copy = join(stage.folder, "copy.bin");
  const head = await nx_send(sess, "HEAD", "/big.bin", { decompress: false });
  const tag = head.header("ETag") ?? "";
  stage.say(`download: ${await fetchInto(sess, copy, null, FILE_BYTES / 3)}`);
  const { size } = await stat(copy);
  stage.say(`download again: ${await fetchInto(sess, copy, { tag, from: size }, Infinity)}`);
  const same = (await readFile(copy)).equals(await readFile(original));
  stage.say(`it is the same: ${same}`);
}

async function fetchInto(
  sess: ne_session,
  file: string,
  rest: { tag: string; from: number } | null,
  stopAt: number,
): Promise<string> {
  const headers: Record<string, string> =
    rest === null ? {} : { Range: `bytes=${rest.from}-`, "If-Range": rest.tag };
  const { stream, status, error } = await nx_send(sess, "GET", "/big.bin", {
    headers,
    stream: true,
    decompress: false,
  });
  if (stream === null) throw new Error(error);
  let bytes = 0;
  const limited = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const block of source) {
      yield block;
      bytes += block.length;
      // leaving the loop destroys the stream, and that closes the connection
      if (bytes >= stopAt) return;
    }
  };
  // 200 in place of 206: the file has changed, or the server knows no ranges
  const flags = status?.code === 206 ? "a" : "w";
  await pipeline(limited(stream as AsyncIterable<Buffer>), createWriteStream(file, { flags }));
  return bytes < stopAt ? error : "broken off after a third";
}

playIfProgram(import.meta.url, scriptTransfers);

// Large files over bad lines: an upload in parts with progress, throttled, broken off and taken up
// again; a download that goes on where it stopped, as long as the file is still the same.
import { createHash } from "node:crypto";
import { open, readFile, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import {
  NE_ERROR,
  NE_OK,
  ne_accept_2xx,
  ne_add_request_header,
  ne_add_response_body_reader,
  ne_get_response_header,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_provider,
  type ne_accept_response,
  type ne_request,
} from "libneon/ne_request";
import {
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  ne_set_error,
  ne_set_notifier,
  ne_status_sending,
  type ne_session,
} from "libneon/ne_session";
import { ne_mkcol } from "libneon/ne_basic";
import { nx_session_abort } from "libneon/nx_session";
import { playIfProgram, type Stage } from "./stage.js";

const FILE_BYTES = 1_000_000;
const PART_BYTES = 256 * 1024;
const BYTES_AT_ONCE = 64 * 1024;

/** The example. */
export async function transfers(stage: Stage): Promise<void> {
  const server = await stage.serve();
  const path = join(stage.folder, "big.bin");
  await writeFile(path, createHash("shake256", { outputLength: FILE_BYTES }).update("x").digest());
  const sess = ne_session_create("http", server.host, server.port);
  const file = await open(path, "r");
  try {
    if ((await ne_mkcol(sess, "/parts/")) !== NE_OK) throw new Error(ne_get_error(sess));
    await upload(stage, sess, file);
    await writeFile(join(server.root, "big.bin"), await readFile(path));
    await download(stage, sess, join(server.root, "big.bin"));
  } finally {
    await file.close();
    ne_session_destroy(sess);
  }
}

// ---- up ----

async function upload(stage: Stage, sess: ne_session, file: FileHandle): Promise<void> {
  let sent = 0;
  let pauses = 0;
  // The session waits for the promise, and so does the transfer: here it rests a moment after each
  // so many bytes. A program with a budget would wait until the budget has room again.
  ne_set_notifier(sess, async (_userdata, status, info) => {
    if (status !== ne_status_sending) return;
    const before = sent;
    sent = info.sr.progress;
    if (Math.floor(sent / BYTES_AT_ONCE) <= Math.floor(before / BYTES_AT_ONCE)) return;
    pauses++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  });
  const broken = await sendParts(sess, file, (part) => {
    // somebody pulls the plug in the middle of the second part
    if (part === 1 && sent > PART_BYTES / 2) nx_session_abort(sess);
  });
  stage.say(`upload: ${ne_get_error(sess)}; ${broken} part there`);
  const added = await sendParts(sess, file, () => {});
  stage.say(`upload again: ${added} parts were missing; throttled: ${pauses > 10}`);
  ne_set_notifier(sess, null);
}

// Sends what the server does not have: an upload that was cut leaves nothing behind, so a part that
// is there is whole. Gives the number of parts that arrived.
async function sendParts(
  sess: ne_session,
  file: FileHandle,
  watch: (part: number) => void,
): Promise<number> {
  let arrived = 0;
  for (let part = 0; part * PART_BYTES < FILE_BYTES; part++) {
    const target = `/parts/${part}`;
    const length = Math.min(PART_BYTES, FILE_BYTES - part * PART_BYTES);
    if (await isThere(sess, target, length)) continue;
    const req = ne_request_create(sess, "PUT", target);
    provideFrom(req, file, part * PART_BYTES, length, () => watch(part));
    const ret = await ne_request_dispatch(req);
    const { klass } = ne_get_status(req);
    ne_request_destroy(req);
    if (ret !== NE_OK || klass !== 2) return arrived;
    arrived++;
  }
  return arrived;
}

async function isThere(sess: ne_session, target: string, length: number): Promise<boolean> {
  const req = ne_request_create(sess, "HEAD", target);
  const ret = await ne_request_dispatch(req);
  const there =
    ret === NE_OK &&
    ne_get_status(req).code === 200 &&
    Number(ne_get_response_header(req, "Content-Length")) === length;
  ne_request_destroy(req);
  return there;
}

// A provider: a call with an empty buffer means that the body begins, once more perhaps.
function provideFrom(
  req: ne_request,
  file: FileHandle,
  start: number,
  length: number,
  watch: () => void,
): void {
  let at = 0;
  ne_set_request_body_provider(req, length, async (_userdata, buffer) => {
    if (buffer.length === 0) {
      at = 0;
      return 0;
    }
    watch();
    const wanted = Math.min(buffer.length, length - at);
    const { bytesRead } = await file.read(buffer, 0, wanted, start + at);
    at += bytesRead;
    return bytesRead;
  });
}

// ---- down ----

interface Download {
  blocks: Buffer[];
  bytes: number;
  tag: string | null;
}

async function download(stage: Stage, sess: ne_session, served: string): Promise<void> {
  const sum = (blocks: readonly Uint8Array[]): string =>
    createHash("sha256").update(Buffer.concat(blocks)).digest("hex");
  const original = await readFile(served);
  const state: Download = { blocks: [], bytes: 0, tag: null };
  stage.say(`download: ${await fetchRest(sess, state, FILE_BYTES / 3)}`);
  stage.say(`download again: ${await fetchRest(sess, state, Infinity)}`);
  stage.say(`it is the same: ${sum(state.blocks) === sum([original])}`);

  const second: Download = { blocks: [], bytes: 0, tag: null };
  await fetchRest(sess, second, FILE_BYTES / 3);
  await writeFile(served, "a new version");
  stage.say(`changed in between: ${await fetchRest(sess, second, Infinity)}`);
  stage.say(`it is the new one: ${Buffer.concat(second.blocks).toString()}`);
}

// Asks for what is missing, if the file is still the one it was (If-Range); else for all of it.
async function fetchRest(sess: ne_session, state: Download, stopAt: number): Promise<string> {
  const req = ne_request_create(sess, "GET", "/big.bin");
  if (state.tag !== null) {
    ne_add_request_header(req, "Range", `bytes=${state.bytes}-`);
    ne_add_request_header(req, "If-Range", state.tag);
  }
  const accept: ne_accept_response = (_userdata, r, st) => {
    if (st.code === 200) Object.assign(state, { blocks: [], bytes: 0 });
    else if (st.code === 206 && !continues(r, state.bytes)) return 0;
    state.tag = ne_get_response_header(r, "ETag");
    return ne_accept_2xx(null, r, st);
  };
  ne_add_response_body_reader(req, accept, (_userdata, block) => {
    state.blocks.push(Buffer.from(block));
    state.bytes += block.length;
    if (state.bytes < stopAt) return 0;
    ne_set_error(sess, "broken off after a third");
    return NE_ERROR;
  });
  await ne_request_dispatch(req);
  ne_request_destroy(req);
  return ne_get_error(sess);
}

function continues(req: ne_request, from: number): boolean {
  const range = /^bytes (\d+)-/.exec(ne_get_response_header(req, "Content-Range") ?? "");
  return Number(range?.[1]) === from;
}

playIfProgram(import.meta.url, transfers);

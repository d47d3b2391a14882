// The tour's last part: an upload that is broken off on purpose, and gone on with.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_delete } from "libneon/ne_basic";
import { ne_session_destroy } from "libneon/ne_session";
import { nx_error } from "libneon/nx_script";
import { nx_download, nx_upload, type nx_upload_state } from "libneon/nx_transfer";
import type { DavServer } from "./server/server.js";
import type { Tour } from "./tour.js";

const FILE_BYTES = 4_000_000;
const PIECE_BYTES = 1_000_000;
const PATH = "/upload.bin";

/** An upload in pieces, stopped behind the second, and a download to compare. */
export async function tourTransfers(tour: Tour, server: DavServer): Promise<void> {
  tour.say(`\nAn upload that is broken off, to ${server.url}`);
  const sess = tour.session("http", "localhost", server.port);
  const content = createHash("shake256", { outputLength: FILE_BYTES }).update("tour").digest();
  const plug = new AbortController();
  let state: nx_upload_state | null = null;
  const onstate = (next: nx_upload_state): void => {
    state = next;
    if (next.done === 2 * PIECE_BYTES) plug.abort();
  };
  try {
    tour.say(`  nx_upload(sess, "${PATH}", content, { chunk, onstate, signal })`);
    const { signal } = plug;
    const how = { chunk: PIECE_BYTES, onstate, signal };
    const broken: unknown = await nx_upload(sess, PATH, content, how).catch((error) => error);
    const done = broken instanceof nx_error ? broken.done : null;
    tour.check(`it was stopped behind ${done} bytes`, done === 2 * PIECE_BYTES);
    const before = server.log.length;
    tour.say(`  nx_upload(sess, "${PATH}", content, { chunk, resume: state })`);
    await nx_upload(sess, PATH, content, { chunk: PIECE_BYTES, resume: state });
    const pieces = server.log.slice(before).filter((line) => line.startsWith("PATCH "));
    tour.check("it went on with the other two pieces", pieces.length === 2);
    const copy = join(tour.folder, "downloaded.bin");
    tour.say(`  nx_download(sess, "${PATH}", "downloaded.bin")`);
    await nx_download(sess, PATH, copy);
    tour.check("what came back is what was sent", (await readFile(copy)).equals(content));
    await tour.call(sess, `ne_delete(sess, "${PATH}")`, () => ne_delete(sess, PATH));
  } finally {
    ne_session_destroy(sess);
  }
}

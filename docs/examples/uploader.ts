// An uploader with a progress bar that survives its own death: where the upload stands is kept in a
// file beside the one that is uploaded, so the next run goes on from there.
//
//   node dist/examples/uploader.js FILE URL
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { ne_session_destroy } from "libneon/ne_session";
import { nx_error, nx_session_for } from "libneon/nx_script";
import { nx_upload, type nx_upload_state } from "libneon/nx_transfer";
import { printable, ProgressBar } from "./terminal.js";

const PIECE_BYTES = 1 << 20;

/** The state that an earlier run has kept, or `null`. */
function stateIn(name: string): nx_upload_state | null {
  try {
    return JSON.parse(readFileSync(name, "utf8")) as nx_upload_state;
  } catch {
    return null;
  }
}

// Half a state would be none: it is written beside the old one and takes its place.
function keepState(name: string, state: nx_upload_state): void {
  writeFileSync(`${name}.new`, JSON.stringify(state));
  renameSync(`${name}.new`, name);
}

async function main([file, url]: readonly string[]): Promise<number> {
  const sess = url === undefined ? null : nx_session_for(url);
  if (file === undefined || url === undefined || sess === null) {
    console.error("usage: uploader FILE URL");
    return 2;
  }
  const kept = `${file}.upload`;
  const resume = stateIn(kept);
  const bar = new ProgressBar(process.stdout);
  if (resume !== null) console.log(`going on behind ${resume.done} bytes, by ${resume.protocol}`);
  try {
    const { created } = await nx_upload(sess, new URL(url).pathname, file, {
      chunk: PIECE_BYTES,
      resume,
      onstate: (state) => keepState(kept, state),
      progress: (done, total) => bar.update("sent", done, total ?? -1),
    });
    rmSync(kept, { force: true });
    console.log(created ? "created" : "replaced");
    return 0;
  } catch (error) {
    if (!(error instanceof nx_error)) throw error;
    bar.end();
    console.error(`${printable(error.message)}; ${error.done ?? 0} bytes are there`);
    return 1;
  } finally {
    ne_session_destroy(sess);
  }
}

process.exitCode = await main(process.argv.slice(2));

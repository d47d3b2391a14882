// An editor that keeps a file locked while it is open: others cannot write it meanwhile, and where
// the lock is lost the editor is told, before it overwrites what somebody else has written.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import { nx_break_lock, nx_lock, nx_locks } from "libneon/nx_locks";
import { nx_must, nx_send, nx_session_open } from "libneon/nx_script";
import { nx_put } from "libneon/nx_transfer";
import { playIfProgram, type Stage } from "./stage.js";

const PATH = "/letter.txt";

/**
 * Opens a file, has it edited, and saves it, all under one lock.
 * @param work given the text, and a signal that tells when the lock was lost; gives the new text
 */
export async function edit(
  sess: ne_session,
  path: string,
  work: (text: string, lost: AbortSignal) => Promise<string>,
): Promise<void> {
  const lost = new AbortController();
  await using _lock = await nx_lock(sess, path, {
    owner: "an editor",
    timeout: 300,
    onlost: (reason) => lost.abort(reason),
  });
  const opened = nx_must(await nx_send(sess, "GET", path));
  const text = await work(opened.text(), lost.signal);
  lost.signal.throwIfAborted();
  await nx_put(sess, path, text, { signal: lost.signal });
}

/** The example. */
export async function editorLock(stage: Stage): Promise<void> {
  const server = await stage.serve();
  await writeFile(join(server.root, "letter.txt"), "Dear Sir");
  const mine = nx_session_open(server.url);
  const theirs = nx_session_open(server.url);
  const write = async (who: string, sess: ne_session, text: string): Promise<void> =>
    stage.say(`${who}: ${(await nx_send(sess, "PUT", PATH, { body: text })).error}`);
  try {
    await edit(mine, PATH, async (text) => {
      await write("somebody else, while it is open", theirs, "spam");
      return `${text} or Madam`;
    });
    stage.say(`saved: ${nx_must(await nx_send(theirs, "GET", PATH)).text()}`);
    await write("somebody else, afterwards", theirs, "Dear all");

    const lost = edit(mine, PATH, async (text, gone) => {
      for (const { token } of await nx_locks(theirs, PATH)) {
        if (token !== null) await nx_break_lock(theirs, PATH, token);
      }
      await write("somebody else, who broke the lock", theirs, "Dear nobody");
      await write("an autosave", mine, `${text}, or`);
      if (!gone.aborted) await once(gone, "abort");
      stage.say("the editor was told");
      return `${text}, or none`;
    });
    await lost.catch((error: Error) => stage.say(`saving: ${error.message}`));
    stage.say(`it is theirs still: ${nx_must(await nx_send(theirs, "GET", PATH)).text()}`);
  } finally {
    ne_session_destroy(mine);
    ne_session_destroy(theirs);
  }
}

playIfProgram(import.meta.url, editorLock);

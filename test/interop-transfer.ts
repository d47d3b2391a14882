// Transfers with real servers: what `auto` takes, whole files up and down, conditions, resuming. A
// server that is not installed is skipped, with a word about it.
import fs from "node:fs";
import path from "node:path";
import t, { type Test } from "tap";
import {
  ne_session_create,
  ne_session_destroy,
  nx_download,
  nx_mkcol,
  nx_put,
  nx_upload,
  type ne_session,
  type nx_upload_state,
} from "../lib/index.js";
import { failureOf } from "./fixtures/conversation.js";
import { startApache } from "./fixtures/real/apache.js";
import type { RealServer } from "./fixtures/real/launch.js";
import { startNginx } from "./fixtures/real/nginx.js";
import { startRclone } from "./fixtures/real/rclone.js";
import { startSabre } from "./fixtures/real/sabre.js";
import { content, folder, nxError } from "./fixtures/transfer/client.js";

const NEW = content(300_000);
const OLD = content(300_000, 2);

type Name = nx_upload_state["protocol"];

interface Target {
  readonly port: number;
  readonly at: string;
  /** What `auto` takes. */
  readonly takes: Name;
  /** The folder behind it. */
  readonly files: string;
}

function placeOf({ port, root }: RealServer, at: string): Omit<Target, "takes"> {
  return { port, at, files: path.join(root, at) };
}

/** Makes a file older: an ETag of what was changed this very second may be a weak one. */
function age(file: string): void {
  fs.utimesSync(file, 1e9, 1e9);
}

const SERVERS: Record<string, (t: Test) => Promise<Target | null>> = {
  "Apache's mod_dav": async (t) => {
    const server = await startApache(t);
    return server && { ...placeOf(server, "/dav/"), takes: "content-range" };
  },
  "sabre/dav": async (t) => {
    const server = await startSabre(t, "files");
    return server && { ...placeOf(server, "/"), takes: "sabre-patch" };
  },
  "nginx": async (t) => {
    const server = await startNginx(t);
    return server && { ...placeOf(server, "/dav/"), takes: "put" };
  },
  "rclone": async (t) => {
    const server = await startRclone(t);
    return server && { ...placeOf(server, "/"), takes: "put" };
  },
};

for (const [name, start] of Object.entries(SERVERS)) {
  t.test(name, async (t) => {
    const target = await start(t);
    if (target === null) return void t.comment(`${name} is not installed`);
    const sess = ne_session_create("http", "127.0.0.1", target.port);
    t.teardown(() => ne_session_destroy(sess));
    await upAndDown(t, sess, target);
    await interrupted(t, sess, target);
    await conditions(t, sess, target);
    await ontoFolder(t, sess, target);
  });
}

async function upAndDown(t: Test, sess: ne_session, { at, takes }: Target): Promise<void> {
  const target = `${at}a%20b%C3%A4.bin`;
  const copy = path.join(folder(t), "copy");
  const states: nx_upload_state[] = [];
  const onstate = (state: nx_upload_state): void => void states.push(state);
  for (const bytes of [OLD, NEW]) {
    await nx_upload(sess, target, bytes, { chunk: 100_000, onstate });
    t.equal(states.at(-1)?.protocol, takes);
    const { bytes: size } = await nx_download(sess, target, copy);
    t.equal(size, bytes.length);
    t.ok(fs.readFileSync(copy).equals(bytes));
  }
  await nx_upload(sess, target, OLD, { protocol: "put" });
  await nx_download(sess, target, copy);
  t.ok(fs.readFileSync(copy).equals(OLD));
}

// MOVE would put the file in the folder's place, and remove what is in it.
async function ontoFolder(t: Test, sess: ne_session, { at, takes, files }: Target): Promise<void> {
  const inner = path.join(files, "folder", "precious");
  await nx_mkcol(sess, `${at}folder/`);
  fs.writeFileSync(inner, "precious");
  for (const protocol of [takes, "auto"] as const) {
    await nxError(() => nx_upload(sess, `${at}folder`, NEW, { protocol, chunk: 100_000 }));
    t.equal(fs.readFileSync(inner, "utf8"), "precious");
  }
  t.notOk(fs.readdirSync(files).some((name) => name.endsWith(".part")), "nothing is left beside");
}

async function interrupted(t: Test, sess: ne_session, { at, files }: Target): Promise<void> {
  const target = `${at}interrupted.bin`;
  const copy = path.join(folder(t), "copy");
  let stored: nx_upload_state | null = null;
  const onstate = (state: nx_upload_state): void => {
    stored = state;
    if (state.done >= 100_000) throw new Error("killed");
  };
  const killed = await failureOf(() => nx_upload(sess, target, NEW, { chunk: 100_000, onstate }));
  t.match(killed, { message: "killed" });
  await nx_upload(sess, target, NEW, { chunk: 70_000, resume: stored });
  // a download that is broken off, too
  age(path.join(files, "interrupted.bin"));
  const resume = true;
  const progress = (done: number): void => {
    if (done > 100_000 && !broken) throw new Error("killed", { cause: (broken = true) });
  };
  let broken = false;
  await failureOf(() => nx_download(sess, target, copy, { resume, progress }));
  const { resumed_at: from } = await nx_download(sess, target, copy, { resume, progress });
  t.ok(fs.readFileSync(copy).equals(NEW));
  t.ok(from > 100_000, `it went on at ${from}`);
}

async function conditions(t: Test, sess: ne_session, { at, takes, files }: Target): Promise<void> {
  const target = `${at}conditions.bin`;
  await nx_put(sess, target, OLD, { if_none_match: "*" });
  age(path.join(files, "conditions.bin"));
  const copy = path.join(folder(t), "copy");
  const { etag } = await nx_download(sess, target, copy);
  // servers that know no pieces know no conditions of a PUT either, so `auto` looks before
  for (const protocol of takes === "put" ? (["auto"] as const) : ([takes, "put"] as const)) {
    const how = { protocol, chunk: 100_000 };
    for (const condition of [{ if_none_match: "*" }, { if_match: '"no"' }]) {
      const error = await nxError(() => nx_upload(sess, target, NEW, { ...how, ...condition }));
      t.equal(error.status?.code, 412, `${protocol} ${JSON.stringify(condition)}`);
    }
  }
  await nx_upload(sess, target, NEW, { protocol: takes, chunk: 100_000, if_match: etag ?? "" });
  await nx_download(sess, target, copy);
  t.ok(fs.readFileSync(copy).equals(NEW));
}

// A session of an interactive WebDAV shell, as a program written for neon has it: find the folder,
// log in, list it, edit a file under a lock, see what that means for somebody else, tidy up.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_set_server_auth, type ne_auth_creds } from "libneon/ne_auth";
import {
  NE_DEPTH_INFINITE,
  NE_DEPTH_ONE,
  NE_DEPTH_ZERO,
  ne_move,
  ne_putbuf,
} from "libneon/ne_basic";
import {
  ne_lock,
  ne_lock_create,
  ne_lock_destroy,
  ne_lock_using_resource,
  ne_lockstore_add,
  ne_lockstore_create,
  ne_lockstore_destroy,
  ne_lockstore_register,
  ne_lockstore_remove,
  ne_unlock,
} from "libneon/ne_locks";
import { ne_propset_value, ne_simple_propfind } from "libneon/ne_props";
import { ne_redirect_location, ne_redirect_register } from "libneon/ne_redirect";
import {
  NE_ERROR,
  NE_OK,
  NE_REDIRECT,
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  ne_set_request_body_buffer,
} from "libneon/ne_request";
import {
  ne_fill_server_uri,
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  type ne_session,
} from "libneon/ne_session";
import { ne_path_unescape } from "libneon/ne_uri";
import { playIfProgram, type Stage } from "./stage.js";

const USER = { username: "ada", password: "lovelace" };
const ODD_NAMES = ["100% odd.txt", "a & b.txt", "café.txt", "what?.txt", "#1;x=y.txt"];
const ETAG = { nspace: "DAV:", name: "getetag" };

/** The example. */
export async function shell(stage: Stage): Promise<void> {
  const server = await stage.serve({ auth: { scheme: "digest", ...USER } });
  const open = (): ne_session => {
    const sess = ne_session_create("http", server.host, server.port);
    ne_set_server_auth(sess, credentials(stage));
    ne_redirect_register(sess);
    return sess;
  };
  const sess = open();
  const other = open();
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  try {
    check(await simple(sess, "MKCOL", "/notes/"), NE_OK, sess);
    for (const name of ODD_NAMES) await writeFile(join(server.root, "notes", name), "odd\n");
    const path = await findFolder(stage, sess, "/notes");
    const tags = await list(stage, sess, path);
    await edit(stage, sess, other, store, path, tags);
  } finally {
    ne_lockstore_destroy(store);
    ne_session_destroy(other);
    ne_session_destroy(sess);
  }
}

// Asked again with a higher attempt when what it gave was refused. The first answer is a slip.
function credentials(stage: Stage): ne_auth_creds {
  return (_userdata, realm, attempt, username, password) => {
    stage.say(`password for "${realm}", attempt ${attempt + 1}`);
    username.value = USER.username;
    password.value = attempt === 0 ? "lovelase" : USER.password;
    return attempt < 2 ? 0 : 1;
  };
}

// A server that is asked for a folder without the slash at its end redirects to the right place.
async function findFolder(stage: Stage, sess: ne_session, path: string): Promise<string> {
  const ret = await simple(sess, "GET", path);
  if (ret !== NE_REDIRECT) return path;
  const found = ne_redirect_location(sess)?.path ?? path;
  stage.say(`${path} is at ${found}`);
  return found;
}

async function list(stage: Stage, sess: ne_session, path: string): Promise<Map<string, string>> {
  const tags = new Map<string, string>();
  const ret = await ne_simple_propfind(sess, path, NE_DEPTH_ONE, [ETAG], (_, uri, results) => {
    const tag = ne_propset_value(results, ETAG);
    if (tag !== null && uri.path !== null) tags.set(uri.path, tag);
  });
  check(ret, NE_OK, sess);
  // neon's paths stay escaped: what is shown is not what is sent
  for (const escaped of [...tags.keys()].sort()) {
    stage.say(`  ${escaped} is ${ne_path_unescape(escaped.slice(path.length)) ?? "?"}`);
  }
  return tags;
}

async function edit(
  stage: Stage,
  sess: ne_session,
  other: ne_session,
  store: ReturnType<typeof ne_lockstore_create>,
  folder: string,
  tags: Map<string, string>,
): Promise<void> {
  const [path = "", tag = ""] = [...tags][0] ?? [];
  const lock = ne_lock_create();
  ne_fill_server_uri(sess, lock.uri);
  lock.uri.path = folder;
  lock.depth = NE_DEPTH_INFINITE;
  lock.owner = "ada";
  lock.timeout = 600;
  check(await ne_lock(sess, lock), NE_OK, sess);
  ne_lockstore_add(store, lock);
  stage.say(`locked ${folder}`);

  stage.say(`edited: ${await putIfMatch(sess, path, tag, "edited\n")}`);
  stage.say(`edited again, by the tag of before: ${await putIfMatch(sess, path, tag, "lost\n")}`);
  check(await ne_putbuf(other, path, Buffer.from("mine\n")), NE_ERROR, other);
  stage.say(`edited by somebody else: ${ne_get_error(other)}`);

  check(await ne_move(sess, 0, path, `${folder}moved.txt`), NE_OK, sess);
  stage.say(`moved: ${ne_get_error(sess)}`);
  check(await ne_unlock(sess, lock), NE_OK, sess);
  ne_lockstore_remove(store, lock);
  ne_lock_destroy(lock);
  check(await ne_putbuf(other, `${folder}moved.txt`, Buffer.from("mine\n")), NE_OK, other);
  stage.say(`unlocked; edited by somebody else: ${ne_get_error(other)}`);
}

// Replaces a file, unless it has changed since its tag was read.
async function putIfMatch(
  sess: ne_session,
  path: string,
  tag: string,
  text: string,
): Promise<string> {
  const req = ne_request_create(sess, "PUT", path);
  ne_add_request_header(req, "If-Match", tag);
  ne_set_request_body_buffer(req, Buffer.from(text));
  ne_lock_using_resource(req, path, NE_DEPTH_ZERO);
  const ret = await ne_request_dispatch(req);
  const fresh = ne_get_status(req).klass === 2 && ne_get_response_header(req, "ETag") !== tag;
  ne_request_destroy(req);
  check(ret, NE_OK, sess);
  return ne_get_error(sess) + (fresh ? ", with a new tag" : "");
}

async function simple(sess: ne_session, method: string, path: string): Promise<number> {
  const req = ne_request_create(sess, method, path);
  const ret = await ne_request_dispatch(req);
  ne_request_destroy(req);
  return ret;
}

function check(ret: number, wanted: number, sess: ne_session): void {
  if (ret !== wanted) throw new Error(`code ${ret}: ${ne_get_error(sess)}`);
}

playIfProgram(import.meta.url, shell);

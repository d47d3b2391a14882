// The shell session once more, as a script: one call a request, and a value with everything in it.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_set_server_auth } from "libneon/ne_auth";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import { nx_list, nx_send, nx_session_for, type nx_result } from "libneon/nx_script";
import { playIfProgram, type Stage } from "./stage.js";

const USER = { username: "ada", password: "lovelace" };
const ODD_NAMES = ["100% odd.txt", "a & b.txt", "café.txt", "what?.txt", "#1;x=y.txt"];

const LOCK = `<?xml version="1.0" encoding="utf-8"?>
<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>
<D:locktype><D:write/></D:locktype><D:owner>ada</D:owner></D:lockinfo>`;

/** The example. */
export async function scriptShell(stage: Stage): Promise<void> {
  const server = await stage.serve({ auth: { scheme: "digest", ...USER } });
  const sess = open(stage, server.url);
  const other = open(stage, server.url);
  try {
    must(await nx_send(sess, "MKCOL", "/notes/"));
    for (const name of ODD_NAMES) await writeFile(join(server.root, "notes", name), "odd\n");

    const page = must(await nx_send(sess, "GET", "/notes", { redirects: 1 }));
    const folder = new URL(page.url).pathname;
    stage.say(`/notes is at ${folder}`);

    const files = [];
    for await (const file of nx_list(sess, folder)) if (!file.collection) files.push(file);
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const { path, name } of files) stage.say(`  ${path} is ${name}`);
    await edit(stage, sess, other, folder, files[0]?.path ?? "", files[0]?.etag ?? "");
  } finally {
    ne_session_destroy(other);
    ne_session_destroy(sess);
  }
}

function open(stage: Stage, url: string): ne_session {
  const sess = nx_session_for(url);
  if (sess === null) throw new TypeError(`not a URL: ${url}`);
  ne_set_server_auth(sess, (_userdata, realm, attempt, username, password) => {
    stage.say(`password for "${realm}", attempt ${attempt + 1}`);
    username.value = USER.username;
    password.value = attempt === 0 ? "lovelase" : USER.password;
    return attempt < 2 ? 0 : 1;
  });
  return sess;
}

async function edit(
  stage: Stage,
  sess: ne_session,
  other: ne_session,
  folder: string,
  path: string,
  tag: string,
): Promise<void> {
  const type = { "Content-Type": "application/xml" };
  const headers = { Depth: "infinity", Timeout: "Second-600", ...type };
  const locked = must(await nx_send(sess, "LOCK", folder, { headers, body: LOCK }));
  const token = locked.header("Lock-Token") ?? "";
  // the token is submitted with what it is for (RFC 4918, 10.4)
  const held = { If: `<${new URL(folder, locked.url).href}> (${token})` };
  stage.say(`locked ${folder}`);

  const put = (text: string): Promise<nx_result> =>
    nx_send(sess, "PUT", path, { body: text, headers: { ...held, "If-Match": tag } });
  const first = await put("edited\n");
  const fresh = first.header("ETag") !== tag ? ", with a new tag" : "";
  stage.say(`edited: ${first.error}${fresh}`);
  stage.say(`edited again, by the tag of before: ${(await put("lost\n")).error}`);
  const theirs = await nx_send(other, "PUT", path, { body: "mine\n" });
  stage.say(`edited by somebody else: ${theirs.error}`);

  const moved = `${folder}moved.txt`;
  const to = { Destination: new URL(moved, locked.url).href, Overwrite: "F" };
  const move = must(await nx_send(sess, "MOVE", path, { headers: { ...held, ...to } }));
  stage.say(`moved: ${move.error}`);
  must(await nx_send(sess, "UNLOCK", folder, { headers: { "Lock-Token": token } }));
  const now = must(await nx_send(other, "PUT", moved, { body: "mine\n" }));
  stage.say(`unlocked; edited by somebody else: ${now.error}`);
}

function must(result: nx_result): nx_result {
  if (!result.ok) throw new Error(result.error, { cause: result.cause });
  return result;
}

playIfProgram(import.meta.url, scriptShell);

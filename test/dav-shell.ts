// The WebDAV shell of docs/examples/dav-shell, run as the program that it is: one story against
// every server, then what a pipe and a terminal may ask of it. Needs the build.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { quoteWord, resolvePath, splitWords } from "../docs/examples/dav-shell/words.js";
import { type DavServerOptions, startDavServer } from "../docs/examples/server/server.js";
import {
  environment,
  folder,
  hasScript,
  runProgram,
  runProgramOnTerminal,
  type Outcome,
} from "./fixtures/program.js";
import { startApache } from "./fixtures/real/apache.js";
import { nginxHasDavExt, startNginx } from "./fixtures/real/nginx.js";
import { startSabre } from "./fixtures/real/sabre.js";
import { scripted } from "./fixtures/server.js";

const SHELL = fileURLToPath(new URL("../dist/examples/dav-shell/main.js", import.meta.url));

async function own(t: Test, options: DavServerOptions = {}): Promise<string> {
  const server = await startDavServer(options);
  t.teardown(() => server.close());
  return `${server.url}/`;
}

/** A folder to work in, with an editor that adds a line. */
function workplace(t: Test): { cwd: string; env: NodeJS.ProcessEnv } {
  const cwd = folder(t);
  writeFileSync(join(cwd, "hello.txt"), "hello\n");
  const editor = join(cwd, "editor");
  writeFileSync(editor, '#!/bin/sh\necho edited >> "$1"\n');
  chmodSync(editor, 0o755);
  return { cwd, env: environment(folder(t), { EDITOR: editor, VISUAL: "" }) };
}

function shell(
  place: { cwd: string; env: NodeJS.ProcessEnv },
  args: string[],
  lines: string[],
): Promise<Outcome> {
  return runProgram(SHELL, args, place.env, lines.map((line) => `${line}\n`).join(""), place.cwd);
}

const SERVERS: Record<string, (t: Test) => Promise<string | null>> = {
  "the examples' own": (t) => own(t),
  Apache: async (t) => at("/dav/", await startApache(t)),
  nginx: async (t) => (nginxHasDavExt() ? at("/dav/", await startNginx(t)) : null),
  "sabre/dav": async (t) => at("/", await startSabre(t, "files")),
};

function at(path: string, server: { origin: string } | null): string | null {
  return server === null ? null : server.origin + path;
}

t.test("it was built", async (t) => {
  t.ok(existsSync(SHELL), "npm run build");
});

for (const [name, start] of Object.entries(SERVERS)) {
  t.test(`a day's work on ${name}`, async (t) => {
    const url = await start(t);
    if (url === null) return void t.pass("it", { skip: "not installed" });
    const place = workplace(t);
    const base = decodeURI(new URL(url).pathname);
    const hasProperties = name !== "nginx"; // its dav-ext has no PROPPATCH
    const { code, out, err } = await shell(place, [url], [
      "mkcol 'a & b'",
      "cd 'a & b'",
      "pwd",
      "put hello.txt 100%.txt",
      "lock 100%.txt",
      "edit 100%.txt",
      "unlock 100%.txt",
      "copy 100%.txt copied.txt",
      "move copied.txt moved.txt",
      "cat moved.txt",
      "edit moved.txt",
      "get moved.txt fetched.txt",
      "mkcol deep",
      "put hello.txt deep/",
      "copy deep 'deep two'",
      "ls 'deep two'",
      "rm -r deep",
      "ls",
      ...(hasProperties
        ? ["propset moved.txt {urn:x}colour 'red & blue'", "propget moved.txt {urn:x}colour"]
        : []),
      "propnames moved.txt",
    ]);
    t.equal(err, "");
    t.equal(code, 0);
    t.match(out, `${base}a & b/\n`);
    t.match(out, "hello\nedited\n", "cat shows what was edited");
    t.equal(readFileSync(join(place.cwd, "fetched.txt"), "utf8"), "hello\nedited\nedited\n");
    t.match(out, /^ +6 .* hello\.txt$/m, "a copy of a folder has what is in it");
    t.match(out, /^ +13 .* 100%\.txt$/m);
    t.match(out, /^ +- .* deep two\/$/m);
    t.notMatch(out, /deep\/$/m, "what was removed is not there");
    if (hasProperties) t.match(out, /^red & blue$/m);
    t.match(out, /^getcontentlength$/m);
    t.strictSame(readdirSync(place.env["TMPDIR"] ?? ""), [], "no temporary file is left");
    t.notMatch(out, "\x1b", "no escape sequences in a pipe");
  });
}

t.test("the first failure ends a pipe, unless -k", async (t) => {
  const place = workplace(t);
  const url = await own(t);
  const lines = ["rm missing", "pwd"];
  t.strictSame(await shell(place, [url], lines), {
    code: 1,
    out: "",
    err: "rm: 404 Not Found\n",
  });
  const further = await shell(place, ["-k", url], lines);
  t.strictSame(further, { code: 1, out: "/\n", err: "rm: 404 Not Found\n" });
  t.equal((await shell(place, [url], ["quit", "rm missing"])).code, 0, "nothing behind quit");
});

t.test("nothing is replaced or removed by accident", async (t) => {
  const place = workplace(t);
  const url = await own(t);
  await shell(place, [url], ["put hello.txt", "mkcol f", "put hello.txt f/x"]);
  writeFileSync(join(place.cwd, "hello.txt"), "mine\n");
  const rows: [line: string, err: string][] = [
    ["put hello.txt", "put: /hello.txt is there already (-f replaces it)\n"],
    ["get hello.txt", "get: hello.txt is there already (-f replaces it)\n"],
    ["copy f/x hello.txt", "copy: 412 Precondition Failed\n"],
    ["move f/x hello.txt", "move: 412 Precondition Failed\n"],
    ["rm f", "rm: /f/ is a folder: rm -r removes it with all in it\n"],
    ["get missing", "get: 404 Not Found\n"],
    ["cat missing", "cat: 404 Not Found\n"],
    ["cat f 'x y", "a quote does not end\n"],
    ["cd hello.txt", "cd: /hello.txt/ is no folder\n"],
    ["unlock f", "unlock: this shell holds no lock on /f\n"],
    ["ls a b", "usage: ls [PATH]\n"],
    ["rm -x f", "usage: rm [-r] PATH\n"],
    ["format c:", "format: there is no such command; try help\n"],
    ["search x", "search: 501 Not Implemented\n"],
    ["propget f {urn:x}y", "propget: {urn:x}y: 404 Not Found\n"],
  ];
  const all = await shell(place, ["-k", url], rows.map(([line]) => line));
  t.match(all, { code: 1, out: "" });
  t.strictSame(all.err.split(/(?<=\n)/), rows.map(([, err]) => err));
  t.equal(readFileSync(join(place.cwd, "hello.txt"), "utf8"), "mine\n");
  t.same(readdirSync(place.cwd).sort(), ["editor", "hello.txt"], "no part of a file");
  const cat = await shell(place, [url], ["cat hello.txt", "put -f hello.txt", "cat hello.txt"]);
  t.match(cat, { code: 0, out: "hello\nmine\n" });
});

t.test("locks keep others out, and end with the shell", async (t) => {
  const place = workplace(t);
  const url = await own(t);
  await shell(place, [url], ["put hello.txt"]);
  // the lock of one shell is seen by another while an editor runs
  const other = `"${process.execPath}" "${SHELL}" -k ${url}`;
  const editor = join(place.cwd, "editor");
  const say = "echo 'locks hello.txt\\nput -f hello.txt' | sed 's/\\\\n/\\n/'";
  writeFileSync(editor, `#!/bin/sh\necho edited >> "$1"\n${say} | ${other} >seen 2>&1\nexit 0\n`);
  const { code, err } = await shell(place, [url], ["edit hello.txt", "lock hello.txt"]);
  t.equal(code, 0);
  t.equal(err, "unlocked /hello.txt\n");
  const seen = readFileSync(join(place.cwd, "seen"), "utf8");
  t.match(seen, /^\/hello\.txt {2}exclusive {2}alone {2}\d+ s {2}dav-shell {2}urn:uuid:\S+$/m);
  t.match(seen, /^put: 423 Locked$/m);
  const after = await shell(place, [url], ["locks hello.txt", "cat hello.txt"]);
  t.match(after, { code: 0, out: "hello\nedited\n" });
});

t.test("what was written is kept where it cannot be put back", async (t) => {
  const place = workplace(t);
  const server = await startDavServer({
    refuse: (method) => (method === "PUT" && refusing ? 403 : 0),
  });
  let refusing = false;
  t.teardown(() => server.close());
  await shell(place, [server.url], ["put hello.txt"]);
  refusing = true;
  const { code, err } = await shell(place, [server.url], ["edit hello.txt"]);
  t.equal(code, 1);
  const [, kept = ""] = /^what was written is in (.*)$/m.exec(err) ?? [];
  t.match(err, /^edit: 403 Forbidden$/m);
  t.equal(readFileSync(kept, "utf8"), "hello\nedited\n");
});

t.test("a search is a basicsearch below the folder", async (t) => {
  const found = '<d:response><d:href>/f/a%20b</d:href><d:propstat><d:prop/><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>';
  const multi = (inside: string): string => {
    const body = `<d:multistatus xmlns:d="DAV:">${inside}</d:multistatus>`;
    return `HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  const folderFound = '<d:response><d:href>/f/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>';
  const server = await scripted(t, [[multi(folderFound)]], { fewer: true });
  const place = workplace(t);
  const { code, out, err } = await shell(place, [`${server.origin}/f`], ["search '<5%'", "quit"]);
  t.equal(code, 1, "XML that is none");
  t.match(err, /^search: /);
  t.equal(out, "");
  const again = await scripted(t, [[multi(folderFound), multi(found)]], { fewer: true });
  const good = await shell(place, [`${again.origin}/f`], ["search 5%&"]);
  t.strictSame(good, { code: 0, out: "/f/a b\n", err: "" });
  const request = again.requests[1];
  t.equal(request?.method, "SEARCH");
  t.match(String(request?.body), "<D:literal>%5\\%&amp;%</D:literal>");
});

t.test("servers that say odd things", async (t) => {
  const place = workplace(t);
  const empty = '<d:multistatus xmlns:d="DAV:"/>';
  const server = await scripted(
    t,
    [[`HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: ${empty.length}\r\n\r\n${empty}`]],
    { fewer: true },
  );
  const { code, err } = await shell(place, [server.origin], ["ls"]);
  t.equal(code, 1);
  t.match(err, "/: the answer names no resource", "an answer without resources is no empty folder");
  const refused = await shell(place, ["http://127.0.0.1:1/"], ["ls"]);
  t.equal(refused.code, 1);
  t.match(refused.err, /^\/: Could not connect to server: .*Connection refused/);
});

t.test("bad usage: 2, and what is meant", async (t) => {
  const place = workplace(t);
  const rows: [string[], RegExp][] = [
    [[], /^one URL, please\nusage: /],
    [["ftp://a/"], /^not an http or https URL: ftp:\/\/a\/\nusage: /],
    [["--no"], /^Unknown option '--no'\nusage: /],
    [["--ca", "/no/file", "http://a/"], /^no certificate can be read from \/no\/file\n/],
  ];
  for (const [args, words] of rows) {
    const { code, out, err } = await shell(place, args, []);
    t.equal(code, 2, args.join(" "));
    t.match(err, words);
    t.equal(out, "");
  }
  t.match(await shell(place, ["--help"], []), { code: 0, err: "" });
});

t.test("a login", async (t) => {
  const place = workplace(t);
  const auth = { scheme: "digest" as const, username: "me", password: "se:cret" };
  const url = await own(t, { auth });
  t.match(await shell(place, ["-u", "me:se:cret", url], ["pwd"]), { code: 0, out: "/\n", err: "" });
  const wrong = await shell(place, ["-u", "me:wrong", url], ["pwd"]);
  t.equal(wrong.code, 1);
  t.match(wrong.err, /^\/: Could not authenticate to server/);
  t.notMatch(wrong.err, "wrong");
  const nobody = await shell(place, ["-u", "me", url], ["pwd"]);
  t.equal(nobody.code, 1);
  t.match(nobody.err, "Nobody can be asked here for a password.");
});

t.test("words", async (t) => {
  const rows: [string, string[] | null][] = [
    ["", []],
    ["  a  b\t", ["a", "b"]],
    [`a\\ b "c 'd" 'e\\'`, ["a b", "c 'd", "e\\"]],
    ["'' # no word", [""]],
    ["a#b", ["a#b"]],
    ["'a", null],
  ];
  for (const [line, words] of rows) t.strictSame(splitWords(line), words, line);
  for (const name of ["a b", "it's", '"', "\\", "#1", "tab\t"]) {
    t.strictSame(splitWords(quoteWord(name)), [name]);
  }
});

t.test("paths", async (t) => {
  const rows: [string, string, string][] = [
    ["/a/", "b", "/a/b"],
    ["/a/", "b/", "/a/b/"],
    ["/a/", "..", "/"],
    ["/a/b/", "../c d", "/a/c%20d"],
    ["/a/", ".", "/a/"],
    ["/a/", "/", "/"],
    ["/a/", "/x/./y/../z?", "/x/z%3f"],
    ["/", "../../..", "/"],
  ];
  for (const [from, name, path] of rows) t.equal(resolvePath(from, name), path, `${from} ${name}`);
});

t.test("on a terminal", { skip: hasScript ? false : "no script(1)" }, async (t) => {
  const type = (
    place: { env: NodeJS.ProcessEnv },
    args: string[],
    answers: [string, string | null][],
  ): Promise<Outcome> => runProgramOnTerminal(SHELL, args, place.env, answers);
  await t.test("a password is not shown, a failure goes on, history and completion", async (t) => {
    const place = workplace(t);
    const auth = { scheme: "basic" as const, username: "me", password: "secret" };
    const url = await own(t, { auth });
    await shell(place, ["-u", "me:secret", url], ["mkcol 'long name'", "put hello.txt 'long name/x'"]);
    const env = { ...place.env, TERM: "xterm", NO_COLOR: "" };
    const { code, out } = await type({ env }, ["-u", "me", url], [
      ["Password of me", "secret"],
      ["dav:/>", "rm nothing"],
      // a key that is pressed before the prompt goes to the terminal, not to the shell
      ["404 Not Found", null],
      ["dav:/>", "cd lo\t"],
      ["long\\ name/", ""],
      ["dav:/long name/>", "\x1b[A\x1b[A\x03"],
      ["^C", null],
      ["dav:/long name/>", "cat x"],
      ["hello", null],
      ["dav:/long name/>", "\x04"],
    ]);
    t.equal(code, 0);
    t.notMatch(out, "secret");
    t.match(out, "\x1b[31mrm: 404 Not Found", "in colour");
  });
  await t.test("a certificate is shown and asked about", async (t) => {
    const place = workplace(t);
    const url = await own(t, { tls: true });
    const yes = await type(place, [url], [
      ["Accept it for this visit?", "y"],
      ["dav:/>", "quit"],
    ]);
    t.equal(yes.code, 0);
    t.match(yes.out, "problem:     its issuer is not trusted");
    const no = await type(place, [url], [["Accept it for this visit?", "n"]]);
    t.equal(no.code, 1);
    t.match(no.out, "SSL error: Server certificate");
  });
  await t.test("NO_COLOR", async (t) => {
    const place = workplace(t);
    const url = await own(t);
    const env = { ...place.env, NO_COLOR: "1", TERM: "xterm" };
    const { code, out } = await type({ env }, [url], [["dav:/>", "ls"], ["dav:/>", "quit"]]);
    t.equal(code, 0);
    t.notMatch(out, /\x1b\[\d*m(?!$)/m);
  });
});

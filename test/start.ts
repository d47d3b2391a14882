// What `npm start` runs, run: the tour against itself, and visits to a server of the test's own, on
// a terminal too where `script` (util-linux) can make one. Needs the build, as `npm start` does.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { type DavServerOptions, startDavServer } from "../docs/examples/server/server.js";
import { makeSelfSigned } from "../docs/examples/self-signed.js";
import { formatBytes } from "../docs/examples/terminal.js";
import {
  environment,
  folder,
  hasScript,
  runProgram,
  runProgramOnTerminal,
  type Outcome,
} from "./fixtures/program.js";
import { checkHar, type Har } from "./fixtures/har.js";
import { refusedPort, scripted } from "./fixtures/server.js";

const START = fileURLToPath(new URL("../dist/examples/start.js", import.meta.url));

const run = (args: string[], env: NodeJS.ProcessEnv): Promise<Outcome> =>
  runProgram(START, args, env);

const runOnTerminal = (
  args: string[],
  env: NodeJS.ProcessEnv,
  answers: [question: string, answer: string][],
  before = "",
): Promise<Outcome> => runProgramOnTerminal(START, args, env, answers, before);

async function serve(
  t: Test,
  options: DavServerOptions = {},
): Promise<Awaited<ReturnType<typeof startDavServer>>> {
  const root = folder(t);
  writeFileSync(join(root, "hello.txt"), "hello, world\n");
  writeFileSync(join(root, "a & b"), "x".repeat(2000));
  const server = await startDavServer({ root, ...options });
  t.teardown(() => server.close());
  return server;
}

t.test("it was built", async (t) => {
  t.ok(existsSync(START), "npm run build");
});

t.test("the tour comes out as expected and leaves nothing behind", async (t) => {
  const temp = folder(t);
  const { code, out, err } = await run([], environment(temp));
  t.equal(code, 0);
  t.equal(err, "");
  t.match(out, /^Try next: npm start -- https:.*\nEverything came as expected\.\n$/m);
  t.notMatch(out, "\r", "a bar leaves no litter in a pipe");
  t.notMatch(out, /^ {4}! /m, "no step failed");
  t.notMatch(out, "\x1b", "no escape sequences where there is no terminal");
  const calls: [RegExp, string][] = [
    [/ne_put\(.*NE_OK +201 Created/, "PUT"],
    [/^ +- receiving 8\.0 MiB, /m, "a line in place of the bar"],
    [/GET, If-None-Match\).*NE_OK +304 Not Modified/, "conditional GET"],
    [/ne_get_range\(.*NE_OK +206 Partial Content/, "range"],
    [/ne_copy\(.*NE_OK +201 Created/, "COPY"],
    [/ne_move\(.*NE_ERROR +412 Precondition Failed/, "MOVE that is refused"],
    [/GET \/folder\).*NE_REDIRECT/, "redirect"],
    [/ne_getmodtime\(.*NE_CONNECT +.*refused/, "refused connection"],
    [/ne_getmodtime\(.*NE_LOOKUP +.*no-such-host\.invalid/, "failed lookup"],
    [/ne_putbuf\(.*NE_ERROR +423 Locked/, "PUT without the token"],
    [/ne_delete\(.*NE_ERROR +.*stubborn\.txt: 403 Forbidden/, "a tree that stays"],
    [/problem: +its issuer is not trusted/, "reasons"],
    [/TLSv1\.3, /, "handshake"],
  ];
  for (const [call, name] of calls) t.match(out, call, name);
  t.same(readdirSync(temp), [], "no temporary files are left");
});

t.test("a visit shows status, header and times", async (t) => {
  const server = await serve(t);
  const env = environment(folder(t));
  const { code, out } = await run([`${server.url}/hello.txt`], env);
  t.equal(code, 0);
  t.match(out, /^Connecting to 127\.0\.0\.1$/m);
  t.match(out, /^HTTP\/1\.1 200 OK$/m);
  t.match(out, /^ {2}content-type: text\/plain; charset=utf-8$/m);
  t.match(out, /^13 bytes of content, not saved$/m);
  t.match(out, /^Time: .*connect \d+\.\d ms, .*total \d+\.\d ms$/m);
});

t.test("-o saves what came with a 2xx, and only that", async (t) => {
  const server = await serve(t);
  const temp = folder(t);
  const file = join(temp, "saved");
  writeFileSync(file, "before");
  const missing = await run([`${server.url}/no`, "-o", file], environment(temp));
  t.equal(missing.code, 1);
  t.match(missing.out, "HTTP/1.1 404 Not Found");
  t.equal(readFileSync(file, "utf8"), "before");
  const found = await run(["-o", file, `${server.url}/hello.txt`], environment(temp));
  t.equal(found.code, 0);
  t.equal(readFileSync(file, "utf8"), "hello, world\n");
  const nowhere = join(temp, "no/such/folder");
  const failed = await run([`${server.url}/hello.txt`, "-o", nowhere], environment(temp));
  t.equal(failed.code, 1);
  t.match(failed.err, /^NE_ERROR: Could not write: ENOENT/);
});

t.test("a redirect is shown, not followed", async (t) => {
  const server = await serve(t);
  await (await fetch(`${server.url}/folder`, { method: "MKCOL" })).text();
  const before = server.log.length;
  const { code, out } = await run([`${server.url}/folder`], environment(folder(t)));
  t.equal(code, 1);
  t.match(out, `not followed, to ${server.url}/folder/`);
  t.equal(server.log.length, before + 1);
});

t.test("--list", async (t) => {
  const server = await serve(t);
  const { code, out } = await run([`${server.url}/`, "--list"], environment(folder(t)));
  t.equal(code, 0);
  t.match(out, /^size +modified \(UTC\) +name$/m);
  t.match(out, /^2000 +\d{4}-\d\d-\d\d \d\d:\d\d +a & b$/m);
  t.match(out, /^ +13 +\d{4}-\d\d-\d\d \d\d:\d\d +hello\.txt$/m);
  const file = await run([`${server.url}/hello.txt`, "--list"], environment(folder(t)));
  t.match(file.out, /^ +13 +\d{4}-\d\d-\d\d \d\d:\d\d +hello\.txt$/m, "a file is its own list");
  const none = await run([`${server.url}/no/`, "--list"], environment(folder(t)));
  t.equal(none.code, 1);
  t.equal(none.err, "NE_ERROR: 404 Not Found\n");
});

t.test("failures in the words of the library", async (t) => {
  const env = environment(folder(t));
  const lookup = await run(["http://no-such-host.invalid/"], env);
  t.equal(lookup.code, 1);
  t.match(lookup.err, /^NE_LOOKUP: .*no-such-host\.invalid/);
});

t.test("numbers of bytes, and rates, are short", async (t) => {
  const rows: [bytes: number, shown: string][] = [
    [0, "0 B"],
    [279.0193363190267, "279 B"],
    [1024, "1.0 KiB"],
    [300_000, "293.0 KiB"],
    [2 ** 50, "1024.0 TiB"],
  ];
  for (const [bytes, shown] of rows) t.equal(formatBytes(bytes), shown);
});

t.test("what a server sends does not steer the terminal", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      const header = "HTTP/1.1 200 O\u009bK\r\nX-Evil: a\u001b[2Jb\r\n";
      socket.end(`${header}Content-Length: 0\r\n\r\n`, "latin1");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const { code, out } = await run([`http://127.0.0.1:${port}/`], environment(folder(t)));
  t.equal(code, 0);
  t.notMatch(out, /[\u001b\u009b]/);
});

t.test("bad usage: a usage line, and 2", async (t) => {
  const env = environment(folder(t));
  const rows: [string[], RegExp][] = [
    [["--no-such"], /^Unknown option '--no-such'[^]*^usage: npm start$/m],
    [["-o", "file"], /^usage: /],
    [["http://a/", "http://b/"], /^usage: /],
    [["http://a/", "--list", "-o", "x"], /^usage: /],
    [["--insecure", "https://a/"], /^Unknown option '--insecure'/],
    [["ftp://a/"], /^not an http or https URL: ftp:\/\/a\/$/m],
    [["a"], /^not an http or https URL: a$/m],
    [["http://a/", "--proxy", "no"], /^the proxy must be /],
    [["https://a/", "--ca", "/no/file"], /^no certificate can be read from \/no\/file$/m],
    [["https://a/", "--cert", "/no/file"], /^no client certificate can be read from /],
  ];
  for (const [args, words] of rows) {
    const { code, out, err } = await run(args, env);
    t.equal(code, 2, args.join(" "));
    t.match(err, words, args.join(" "));
    t.equal(out, "");
  }
  const help = await run(["--help"], env);
  t.equal(help.code, 0);
  t.match(help.out, /^usage: /);
});

t.test("what failed comes with a hint", async (t) => {
  const auth = { scheme: "basic" as const, username: "me", password: "secret" };
  const server = await serve(t, { auth });
  const open = await serve(t);
  const env = environment(folder(t));
  const answering = async (head: string): Promise<string> => {
    const peer = await scripted(t, [`${head}Content-Length: 0\r\n\r\n`]);
    return `${peer.origin}/`;
  };
  const rows: [string[], RegExp][] = [
    [["http://127.0.0.1:1/"], /^hint: nothing listens there/m],
    [["http://no-such-host.invalid/"], /^hint: check the spelling/m],
    [[`${server.url}/hello.txt`], /^hint: log in with --user NAME$/m],
    [[`${server.url}/hello.txt`, "--user", "me:no"], /^hint: check name and password/m],
    [[`${open.url}/missing`], /^hint: nothing is there/m],
    [[open.url.replace("http", "https")], /^hint: does the server speak TLS there/m],
    [[await answering("HTTP/1.1 302 Found\r\nLocation: /x\r\n")], /^It redirects, .*\/x$/m],
    [[await answering("HTTP/1.1 407 Login\r\n")], /^hint: the proxy wants a login/m],
    [[await answering("HTTP/1.1 429 Slower\r\n")], /^hint: the server has too much to do/m],
    [[await answering("HTTP/1.1 500 Fault\r\n")], /^hint: the fault is the server's/m],
    [[await answering("SSH-2.0-OpenSSH_9\r\n")], /^hint: what answers there is no HTTP/m],
  ];
  for (const [args, words] of rows) {
    const { code, out } = await run(args, env);
    t.equal(code, 1, args.join(" "));
    t.match(out, words, args.join(" "));
  }
});

t.test("the example server alone", async (t) => {
  const main = fileURLToPath(new URL("../dist/examples/server/main.js", import.meta.url));
  const root = folder(t);
  writeFileSync(join(root, "hello.txt"), "hello\n");
  const env = environment(folder(t));
  const child = spawn(process.execPath, [main, root, "--port", "0", "--user", "me:secret"], { env });
  t.teardown(() => child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const [, url = ""] = /^(http:\S+)\/ serves /.exec(String(said)) ?? [];
  t.equal((await run([`${url}/hello.txt`, "--user", "me:secret"], env)).code, 0);
  t.equal((await run([`${url}/hello.txt`], env)).code, 1);
  child.kill("SIGINT");
  t.strictSame(await once(child, "close"), [0, null]);
  for (const args of [[], ["/no/such/folder"], [root, "--port", "x"], ["--no"]]) {
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
    t.equal(status, 2);
    t.match(stderr, /^usage: npm run serve/m);
  }
});

t.test("--user with a password, and without anybody to ask", async (t) => {
  const auth = { scheme: "digest" as const, username: "me", password: "se:cret" };
  const server = await serve(t, { auth });
  const env = environment(folder(t));
  const url = `${server.url}/hello.txt`;
  t.equal((await run([url, "--user", "me:se:cret"], env)).code, 0);
  t.equal((await run([url.replace("//", "//me:se%3Acret@")], env)).code, 0);
  const wrong = await run([url, "--user", "me:wrong"], env);
  t.equal(wrong.code, 1);
  t.match(wrong.err, /^NE_AUTH: Could not authenticate to server/);
  t.notMatch(wrong.out + wrong.err, /wrong/, "no password is shown");
  const unknown = await run([url, "--user", "me"], env);
  t.equal(unknown.code, 1);
  t.match(unknown.out, "Nobody can be asked here for a password.");
});

t.test("a proxy, given or from the environment", async (t) => {
  const server = await serve(t);
  const temp = folder(t);
  const url = "http://somewhere.invalid/hello.txt"; // the server takes absolute targets
  const given = await run([url, "--proxy", server.url], environment(temp));
  t.equal(given.code, 0);
  const found = await run([url], environment(temp, { http_proxy: server.url }));
  t.equal(found.code, 0);
  t.match(server.log.at(-1), "GET http://somewhere.invalid/hello.txt 200");
});

t.test("a certificate that cannot be verified is refused, or trusted with --ca", async (t) => {
  const temp = folder(t);
  const own = makeSelfSigned();
  const server = await serve(t, { tls: own });
  const refused = await run([`${server.url}/hello.txt`], environment(temp));
  t.equal(refused.code, 1);
  t.match(refused.out, "problem:     its issuer is not trusted");
  t.match(refused.out, "subject:     ");
  t.match(refused.out, /fingerprint: SHA-256 (?:[0-9a-f]{2}:){31}[0-9a-f]{2}/);
  t.match(refused.out, "Nobody can be asked here");
  t.match(refused.err, /^NE_ERROR: .*issuer is not trusted/);
  t.same(server.log, [], "no request was sent");
  const file = join(temp, "ca.pem");
  writeFileSync(file, own.cert);
  const trusted = await run([`${server.url}/hello.txt`, "--ca", file], environment(temp));
  t.equal(trusted.code, 0);
  t.match(trusted.out, /^Secured by TLSv1\.3, /m);
});

const certs = fileURLToPath(new URL("fixtures/certs/", import.meta.url));
const mutual: DavServerOptions = {
  tls: {
    key: readFileSync(join(certs, "server.key")),
    cert: readFileSync(join(certs, "good.pem")),
    ca: readFileSync(join(certs, "ca.pem")),
    requestCert: true,
    rejectUnauthorized: true,
  },
};

t.test("--cert gives a client certificate", async (t) => {
  const server = await serve(t, mutual);
  const args = [`${server.url}/hello.txt`, "--ca", join(certs, "ca.pem"), "--cert"];
  const env = environment(folder(t));
  t.equal((await run([...args, join(certs, "client-plain.p12")], env)).code, 0);
  const locked = await run([...args, join(certs, "client.p12")], env);
  t.equal(locked.code, 2);
  t.match(locked.err, /^the client certificate could not be opened$/m, "nobody to ask");
  t.same(server.log.length, 1);
});

t.test("on a terminal", { skip: hasScript ? false : "script is not installed" }, async (t) => {
  const env = environment(folder(t));
  await t.test("a password is asked for, and not shown", async (t) => {
    const auth = { scheme: "basic" as const, username: "me", password: "sesame" };
    const server = await serve(t, { auth });
    const args = [`${server.url}/hello.txt`, "--user", "me"];
    const question = "Password of me for libneon demo: ";
    const { code, out } = await runOnTerminal(args, env, [
      [question, "wrong"],
      [question, "sesamo\x7fe"],
    ]);
    t.equal(code, 0);
    t.notMatch(out, "sesam");
    t.match(out, "HTTP/1.1 200 OK");
  });
  await t.test("a certificate is shown, and accepted only by a yes", async (t) => {
    const server = await serve(t, { tls: true });
    const args = [`${server.url}/hello.txt`];
    const question = "Accept it for this visit? [y/N] ";
    t.equal((await runOnTerminal(args, env, [[question, ""]])).code, 1);
    t.equal((await runOnTerminal(args, env, [[question, "n"]])).code, 1);
    t.same(server.log, []);
    t.equal((await runOnTerminal(args, env, [[question, "y"]])).code, 0);
  });
  await t.test("the password of a client certificate is asked for", async (t) => {
    const server = await serve(t, mutual);
    const ca = join(certs, "ca.pem");
    const args = [`${server.url}/hello.txt`, "--ca", ca, "--cert", join(certs, "client.p12")];
    const question = "Password of the client certificate Just A. Client: ";
    const answers: [string, string][] = [
      [question, "wrong"],
      [question, "secret"],
    ];
    const { code, out } = await runOnTerminal(args, env, answers);
    t.equal(code, 0);
    t.match(out, "Wrong password.");
    t.notMatch(out, "secret");
  });
  await t.test("the tour fits 40 columns, and has colours unless NO_COLOR is set", async (t) => {
    const plain = { ...env, TERM: "xterm", NO_COLOR: "" };
    for (const [colours, more] of [[true, plain], [false, { ...plain, NO_COLOR: "1" }]] as const) {
      const { code, out } = await runOnTerminal([], { ...more }, [], "stty cols 40; ");
      t.equal(code, 0);
      t.equal(/\x1b\[\d+m/.test(out), colours);
      const shown = out.replaceAll(/\x1b\[[\d;]*[mK]/g, "").split(/\r?\n|\r/);
      t.strictSame(shown.filter((line) => [...line].length > 40), []);
    }
  });
  await t.test("a bar is drawn", async (t) => {
    const server = await serve(t);
    writeFileSync(join(server.root, "big"), Buffer.alloc(3 << 20));
    const { code, out } = await runOnTerminal([`${server.url}/big`], env, []);
    t.equal(code, 0);
    t.match(out, /\r {2}received \[#{30}\] 100 % of 3\.0 MiB/);
  });
});

t.test("--record and --explain", async (t) => {
  interface Seen {
    code: number;
    out: RegExp;
    status: number;
    error: RegExp | null;
  }
  const visit = async (t: Test, url: string, want: Seen): Promise<void> => {
    const file = join(folder(t), "visit.har");
    const { code, out } = await run([url, "--record", file, "--explain"], environment(folder(t)));
    t.equal(code, want.code);
    t.match(out, want.out);
    t.ok(out.includes(`recorded: ${file}`));
    t.equal(statSync(file).mode & 0o777, 0o600, "nobody else reads it");
    const har = JSON.parse(readFileSync(file, "utf8")) as Har;
    checkHar(t, har);
    t.equal(har.log.entries.length, 1);
    const [entry] = har.log.entries;
    t.equal(entry?.request.url, url);
    t.equal(entry?.request.method, "GET");
    t.equal(entry?.response.status, want.status);
    if (want.error === null) t.equal(entry?._error, undefined);
    else t.match(entry?._error, want.error);
  };
  await t.test("success: nothing to explain", async (t) => {
    const server = await serve(t);
    const url = `${server.url}/hello.txt`;
    await visit(t, url, { code: 0, out: /^(?!.*failed while)/s, status: 200, error: null });
  });
  await t.test("a 404 is an answer", async (t) => {
    const server = await serve(t);
    const url = `${server.url}/missing`;
    await visit(t, url, { code: 1, out: /404 Not Found/, status: 404, error: null });
  });
  await t.test("a refused connection", async (t) => {
    const port = await refusedPort();
    await visit(t, `http://127.0.0.1:${port}/`, {
      code: 1,
      out: /^failed while +connecting\nerror +Could not connect to server: Connection refused\n/m,
      status: 0,
      error: /^Could not connect to server: Connection refused$/,
    });
  });
  await t.test("a certificate that nobody accepts", async (t) => {
    const server = await serve(t, { tls: true });
    await visit(t, `${server.url}/hello.txt`, {
      code: 1,
      out: /^failed while +judging the certificate$[^]*^tried +127\.0\.0\.1: connected$/m,
      status: 0,
      error: /issuer is not trusted/,
    });
    t.strictSame(server.log, [], "nothing was asked of it");
  });
  await t.test("a password is in neither", async (t) => {
    const auth = { scheme: "basic" as const, username: "me", password: "hush-hush" };
    const server = await serve(t, { auth });
    const file = join(folder(t), "visit.har");
    const args = [`${server.url}/hello.txt`, "--user", "me:hush-hush", "--record", file];
    const { code, out, err } = await run([...args, "--explain"], environment(folder(t)));
    t.equal(code, 0);
    const har = readFileSync(file, "utf8");
    for (const text of [har, out, err]) {
      t.notMatch(text, "hush-hush");
      t.notMatch(text, Buffer.from("me:hush-hush").toString("base64"));
    }
    t.equal((JSON.parse(har) as Har).log.entries.length, 2, "the challenge, and the answer");
  });
  await t.test("a file that cannot be written is said", async (t) => {
    const server = await serve(t);
    const args = [`${server.url}/hello.txt`, "--record", "/no/such/folder/x.har"];
    const { code, err } = await run(args, environment(folder(t)));
    t.equal(code, 2);
    t.match(err, /^the recording cannot be written: ENOENT/);
  });
});

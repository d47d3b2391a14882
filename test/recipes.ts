// docs/recipes.md: each recipe is short, compiles under the strict settings of the project, runs
// against the example server, and prints what it should. Needs the build.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import ts from "typescript";
import { makeSelfSigned } from "../docs/examples/self-signed.js";
import { startDavServer } from "../docs/examples/server/server.js";
import type { ne_session } from "../lib/ne_session.js";
import { answer, multistatus, propstat, response } from "./fixtures/dav.js";
import { scripted } from "./fixtures/server.js";
import { compilerOptions, readText, ROOT } from "./fixtures/sources.js";

const LINES = 15;

const PRELUDE = `
import * as ne from "libneon";
import { createReadStream, createWriteStream } from "node:fs";
import fs from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
interface Console { log(...args: unknown[]): void }
export const open = (url: string): ne.ne_session => ne.nx_session_open(url);
export const close = (sess: ne.ne_session): void => ne.ne_session_destroy(sess);
export async function run(
  sess: ne.ne_session, url: string, secureUrl: string, folder: string, console: Console,
): Promise<void> {
`;

/** What each recipe says, or leaves in the folder. */
const SAYS: Record<string, RegExp | { file: string; holds: RegExp }> = {
  "Read a page": /^alpha/,
  "JSON out, JSON in": /^x$/,
  "Upload a file with a progress bar": /^20[14] /,
  "Download to a file": { file: "copy.bin", holds: /^x{200000}$/ },
  "Read a part of a file": /^bytes 1000-1999\/200000 1000$/,
  "Log in": /^200 /,
  "Log in with a token": /^\d{3} /,
  "A server with a certificate of its own": /^200 /,
  "A client certificate": /^no such file, or a wrong password$/,
  "Through a proxy": /^200 /,
  "The proxy that the environment names": /^200 /,
  "Many requests at once": /a\.txt 200 OK[^]*c\.txt 200 OK/,
  Retry: /^200 /,
  Timeouts: /^$/,
  Cookies: { file: "cookies.json", holds: /^{"version":1,/ },
  "List a folder": /^a\.txt 6$/m,
  "Add up the sizes in a tree": /^\d{6}$/,
  "Cancel a request": /^(Aborted|200 OK)$/,
  "A Unix socket, such as Docker's": /./,
  "Read lines of JSON as they arrive": /^1\n2\n3$/,
  "Send a form with a file": /^200 /,
  "Send a form of fields": /^200 /,
  "Fetch only what has changed": /^not changed$/,
  "Do not overwrite what somebody else has changed": /^$/,
  "See which redirects were followed": /^$/,
  "Download a file, or resume a download": /^(W\/)?"/,
  "Upload a large file, and resume after a crash": /^new$/,
  "Mirror a folder": /^sub sub\/d\.txt$/,
  "List this week's events of a calendar": /^a\.ics Meeting$/,
  "Find files by name": /^\/papers\/a\.pdf$/,
};

/** Answers to what the example server does not know. */
const ANSWERED: Record<string, string> = {
  "List this week's events of a calendar": multistatus(
    response(
      "/calendar/a.ics",
      propstat(
        '<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav">' +
          "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Meeting\nEND:VEVENT\nEND:VCALENDAR\n" +
          "</C:calendar-data>",
      ),
    ),
  ),
  "Find files by name": multistatus(
    response("/papers/a.pdf", propstat("<D:displayname>a.pdf</D:displayname>")),
  ),
};

interface Recipe {
  readonly name: string;
  readonly code: string;
}

const recipes: Recipe[] = [
  ...readText("docs/recipes.md").matchAll(/^## \d+\. (.*)\n\n```ts recipe\n([^]*?)^```$/gm),
].map(([, name = "", code = ""]) => ({ name, code }));

t.test("there are many, each of a few lines", async (t) => {
  t.ok(recipes.length >= 25);
  for (const { name, code } of recipes) {
    t.ok(code.trimEnd().split("\n").length <= LINES, name);
    t.ok(name in SAYS, `${name} is run`);
  }
});

t.test("they compile", async (t) => {
  const modules = new Map(
    recipes.map(({ name, code }, at) => [
      path.join(ROOT, "test", `recipe_${at}.ts`),
      { name, text: `${PRELUDE}${code}}\n` },
    ]),
  );
  const options: ts.CompilerOptions = {
    ...compilerOptions(),
    rootDir: ROOT,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: { libneon: [path.join(ROOT, "lib/index.ts")] },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => modules.has(file) || fileExists(file);
  host.readFile = (file) => modules.get(file)?.text ?? readFile(file);
  host.getSourceFile = (file, target, ...rest) => {
    const module = modules.get(file);
    return module === undefined
      ? getSourceFile(file, target, ...rest)
      : ts.createSourceFile(file, module.text, target);
  };
  const program = ts.createProgram([...modules.keys()], options, host);
  for (const [file, { name }] of modules) {
    const source = program.getSourceFile(file);
    const problems = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
    t.strictSame(problems, [], name);
  }
});

interface Running {
  open(url: string): ne_session;
  close(sess: ne_session): void;
  run(
    sess: ne_session,
    url: string,
    secureUrl: string,
    folder: string,
    console: { log(...args: unknown[]): void },
  ): Promise<void>;
}

t.test("they run", async (t) => {
  const root = t.testdir({
    "a.txt": "alpha\n",
    "b.txt": "beta\n",
    "c.txt": "gamma\n",
    "big.bin": "x".repeat(200_000),
    "lines.jsonl": '{"n":1}\n{"n":2}\n{"n":3}\n',
    sub: { "d.txt": "delta\n" },
    modules: { node_modules: {} },
    mine: { "big.bin": "x".repeat(200_000) },
  });
  const own = makeSelfSigned();
  const folder = path.join(root, "mine");
  writeFileSync(path.join(folder, "server.pem"), own.cert);
  mkdirSync(path.join(root, "modules/node_modules"), { recursive: true });
  symlinkSync(ROOT, path.join(root, "modules/node_modules/libneon"));
  const server = await startDavServer({ root });
  const secure = await startDavServer({ root, tls: own });
  t.teardown(async () => {
    await server.close();
    await secure.close();
  });
  for (const [at, { name, code }] of recipes.entries()) {
    const file = path.join(root, `modules/recipe_${at}.mjs`);
    const compiled = ts.transpileModule(`${PRELUDE}${code}}\n`, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    writeFileSync(file, compiled.outputText);
    const recipe = (await import(pathToFileURL(file).href)) as Running;
    const said: string[] = [];
    const log = (...args: unknown[]): void => void said.push(args.map(String).join(" "));
    const body = ANSWERED[name];
    const answering = body === undefined ? null : await scripted(t, [[answer({ body })]]);
    const sess = recipe.open(answering?.origin ?? server.url);
    try {
      await recipe.run(sess, `${server.url}/a.txt`, `${secure.url}/`, folder, { log });
    } finally {
      recipe.close(sess);
    }
    const wanted = SAYS[name] ?? /^ /;
    if (wanted instanceof RegExp) t.match(said.join("\n"), wanted, name);
    else t.match(readFileSync(path.join(folder, wanted.file), "utf8"), wanted.holds, name);
  }
});

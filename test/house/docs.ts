// What the documents promise: their links lead somewhere and their code compiles. Blocks marked
// `ts` stand alone; one marked `ts continued` goes on where the block before it ended. Examples in
// comments of the library stand in a function of a program that has what they speak of.
import { existsSync } from "node:fs";
import path from "node:path";
import t from "tap";
import ts from "typescript";
import { ROOT, compilerOptions, filesBelow, readText } from "../fixtures/sources.js";

const pages = ["README.md", ...filesBelow("docs", ".md").map((file) => `docs/${file}`)].filter(
  (file) => !file.startsWith("docs/api/"),
);

/** A heading as GitHub names it in a link: lower case, punctuation dropped, blanks to hyphens. */
function anchorOf(heading: string): string {
  return heading
    .replace(/`|\*/g, "")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replace(/ /g, "-");
}

function withoutCode(text: string): string {
  return text.replace(/^```[^]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
}

function anchorsOf(file: string): Set<string> {
  const text = readText(file).replace(/^```[^]*?^```/gm, "");
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? "")));
}

t.test("links lead somewhere", async (t) => {
  for (const page of pages) {
    for (const [, link = ""] of withoutCode(readText(page)).matchAll(/\]\(([^)\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [target = "", anchor] = link.split("#");
      const file = target === "" ? page : path.posix.join(path.posix.dirname(page), target);
      // the reference is made by `npm run docs` and not kept
      if (file.startsWith("docs/api")) continue;
      t.ok(existsSync(path.join(ROOT, file)), `${page}: ${link}`);
      if (anchor !== undefined && file.endsWith(".md")) {
        t.ok(anchorsOf(file).has(anchor), `${page}: ${link}`);
      }
    }
  }
});

/** The code blocks of a page as the text of modules, by the line where each begins. */
function codeOf(page: string): Map<number, string> {
  const blocks = new Map<number, string>();
  let line = 1;
  let open: { at: number; text: string } | null = null;
  let last = 0;
  for (const text of readText(page).split("\n")) {
    if (open !== null && text === "```") {
      blocks.set(open.at, open.text);
      last = open.at;
      open = null;
    } else if (open !== null) {
      open.text += `${text}\n`;
    } else if (text === "```ts continued" && blocks.has(last)) {
      open = { at: last, text: blocks.get(last) ?? "" };
    } else if (text === "```ts") {
      open = { at: line, text: "" };
    }
    line++;
  }
  return blocks;
}

/** What a program around an example has: a session, a request, functions of its own. */
const AROUND = `
import fs from "node:fs";
import net from "node:net";
import type { ne_request, ne_session, ne_ssl_certificate, nx_recorder, nx_upload_state } from "libneon";
declare const sess: ne_session;
declare const req: ne_request;
declare const cert: ne_ssl_certificate;
declare const rec: nx_recorder;
declare const [size, fd]: [number, number];
declare const found: Map<string, string>;
declare let token: string | null;
declare function draw(done: number, total: number | null): void;
declare function load(): nx_upload_state | null;
declare function save(state: nx_upload_state): void;
interface KerberosContext { step(challenge: Buffer): Promise<Buffer | null> }
declare function newContext(service: string): KerberosContext;
`;

/** The examples in a file's comments, as the text of modules, by the line where each begins. */
function examplesOf(file: string): Map<number, string> {
  const text = readText(file);
  const examples = new Map<number, string>();
  for (const { 1: lines = "", index } of text.matchAll(/@example\n \* ```ts\n([^]*?) \* ```/g)) {
    const code = lines.replace(/^ \* ?/gm, "");
    const names = new Set([...code.matchAll(/(?<![.\w])n[ex]_\w+/gi)].map(([name]) => name));
    const imports = [...names].filter((name) => !/^(ne_request|ne_session)$/.test(name));
    const head = `import { ${imports.join(", ")} } from "libneon";${AROUND}`;
    const line = text.slice(0, index).split("\n").length;
    examples.set(line, `${head}export async function example(): Promise<void> {\n${code}}\n`);
  }
  return examples;
}

t.test("code in the documents and in comments compiles", async (t) => {
  const modules = new Map<string, string>();
  const add = (file: string, texts: ReadonlyMap<number, string>): void => {
    for (const [line, text] of texts) {
      modules.set(path.join(ROOT, "test", `${file.replace(/\W/g, "_")}_${line}.ts`), text);
    }
  };
  for (const page of pages) add(page, codeOf(page));
  for (const file of filesBelow("lib", ".ts")) add(`lib/${file}`, examplesOf(`lib/${file}`));
  const options: ts.CompilerOptions = {
    ...compilerOptions(),
    rootDir: ROOT,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    verbatimModuleSyntax: false,
    moduleDetection: ts.ModuleDetectionKind.Force,
    paths: {
      libneon: [path.join(ROOT, "lib/index.ts")],
      "libneon/*": [path.join(ROOT, "lib/*.ts")],
    },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => modules.has(file) || fileExists(file);
  host.readFile = (file) => modules.get(file) ?? readFile(file);
  host.getSourceFile = (file, target, ...rest) => {
    const text = modules.get(file);
    return text === undefined
      ? getSourceFile(file, target, ...rest)
      : ts.createSourceFile(file, text, target);
  };
  const program = ts.createProgram([...modules.keys()], options, host);
  for (const file of modules.keys()) {
    const source = program.getSourceFile(file);
    const problems = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ messageText, start }) => {
      const { line } = source?.getLineAndCharacterOfPosition(start ?? 0) ?? { line: 0 };
      return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
    t.strictSame(problems, [], path.basename(file, ".ts"));
  }
});

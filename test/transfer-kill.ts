// Programs killed in the midst of an upload, and begun again: docs/examples/uploader.ts against the
// server of the examples. Needs the build.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { startDavServer, type DavServer } from "../docs/examples/server/server.js";
import { seeded } from "./fixtures/feed.js";
import { content } from "./fixtures/transfer/client.js";

const PROGRAM = fileURLToPath(new URL("../dist/examples/uploader.js", import.meta.url));
const PIECES = 12;

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

function start(file: string, url: string): Run {
  const child = spawn(process.execPath, [PROGRAM, file, url], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, out, err }));
  });
  return { child, ended };
}

/** Settled when the server has seen so many requests of a method. */
function seen({ server }: DavServer, method: string, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const look = ({ method: asked }: { method?: string }): void => {
      if (asked !== method || --left > 0) return;
      server.off("request", look);
      resolve();
    };
    server.on("request", look);
  });
}

function folder(t: Test): string {
  const made = mkdtempSync(path.join(os.tmpdir(), "libneon-kill-"));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

t.test("killed at any piece, it goes on and the file is whole", async (t) => {
  const server = await startDavServer();
  t.teardown(() => server.close());
  const place = folder(t);
  const file = path.join(place, "source.bin");
  const bytes = content(PIECES << 20, 3);
  writeFileSync(file, bytes);
  const target = path.join(server.root, "target.bin");
  writeFileSync(target, "old");
  const url = `${server.url}/target.bin`;
  const random = seeded(1);
  for (let life = 1; life <= 3; life++) {
    const run = start(file, url);
    await seen(server, "PATCH", 2 + Math.floor(random() * 2));
    run.child.kill("SIGKILL");
    t.equal((await run.ended).code, null);
    t.equal(readFileSync(target, "utf8"), "old", "nobody sees half of it");
    t.ok(existsSync(`${file}.upload`));
  }
  const before = server.log.length;
  const { code, out, err } = await start(file, url).ended;
  t.equal(err, "");
  t.equal(code, 0);
  t.match(out, /^going on behind \d+ bytes, by sabre-patch$/m);
  t.match(out, /^replaced$/m);
  t.ok(readFileSync(target).equals(bytes));
  const pieces = server.log.slice(before).filter((line) => line.startsWith("PATCH "));
  t.ok(pieces.length <= PIECES - 3, "what was there was not sent again");
  t.same(readdirSync(server.root), ["target.bin"], "nothing is left on the server");
  t.same(readdirSync(place), ["source.bin"], "nor here");
});

t.test("a wrong use, and a server that refuses", async (t) => {
  const usage = await start("x", "ftp://a/").ended;
  t.match(usage, { code: 2, err: /usage/ });
  const server = await startDavServer({ refuse: () => 403 });
  t.teardown(() => server.close());
  const file = path.join(folder(t), "source.bin");
  writeFileSync(file, "x");
  t.match(await start(file, `${server.url}/x`).ended, { code: 1, err: /403.*0 bytes are there/ });
});

// Downloads onto a disk that is full, and into files that may not become so large: the old file
// stays, and the error says how far it came. Needs the build.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { content, folder } from "./fixtures/transfer/client.js";
import { transferServer } from "./fixtures/transfer/server.js";

const CLIENT = fileURLToPath(new URL("fixtures/transfer/downloading_client.mjs", import.meta.url));
const MIB = 1 << 20;
const FILE = "/file.bin";
const BYTES = content(3 * MIB);

/** What the client printed. */
interface Said {
  message?: string;
  done?: number;
  code?: string;
  bytes?: number;
  resumed_at?: number;
}

/** A way to let there be room for a MiB, and then for all. */
interface Shortage {
  /** The error of the system. */
  readonly code: string;
  /** Where to put the file. */
  readonly place: string;
  /** Words before the command while there is too little room. */
  readonly before: readonly string[];
  /** Makes room. */
  end(): void;
}

function run(command: readonly string[]): Promise<Said> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  return new Promise((resolve, reject) => {
    child.on("close", () => {
      if (out === "") reject(new Error(`${command.join(" ")}: no answer`));
      else resolve(JSON.parse(out) as Said);
    });
  });
}

async function fill(t: Test, { code, place, before, end }: Shortage): Promise<void> {
  const server = await transferServer(t);
  server.files.set(FILE, BYTES);
  const name = path.join(place, "file.bin");
  const client = (options: object): string[] => [
    ...[process.execPath, CLIENT, String(server.port), FILE, name, JSON.stringify(options)],
  ];
  const failed = ({ message, done = -1, code: found }: Said): void => {
    t.equal(found, code);
    t.match(message, /^Could not write .*\((ENOSPC|EFBIG)\)$/);
    t.ok(done > 0 && done <= MIB, `${done} bytes`);
  };

  failed(await run([...before, ...client({})]));
  t.strictSame(readdirSync(place), [], "no file where there was none");
  writeFileSync(name, "old");
  failed(await run([...before, ...client({})]));
  t.equal(readFileSync(name, "utf8"), "old");
  t.strictSame(readdirSync(place), ["file.bin"]);

  const said = await run([...before, ...client({ resume: true })]);
  failed(said);
  t.equal(readFileSync(name, "utf8"), "old");
  const part = statSync(`${name}.part`).size;
  t.equal(said.done, part, "what it said is what is there");
  // once more: nothing gets lost, and there is no loop
  failed(await run([...before, ...client({ resume: true })]));
  end();
  const whole = await run(client({ resume: true }));
  t.equal(whole.bytes, BYTES.length);
  t.ok((whole.resumed_at ?? 0) > 0, "it went on");
  t.ok(readFileSync(name).equals(BYTES));
  t.strictSame(readdirSync(place), ["file.bin"]);
}

const noLimit = process.platform === "win32" && "Windows has no limit to the size of files";

t.test("a limit to the size of files", { skip: noLimit }, async (t) => {
  // in blocks of 512 bytes; what the runner puts into every program would let the signal that
  // comes with EFBIG end it
  const limit = `unset NODE_OPTIONS; ulimit -f ${MIB / 512}; exec "$@"`;
  await fill(t, {
    code: "EFBIG",
    place: folder(t),
    before: ["sh", "-c", limit, "sh"],
    end: () => {},
  });
});

function mount(place: string): string | null {
  const options = ["-t", "tmpfs", "-o", "size=1m", "libneon-test", place];
  const { status, stderr } = spawnSync("mount", options, { encoding: "utf8" });
  return status === 0 ? null : (stderr ?? "there is no mount").trim();
}

t.test("a disk that is full", async (t) => {
  const place = path.join(folder(t), "disk");
  mkdirSync(place);
  const why = mount(place);
  if (why !== null) return void t.pass(`no small disk can be had here: ${why}`);
  t.teardown(() => spawnSync("umount", [place]));
  await fill(t, {
    code: "ENOSPC",
    place,
    before: [],
    end: () => void spawnSync("mount", ["-o", "remount,size=16m", place]),
  });
});

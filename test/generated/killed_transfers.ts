// Programs killed in the midst of a transfer and begun again, for each protocol and each way: at
// the requests that the server sees and the steps that the program tells of. What is replaced is
// the old file or the whole new one at every moment, and in the end the new one. NEON_FUZZ_SECONDS,
// if set, makes it go on with new seeds for so long. Needs the build.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { seeded } from "../fixtures/feed.js";
import { content, folder } from "../fixtures/transfer/client.js";
import { transferServer, type TransferServer } from "../fixtures/transfer/server.js";

const PROGRAM = fileURLToPath(new URL("../fixtures/transfer/killed_client.mjs", import.meta.url));
const FILE = "/remote.php/dav/files/me/file.bin";
const UPLOADS = ["put", "nextcloud", "tus", "sabre-patch", "content-range"] as const;
const KINDS = [...UPLOADS, "download"] as const;
const SIZE = 300_000;
/** Lives of a program, of which the last one is spared. */
const LIVES = 4;

/** When a program is killed: when the nth request begins or has been done, or at a line. */
interface Moment {
  readonly at: "request" | "answer" | "line";
  readonly nth: number;
}

class Killing {
  moment: Moment | null = null;
  kill: () => void = () => {};
  #seen = 0;

  next(moment: Moment | null, kill: () => void): void {
    this.moment = moment;
    this.kill = kill;
    this.#seen = 0;
  }

  see(at: Moment["at"]): void {
    if (this.moment?.at === at && ++this.#seen === this.moment.nth) this.kill();
  }
}

interface Life {
  readonly code: number | null;
  readonly err: string;
}

function live(args: readonly string[], killing: Killing, moment: Moment | null): Promise<Life> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  killing.next(moment, () => child.kill("SIGKILL"));
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    for (const _line of text.matchAll(/\n/g)) killing.see("line");
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, err })));
}

interface Place {
  readonly args: readonly string[];
  readonly fresh: Buffer;
  readonly old: Buffer;
  /** What is there now of the file that is replaced. */
  now(): Buffer | undefined;
}

function place(t: Test, kind: string, seed: number, server: TransferServer): Place {
  const file = path.join(folder(t), "file.bin");
  const [fresh, old] = [content(SIZE, seed), content(SIZE, seed + 1)];
  const args = [String(server.port), FILE, file, kind];
  if (kind === "download") {
    server.files.set(FILE, fresh);
    writeFileSync(file, old);
    return { args, fresh, old, now: () => readFileSync(file) };
  }
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, fresh);
  server.files.set(FILE, old);
  return { args, fresh, old, now: () => server.files.get(FILE) };
}

function moments(seed: number): Moment[] {
  const next = seeded(seed);
  const upTo = (most: number): number => 1 + Math.floor(next() * most);
  return Array.from({ length: LIVES - 1 }, () => {
    const at = (["request", "answer", "line"] as const)[upTo(3) - 1] ?? "line";
    return { at, nth: upTo(at === "line" ? 20 : 8) };
  });
}

interface Played {
  /** What is wrong, `null` if nothing. */
  readonly wrong: string | null;
  /** How often it was killed: what is over sooner is not. */
  readonly kills: number;
}

async function play(
  t: Test,
  kind: string,
  seed: number,
  killed: readonly Moment[],
): Promise<Played> {
  const killing = new Killing();
  const server = await transferServer(t, {
    offers: ["nextcloud", "tus", "sabre-patch", "content-range"],
    fault: () => {
      killing.see("request");
      return null;
    },
    before: () => {
      // behind the answer to it
      setImmediate(() => killing.see("answer"));
      return null;
    },
  });
  const { args, fresh, old, now } = place(t, kind, seed, server);
  let kills = 0;
  const bad = (wrong: string): Played => ({ wrong, kills });
  for (const moment of [...killed, null]) {
    const { code, err } = await live(args, killing, moment);
    if (code === null) kills++;
    const file = now();
    const isNew = file?.equals(fresh) === true;
    if (!isNew && file?.equals(old) !== true) {
      return bad(`neither file is there: ${file?.length} bytes`);
    }
    if (code !== null && (code !== 0 || !isNew)) {
      return bad(`it ended with ${code}: ${err}`);
    }
  }
  await server.close();
  const left = [...server.files.keys()].filter((name) => name !== FILE);
  // a program that died before it had stored a state cannot know what it began
  const most = killed.length;
  if (left.length > most) return bad(`left on the server: ${left.join(", ")}`);
  return { wrong: existsSync(`${args[2] ?? ""}.part`) ? "a part is left" : null, kills };
}

/** As few kills as still lead to what is wrong. */
async function shrink(t: Test, kind: string, seed: number, whole: Moment[]): Promise<Moment[]> {
  let smallest = whole;
  for (const moment of whole) {
    const less = smallest.filter((each) => each !== moment);
    if ((await play(t, kind, seed, less)).wrong !== null) smallest = less;
  }
  return smallest;
}

const seconds = Number(process.env["NEON_FUZZ_SECONDS"] ?? 0);
const first = Number(process.env["NEON_FUZZ_SEED"] ?? 1);
const started = performance.now();

for (const [at, kind] of KINDS.entries()) {
  t.test(`${kind}: killed and begun again`, async (t) => {
    const until = started + (seconds * 1000 * (at + 1)) / KINDS.length;
    let kills = 0;
    for (let seed = first; seed === first || performance.now() < until; seed++) {
      const killed = moments(seed);
      const played = await play(t, kind, seed, killed);
      kills += played.kills;
      if (played.wrong === null) continue;
      const fewest = await shrink(t, kind, seed, killed);
      t.fail(`${kind}, seed ${seed}: ${played.wrong}`, { killed: fewest });
    }
    t.ok(kills > 0, "it was killed at all");
  });
}

// Transfers under chaos: connections cut and reset, answers lost or never given, statuses that pass
// and that do not, servers restarted, programs killed and begun again. Whatever happens, the file
// on the server is the old one or the whole new one, and what the function said is what the server
// holds. A failure names its seed, and the fewest of its mishaps that still lead to it.
import t, { type Test } from "tap";
import { Writable } from "node:stream";
import {
  ne_session_create,
  ne_session_destroy,
  ne_set_read_timeout,
  ne_set_server_auth,
  nx_download,
  nx_error,
  nx_upload,
} from "../../lib/index.js";
import type { ne_session, nx_upload_options, nx_upload_state } from "../../lib/index.js";
import { seeded } from "../fixtures/feed.js";
import { content } from "../fixtures/transfer/client.js";
import { hurry } from "../fixtures/transfer/clock.js";
import {
  transferServer,
  type Fault,
  type Offer,
  type TransferServer,
} from "../fixtures/transfer/server.js";

const FILE = "/remote.php/dav/files/me/file.bin";
const OFFERS: Offer[] = ["nextcloud", "tus", "sabre-patch", "content-range"];
const PROTOCOLS = ["auto", "put", ...OFFERS] as const;
/** Transfers in an ordinary run, and how many go on at once. */
const USUAL = 250;
const AT_ONCE = 16;
/** How often a program is begun again after it was killed. */
const LIVES = 4;
const STATUSES = [408, 413, 423, 429, 500, 502, 503, 504, 507];
const LOGIN = { user: "me", password: "secret", readsToo: false };

class Killed extends Error {}

/** The choices of one transfer. */
class Dice {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seeded(seed);
  }

  upTo(most: number): number {
    return Math.floor(this.next() * (most + 1));
  }

  oneOf<T>(list: readonly T[]): T {
    return list[this.upTo(list.length - 1)] as T;
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }
}

/** What happens to one transfer: for each seed the same, but for what is left out. */
class Mishaps {
  /** What happened, by its name. */
  readonly met: string[] = [];
  #seed: number;
  #rate: number;
  #without: ReadonlySet<string>;
  #count = 0;

  constructor(seed: number, rate: number, without: ReadonlySet<string>) {
    this.#seed = seed;
    this.#rate = rate;
    this.#without = without;
  }

  /** Whether something happens, `dice` telling how. */
  #meet(kind: string, probability: number): Dice | null {
    const number = ++this.#count;
    const dice = new Dice(this.#seed * 1_000_003 + number);
    const name = `${kind} ${number}`;
    if (!dice.happens(probability) || this.#without.has(name)) return null;
    this.met.push(name);
    return dice;
  }

  kills(probability: number): boolean {
    return this.#meet("kill", probability) !== null;
  }

  fault(): Fault | null {
    const dice = this.#meet("fault", this.#rate);
    if (dice === null) return null;
    const kinds = ["status", "status", "cut", "cut", "lost", "lost", "restart", "stalled"] as const;
    const kind = dice.oneOf(kinds);
    switch (kind) {
      case "status": {
        const again = dice.happens(0.3) ? { retryAfter: "1" } : {};
        return { kind, code: dice.oneOf(STATUSES), ...again };
      }
      case "cut":
        return { kind, after: dice.upTo(20_000) };
      default:
        return { kind };
    }
  }
}

interface Scene {
  readonly dice: Dice;
  readonly mishaps: Mishaps;
  readonly server: TransferServer;
  readonly old: Buffer | null;
  readonly fresh: Buffer;
  readonly options: nx_upload_options;
}

function connect({ server }: Scene): ne_session {
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  ne_set_read_timeout(sess, 0.2);
  ne_set_server_auth(sess, (_userdata, _realm, attempt, name, password) => {
    name.value = LOGIN.user;
    password.value = LOGIN.password;
    return attempt;
  });
  return sess;
}

async function stage(t: Test, seed: number, without: ReadonlySet<string>): Promise<Scene> {
  const dice = new Dice(seed);
  const mishaps = new Mishaps(seed, dice.oneOf([0.05, 0.15, 0.4]), without);
  const protocol = dice.oneOf(PROTOCOLS);
  const offers = protocol === "auto" ? OFFERS.filter(() => dice.happens(0.5)) : OFFERS;
  const server = await transferServer(t, {
    offers,
    ...(dice.happens(0.3) ? { login: LOGIN } : {}),
    fault: () => mishaps.fault(),
  });
  const old = dice.happens(0.6) ? content(dice.upTo(60_000), 5) : null;
  if (old !== null) server.files.set(FILE, old);
  const condition =
    old === null
      ? dice.oneOf([{}, { if_none_match: "*" }])
      : dice.oneOf([{}, { if_match: String(server.etagOf(FILE)) }]);
  // sizes alike, so that a size proves nothing
  const size = old !== null && dice.happens(0.5) ? old.length : dice.upTo(60_000);
  const options = { protocol, retries: dice.upTo(4), ...condition };
  return { dice, mishaps, server, old, fresh: content(size, 9), options };
}

/** Uploads, killed and begun again now and then. @returns what the last life said */
async function live(scene: Scene): Promise<"done" | unknown> {
  const { dice, mishaps, fresh, options } = scene;
  let stored: nx_upload_state | null = null;
  for (let life = 1; ; life++) {
    const sess = connect(scene);
    const onstate = (state: nx_upload_state): void => {
      // killed before or after it was stored
      if (life < LIVES && mishaps.kills(0.05)) throw new Killed();
      stored = JSON.parse(JSON.stringify(state)) as nx_upload_state;
      if (life < LIVES && mishaps.kills(0.1)) throw new Killed();
    };
    const chunk = 3_000 + dice.upTo(20_000);
    const how = stored === null ? options : { ...options, protocol: "auto" as const, resume: stored };
    try {
      await nx_upload(sess, FILE, fresh, { ...how, chunk, onstate });
      return "done";
    } catch (error) {
      if (!(error instanceof Killed)) return error;
    } finally {
      ne_session_destroy(sess);
    }
  }
}

/** What is wrong with how a transfer ended; `null` if nothing is. */
function judge({ server, old, fresh, options }: Scene, said: unknown): string | null {
  const file = server.files.get(FILE) ?? null;
  const isNew = file !== null && file.equals(fresh);
  const isOld = old === null ? file === null : file !== null && file.equals(old);
  if (!isNew && !isOld) return `the file is neither (${file?.length} bytes)`;
  if (said === "done") return isNew ? null : "it said done, and the old file is there";
  if (!(said instanceof nx_error)) return `not an nx_error: ${String(said)}`;
  const held = options.if_match !== undefined || options.if_none_match !== undefined;
  if (said.status?.code === 412) return `412, though the condition held (${held})`;
  return null;
}

async function readBack(scene: Scene): Promise<string | null> {
  const file = scene.server.files.get(FILE);
  if (file === undefined) return null;
  const sess = connect(scene);
  const blocks: Buffer[] = [];
  const to = new Writable({
    write: (block: Buffer, _encoding, done) => {
      blocks.push(block);
      done();
    },
  });
  try {
    const { bytes } = await nx_download(sess, FILE, to, { retries: scene.dice.upTo(3) });
    if (bytes !== file.length) return `${bytes} bytes of ${file.length} were told`;
    return Buffer.concat(blocks).equals(file) ? null : "what was read is not what is there";
  } catch (error) {
    if (!(error instanceof nx_error)) return `not an nx_error: ${String(error)}`;
    const some = Buffer.concat(blocks);
    return some.equals(file.subarray(0, some.length)) ? null : "what was read is not its beginning";
  } finally {
    ne_session_destroy(sess);
  }
}

interface Played {
  /** What went wrong, `null` if nothing. */
  readonly wrong: string | null;
  readonly said: string;
  readonly met: readonly string[];
  readonly options: nx_upload_options;
}

async function play(t: Test, seed: number, without: ReadonlySet<string>): Promise<Played> {
  const scene = await stage(t, seed, without);
  const said = await live(scene);
  const wrong = judge(scene, said) ?? (await readBack(scene));
  await scene.server.close();
  return { wrong, said: String(said), met: scene.mishaps.met, options: scene.options };
}

/** Leaves out one mishap after the other, as long as it still goes wrong. */
async function shrink(t: Test, seed: number, whole: Played): Promise<Played> {
  const without = new Set<string>();
  let smallest = whole;
  for (const name of whole.met) {
    const less = await play(t, seed, new Set([...without, name]));
    if (less.wrong === null) continue;
    without.add(name);
    smallest = less;
  }
  return smallest;
}

async function check(t: Test, seed: number): Promise<void> {
  const played = await play(t, seed, new Set());
  if (played.wrong === null) return;
  const { wrong, said, met, options } = await shrink(t, seed, played);
  t.fail(`seed ${seed}: ${wrong}`, { options, said, mishaps: met });
}

t.test("the old file or the new one, and nothing said that is not so", async (t) => {
  hurry(t, 20);
  const seconds = Number(process.env["NEON_FUZZ_SECONDS"] ?? 0);
  const only = process.env["NEON_FUZZ_SEED"];
  if (only !== undefined) return await check(t, Number(only));
  const until = performance.now() + seconds * 1000;
  let seed = 0;
  const worker = async (): Promise<void> => {
    while (seed < USUAL || performance.now() < until) await check(t, ++seed);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  t.comment(`${seed} transfers`);
  t.ok(seed >= USUAL);
});

// Multistatus documents with one failure somewhere, made from a seed: no function may call such an
// answer a success, and no listing may end empty. A case that does is made smaller and printed with
// its seed. NEON_FUZZ_SECONDS, if set, makes it go on with new seeds for so long.
import t from "tap";
import {
  NE_OK,
  type ne_session,
  ne_copy,
  ne_delete,
  ne_get_error,
  ne_lock,
  ne_lock_create,
  ne_fill_server_uri,
  ne_mkcol,
  ne_move,
  ne_proppatch,
  ne_propset,
  ne_putbuf,
  ne_session_create,
  ne_session_destroy,
  ne_unlock,
  nx_error,
  nx_list,
} from "../../lib/index.js";
import { answer } from "../fixtures/dav.js";
import { scripted, type TestScope } from "../fixtures/server.js";

const BATCH = 300;
const seconds = Number(process.env["NEON_FUZZ_SECONDS"] ?? 0);

/** Numbers from a seed (mulberry32). */
class Dice {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed;
  }

  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % n;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** A document as the parts that can be left out one by one. */
interface Case {
  readonly prefix: string;
  readonly before: string;
  readonly type: string | null;
  readonly responses: readonly (readonly string[])[];
}

const HREFS = ["/d/a", "/d/a b", "/d/[a]", "/d/ä", "/d/a#b", "a:b", "", " ", "http://inner:1/d/a"];
const SUCCESSES = ["HTTP/1.1 200 OK", "HTTP/1.1 200", "HTTP/2 204 "];
const FAILURES = ["423 Locked", "403 Forbidden", "507 Full", "404 None", "424 Dependent", "302"];
const TYPES = [
  ...["text/xml", "application/xml; charset=utf-8", "application/foo+xml"],
  ...["text/html", "text/plain", "application", null],
];
const BEFORE = ["", "\n", "\n\n  \r\n", "\ufeff", "\n\ufeff"];

function makeCase(dice: Dice): Case {
  const p = dice.of(["", "D:", "lp1:"]);
  const responses: string[][] = [];
  const count = 1 + dice.below(4);
  const failing = dice.below(count);
  for (let i = 0; i < count; i++) responses.push(makeResponse(dice, p, i === failing));
  return { prefix: p, before: dice.of(BEFORE), type: dice.of(TYPES), responses };
}

// The parts of a response in any order, of which one is the failure.
function makeResponse(dice: Dice, p: string, fails: boolean): string[] {
  const parts: string[] = [];
  const good = `<${p}status>${dice.of(SUCCESSES)}</${p}status>`;
  const bad = `<${p}status>HTTP/1.1 ${dice.of(FAILURES)}</${p}status>`;
  const inPropstat = dice.below(2) === 0;
  const property = `<${p}prop><x:p xmlns:x="u">v</x:p></${p}prop>`;
  const propstat = (status: string): string => {
    const inside = dice.below(2) === 0 ? status + property : property + status;
    return `<${p}propstat>${inside}</${p}propstat>`;
  };
  if (dice.below(6) > 0) parts.push(`<${p}href>${dice.of(HREFS)}</${p}href>`);
  if (dice.below(2) === 0) parts.push(propstat(good));
  if (dice.below(3) === 0) parts.push(good);
  if (fails) parts.push(inPropstat ? propstat(bad) : bad);
  if (dice.below(3) === 0) parts.push(`<${p}responsedescription>why</${p}responsedescription>`);
  for (let i = parts.length - 1; i > 0; i--) {
    const j = dice.below(i + 1);
    [parts[i], parts[j]] = [parts[j]!, parts[i]!];
  }
  return parts;
}

function written({ prefix: p, before, responses }: Case): string {
  const xmlns = p === "" ? "xmlns" : `xmlns:${p.slice(0, -1)}`;
  const inside = responses.map((parts) => `<${p}response>${parts.join("")}</${p}response>`);
  const root = `<${p}multistatus ${xmlns}="DAV:">${inside.join("\n")}</${p}multistatus>`;
  return `${before}<?xml version="1.0"?>\n${root}`;
}

const isFailing = ({ responses }: Case): boolean =>
  responses.some((parts) => parts.some((part) => /HTTP\/1\.1 [3-5]/.test(part)));

/** Everything that is one step smaller. */
function* smaller(one: Case): Generator<Case> {
  if (one.before !== "") yield { ...one, before: "" };
  if (one.type !== "text/xml") yield { ...one, type: "text/xml" };
  for (let i = 0; i < one.responses.length; i++) {
    yield { ...one, responses: one.responses.filter((_parts, at) => at !== i) };
    for (let j = 0; j < one.responses[i]!.length; j++) {
      const parts = one.responses[i]!.filter((_part, at) => at !== j);
      yield { ...one, responses: one.responses.map((other, at) => (at === i ? parts : other)) };
    }
  }
}

const CALLS: Readonly<Record<string, (sess: ne_session) => Promise<number>>> = {
  ne_delete: (sess) => ne_delete(sess, "/d/"),
  ne_copy: (sess) => ne_copy(sess, 1, 2, "/d/", "/e/"),
  ne_move: (sess) => ne_move(sess, 1, "/d/", "/e/"),
  ne_mkcol: (sess) => ne_mkcol(sess, "/d/"),
  ne_putbuf: (sess) => ne_putbuf(sess, "/d/a", Buffer.from("x")),
  ne_proppatch: (sess) =>
    ne_proppatch(sess, "/d/", [{ name: { nspace: "u", name: "p" }, type: ne_propset, value: "v" }]),
  ne_unlock: (sess) => ne_unlock(sess, lockOn(sess)),
  ne_lock: (sess) => ne_lock(sess, lockOn(sess)),
};

function lockOn(sess: ne_session): ReturnType<typeof ne_lock_create> {
  const lock = ne_lock_create();
  ne_fill_server_uri(sess, lock.uri);
  lock.uri.path = "/d/a";
  lock.token = "t:1";
  return lock;
}

interface Bench {
  sess: ne_session;
  /** The answer to every request. */
  next: Buffer;
}

async function bench(t: TestScope): Promise<Bench> {
  const self: { next: Buffer } = { next: Buffer.alloc(0) };
  const server = await scripted(t, async (peer) => {
    for (;;) {
      if ((await peer.readRequest().catch(() => null)) === null) return;
      await peer.write(self.next);
    }
  });
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  t.teardown(() => ne_session_destroy(sess));
  return Object.assign(self, { sess });
}

async function passes(on: Bench, name: string, one: Case): Promise<boolean> {
  if (name === "nx_list") return isListed(on, one);
  on.next = answer({ body: written(one), type: one.type });
  const ret = await CALLS[name]!(on.sess);
  // a LOCK is never granted by a multistatus
  const wanted = isFailing(one) || name === "ne_lock";
  return (ret !== NE_OK) === wanted;
}

// Lists; what cannot be listed throws, but nothing ends empty.
async function isListed(on: Bench, one: Case): Promise<boolean> {
  on.next = answer({ body: written(one), type: one.type });
  try {
    for await (const _resource of nx_list(on.sess, "/d/")) return true;
    return false;
  } catch (error) {
    return error instanceof nx_error;
  }
}

interface Failing {
  fail(text: string): void;
}

async function check(t: Failing, on: Bench, seed: number): Promise<boolean> {
  const dice = new Dice(seed);
  const name = dice.of([...Object.keys(CALLS), "nx_list"]);
  let one = makeCase(dice);
  if (await passes(on, name, one)) return true;
  for (let again = true; again; ) {
    again = false;
    for (const less of smaller(one)) {
      if (await passes(on, name, less)) continue;
      one = less;
      again = true;
      break;
    }
  }
  const shown = `${String(one.type)}: ${written(one)}`;
  t.fail(`seed ${seed}: ${name} of ${shown} (${ne_get_error(on.sess)})`);
  return false;
}

t.test("a failure anywhere fails the call", async (t) => {
  const on = await bench(t);
  const end = Date.now() + seconds * 1000;
  let seed = 1;
  do {
    for (const last = seed + BATCH; seed < last; seed++) {
      if (!(await check(t, on, seed))) return;
    }
  } while (Date.now() < end);
  t.ok(seed > BATCH, `${seed - 1} documents`);
});

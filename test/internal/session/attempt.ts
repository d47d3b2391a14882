// internal/session/attempt.ts: requests are driven over every edge of the table, over no other, and
// what is not in the table is refused.
import t from "tap";
import type { Test } from "tap";
import {
  NE_OK,
  NE_RETRY,
  ne_hook_post_send,
  ne_hook_pre_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  nx_request_abort,
} from "../../../lib/index.js";
import type { ne_session } from "../../../lib/index.js";
import { EDGES, move, type Attempt } from "../../../lib/internal/session/attempt.js";
import { requests } from "../../../lib/internal/session/request.js";
import { OK, openSession, send } from "../../fixtures/conversation.js";
import { gate, refusedPort, scripted, type Script } from "../../fixtures/server.js";

type State = Attempt["at"];

const STATES: readonly State[] = ["idle", "waiting", "opening", "sending", "answered", "body"];

const ALLOWED = STATES.flatMap((from) => EDGES[from].map((to) => `${from} ${to}`));

const driven = new Set<string>();

/** Dispatches a request. @returns its code, with the states that it went through */
async function drive(sess: ne_session, whenAt?: State): Promise<[number, string]> {
  const req = ne_request_create(sess, "GET", "/");
  const r = requests.open(req, "test");
  let attempt = r.attempt;
  const states: State[] = [attempt.at];
  Object.defineProperty(r, "attempt", {
    get: () => attempt,
    set: (next: Attempt) => {
      driven.add(`${attempt.at} ${next.at}`);
      states.push(next.at);
      attempt = next;
      if (next.at === whenAt) nx_request_abort(req);
    },
  });
  const code = await ne_request_dispatch(req);
  ne_request_destroy(req);
  return [code, states.join(" ")];
}

async function session(t: Test, scripts: readonly Script[]): Promise<ne_session> {
  const server = await scripted(t, scripts, { fewer: true });
  return openSession(t, server.port);
}

const GOOD = "idle waiting opening sending answered body idle";

t.test("a response", async (t) => {
  const sess = await session(t, [[OK]]);
  t.strictSame(await drive(sess), [NE_OK, GOOD]);
});

t.test("a stale connection", async (t) => {
  const sess = await session(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write(OK);
      await peer.readRequest();
      peer.reset();
    },
    [OK],
  ]);
  t.equal((await send(sess)).code, NE_OK);
  const states = "idle waiting opening sending opening sending answered body idle";
  t.strictSame(await drive(sess), [NE_OK, states]);
});

t.test("a repetition", async (t) => {
  const sess = await session(t, [[OK, OK]]);
  let codes = [NE_RETRY, NE_OK];
  ne_hook_post_send(sess, () => codes.shift() ?? NE_OK);
  const states = "idle waiting opening sending answered body opening sending answered body idle";
  t.strictSame(await drive(sess), [NE_OK, states]);
});

t.test("no connection", async (t) => {
  const sess = openSession(t, await refusedPort());
  t.match(await drive(sess), [Number, "idle waiting opening idle"]);
});

t.test("broken off in each state", async (t) => {
  for (const state of STATES.slice(1)) {
    const sess = await session(t, [
      async (peer) => {
        const asked = await peer.readHead().catch(() => null);
        if (asked !== null) await peer.write(OK);
      },
    ]);
    const [code, states] = await drive(sess, state);
    t.not(code, NE_OK, state);
    t.match(states, new RegExp(`${state}( \\w+)? idle$`));
  }
});

t.test("broken off while another request has the turn", async (t) => {
  const sess = await session(t, [[OK]]);
  const held = gate();
  ne_hook_pre_send(sess, () => held.opened);
  const first = send(sess);
  t.strictSame((await drive(sess, "waiting"))[1], "idle waiting idle");
  held.open();
  t.equal((await first).code, NE_OK);
});

t.test("a head that breaks off", async (t) => {
  const sess = await session(t, ["HTTP/1.1 200 OK\r\nA:"]);
  t.match(await drive(sess), [Number, "idle waiting opening sending answered idle"]);
});

t.test("no status line", async (t) => {
  const sess = await session(t, ["HTT"]);
  t.match(await drive(sess), [Number, "idle waiting opening sending idle"]);
});

t.test("every edge of the table was driven, and none that is not there", async (t) => {
  t.strictSame([...driven].sort(), [...ALLOWED].sort());
});

t.test("the table is kept", async (t) => {
  for (const from of STATES) {
    for (const to of STATES) {
      const r = { attempt: { at: from } as Attempt };
      const go = (): unknown => move(r, { at: to } as Attempt);
      if (ALLOWED.includes(`${from} ${to}`)) {
        go();
        t.equal(r.attempt.at, to);
      } else {
        t.throws(go, new Error(`an attempt cannot go from "${from}" to "${to}"`));
        t.equal(r.attempt.at, from, "and stays where it is");
      }
    }
  }
});

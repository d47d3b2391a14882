// internal/script/hop_sessions.ts: one session for each server that redirects lead to, or one for
// each request.
import t from "tap";
import { nx_session_abort } from "../../../lib/index.js";
import { ownHop, sharedHop } from "../../../lib/internal/script/hop_sessions.js";
import { sessions } from "../../../lib/internal/session/session.js";
import { openSession } from "../../fixtures/conversation.js";

const THERE = { scheme: "http", host: "there.example", port: 80, target: "/" };

t.test("a session of one request ends with it", async (t) => {
  const home = sessions.open(openSession(t, 1), "test");
  const first = ownHop(home, THERE);
  const second = ownHop(home, THERE);
  t.not(first.s, second.s);
  t.equal(first.s.askedBy, home);
  first.leave();
  first.leave();
  t.strictSame([first.s.destroyed, second.s.destroyed], [true, false]);
  second.leave();
  t.equal(home.work.scopes.size, 0);
});

t.test("a shared session ends with the last of its requests", async (t) => {
  const home = sessions.open(openSession(t, 1), "test");
  home.work.turns.patienceMs = 7;
  const first = sharedHop(home, THERE);
  const second = sharedHop(home, { ...THERE, host: "THERE.example", target: "/other" });
  t.equal(first.s, second.s);
  t.equal(first.s.work.turns.patienceMs, 7);
  for (const other of [{ host: "b.example" }, { port: 81 }, { scheme: "https" }]) {
    const elsewhere = sharedHop(home, { ...THERE, ...other });
    t.not(elsewhere.s, first.s);
    elsewhere.leave();
  }
  first.leave();
  first.leave();
  t.equal(first.s.destroyed, false, "leaving twice counts once");
  second.leave();
  t.equal(first.s.destroyed, true);
  t.equal(home.work.scopes.size, 0);
  const later = sharedHop(home, THERE);
  t.not(later.s, first.s);
  later.leave();
});

t.test("another session has its own", async (t) => {
  const [a, b] = [1, 2].map((port) => sessions.open(openSession(t, port), "test"));
  if (a === undefined || b === undefined) throw new Error("no sessions");
  const hops = [sharedHop(a, THERE), sharedHop(b, THERE)];
  t.not(hops[0]?.s, hops[1]?.s);
  nx_session_abort(a.handle);
  for (const { leave } of hops) leave();
});

// What a clone of an https session trusts.
import t, { type Test } from "tap";
import { cloneSession } from "../../../lib/internal/session/clone.js";
import { createSession } from "../../../lib/internal/session/session.js";
import type { Session } from "../../../lib/internal/session/session_state.js";
import { trustDefaultCa } from "../../../lib/internal/wire/default_roots.js";
import { ne_session_destroy } from "../../../lib/ne_session.js";

function made(t: Test, s: Session): Session {
  t.teardown(() => ne_session_destroy(s.handle));
  return s;
}

t.test("who trusts the CAs of the system", async (t) => {
  const rows: [from: string, trusting: boolean, stranger: boolean, wanted: boolean][] = [
    ["https", false, false, false],
    ["https", true, false, true],
    // a server that a redirect chose is judged as any other is
    ["https", false, true, true],
    // the first session had no say in it
    ["http", false, false, true],
  ];
  for (const [scheme, trusting, stranger, wanted] of rows) {
    const s = made(t, createSession(scheme, "a.example", 1));
    if (trusting && s.tls !== null) trustDefaultCa(s.tls);
    const place = { scheme: "https", host: "a.example", port: 1 };
    const { tls } = made(t, cloneSession(s, { ...place, stranger }));
    const trusts = tls?.findDefaultCa != null;
    t.equal(trusts, wanted, `${scheme}, ${trusting}, ${stranger}`);
  }
});

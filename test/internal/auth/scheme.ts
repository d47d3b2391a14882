// What all schemes share: control characters, the question for a password, the words of a refusal.
import t from "tap";
import { BASIC } from "../../../lib/internal/auth/basic.js";
import { askPassword, hasControl, rejected } from "../../../lib/internal/auth/scheme.js";

t.test("control characters", async (t) => {
  for (let code = 0; code < 0x100; code++) {
    const wanted = (code < 0x20 && code !== 9) || code === 0x7f;
    t.equal(hasControl(`a${String.fromCharCode(code)}b`), wanted, `U+${code.toString(16)}`);
  }
  t.equal(hasControl(""), false);
});

t.test("the question for a password", async (t) => {
  for (const realm of ["r", null]) {
    const asking = askPassword(realm);
    t.strictSame(asking.next(null), { done: false, value: { want: "password", realm } });
    const creds = { username: "u", password: "p" };
    t.strictSame(asking.next(creds), { done: true, value: creds });
  }
  for (const answer of [null, "a token", Buffer.from("a token"), new Uint8Array(3)]) {
    const refused = askPassword("r");
    refused.next(null);
    t.strictSame(refused.next(answer), { done: true, value: null }, "only a pair is an answer");
  }
});

t.test("the words of a refusal", async (t) => {
  t.equal(rejected(BASIC), "rejected Basic challenge");
});

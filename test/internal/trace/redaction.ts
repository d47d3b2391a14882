// What a recording shows of a request: no secret, nor where the server repeats one.
import t from "tap";
import { Fields } from "../../../lib/internal/http/head.js";
import { createTape } from "../../../lib/internal/trace/recorded_attempt.js";
import { veilOf } from "../../../lib/internal/trace/redaction.js";

function tape() {
  const request = { method: "GET", target: "/?access_token=tok-123456", scheme: "http", hostport: "h" };
  const made = createTape(request, 1000);
  made.head =
    "GET /?access_token=tok-123456 HTTP/1.1\r\nAuthorization: Bearer abcdef123456\r\n" +
    "Cookie: sid=cookie-value\r\n\r\n";
  made.fields = new Fields();
  made.fields.add("Set-Cookie", "new=fresh-value; Path=/");
  return made;
}

t.test("hidden, wherever it comes back", async (t) => {
  const veil = veilOf(tape(), false);
  t.equal(veil.text("http://h/?access_token=tok-123456"), "http://h/?access_token=…");
  t.equal(veil.field("Authorization", "Bearer abcdef123456"), "…");
  t.equal(veil.field("X-Echo", "you sent abcdef123456"), "you sent …");
  t.equal(veil.field("Server", "x"), "x");
  t.equal(veil.body("token tok-123456 and fresh-value", "text/plain"), "token … and …");
  t.equal(veil.body('{"password":"p","a":"b"}', "application/json"), '{"password":"…","a":"b"}');
  t.strictSame([veil.cookie("x"), veil.cookie("")], ["…", ""]);
  t.equal(veil.hides(Buffer.from("\0cookie-value\0")), true);
  t.equal(veil.hides(Buffer.from("\0nothing\0")), false);
});

t.test("open, where secrets are asked for", async (t) => {
  const veil = veilOf(tape(), true);
  t.equal(veil.field("Authorization", "Bearer abcdef123456"), "Bearer abcdef123456");
  t.equal(veil.text("/?access_token=tok-123456"), "/?access_token=tok-123456");
  t.strictSame([veil.cookie("x"), veil.hides(Buffer.from("cookie-value"))], ["x", false]);
});

t.test("a request that was never sent still has its target", async (t) => {
  const unsent = tape();
  unsent.head = null;
  t.equal(veilOf(unsent, false).body("tok-123456", "text/plain"), "…");
});

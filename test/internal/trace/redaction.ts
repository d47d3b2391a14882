// What a recording shows of a request: no secret, nor where the server repeats one.
import t from "tap";
import { Fields } from "../../../lib/internal/http/head.js";
import { createAttempt } from "../../../lib/internal/trace/recorded_attempt.js";
import { redactionOf } from "../../../lib/internal/trace/redaction.js";

function attempt() {
  const request = { method: "GET", target: "/?access_token=tok-123456", scheme: "http", hostport: "h" };
  const made = createAttempt(request, 1000);
  made.head =
    "GET /?access_token=tok-123456 HTTP/1.1\r\nAuthorization: Bearer abcdef123456\r\n" +
    "Cookie: sid=cookie-value\r\n\r\n";
  made.fields = new Fields();
  made.fields.add("Set-Cookie", "new=fresh-value; Path=/");
  return made;
}

t.test("hidden, wherever it comes back", async (t) => {
  const redaction = redactionOf(attempt(), false);
  t.equal(redaction.text("http://h/?access_token=tok-123456"), "http://h/?access_token=…");
  t.equal(redaction.field("Authorization", "Bearer abcdef123456"), "…");
  t.equal(redaction.field("X-Echo", "you sent abcdef123456"), "you sent …");
  t.equal(redaction.field("Server", "x"), "x");
  t.equal(redaction.body("token tok-123456 and fresh-value", "text/plain"), "token … and …");
  t.equal(redaction.body('{"password":"p","a":"b"}', "application/json"), '{"password":"…","a":"b"}');
  t.strictSame([redaction.cookie("x"), redaction.cookie("")], ["…", ""]);
  t.equal(redaction.hides(Buffer.from("\0cookie-value\0"), ""), true);
  t.equal(redaction.hides(Buffer.from("\0nothing\0"), ""), false);
  const form = Buffer.from("a=\xe4&password=p", "latin1");
  t.equal(redaction.hides(form, "application/x-www-form-urlencoded"), true);
  const free = Buffer.from("a=\xe4&page=p", "latin1");
  t.equal(redaction.hides(free, "application/x-www-form-urlencoded"), false);
});

t.test("open, where secrets are asked for", async (t) => {
  const redaction = redactionOf(attempt(), true);
  t.equal(redaction.field("Authorization", "Bearer abcdef123456"), "Bearer abcdef123456");
  t.equal(redaction.text("/?access_token=tok-123456"), "/?access_token=tok-123456");
  t.strictSame([redaction.cookie("x"), redaction.hides(Buffer.from("cookie-value"), "")], ["x", false]);
});

t.test("a request that was never sent still has its target", async (t) => {
  const unsent = attempt();
  unsent.head = null;
  t.equal(redactionOf(unsent, false).body("tok-123456", "text/plain"), "…");
});

// Which recorded request a request is, and of one that was not recorded what differs from the
// nearest.
import t from "tap";
import { readHar, type Recorded } from "../../../lib/internal/trace/har_reader.js";
import {
  askedOf,
  describeUnknown,
  isSame,
  nameOf,
  type Asked,
} from "../../../lib/internal/trace/request_match.js";

function recorded(url: string, { method = "GET", text = "", type = "text/plain" } = {}): Recorded {
  const request = { method, url, postData: { text, mimeType: type } };
  const [read] = readHar({ log: { entries: [{ request, response: { status: 200 } }] } }, "f");
  if (read === undefined) throw new Error("nothing was read");
  return read;
}

const asked = (target: string, body = "", method = "GET", authority = "h:80"): Asked =>
  askedOf(method, authority, target, Buffer.from(body));

t.test("the same", async (t) => {
  const rows: [tape: Recorded, given: Asked, same: boolean][] = [
    [recorded("http://h/a"), asked("/a"), true],
    [recorded("http://h/a"), asked("http://h/a"), true],
    [recorded("http://h/a"), asked("/a?"), false],
    [recorded("http://h/a"), asked("/a", "", "PUT"), false],
    [recorded("http://h/a"), asked("/a", "", "GET", "other:80"), false],
    [recorded("http://h/a", { text: "x" }), asked("/a", "x"), true],
    [recorded("http://h/a", { text: "x" }), asked("/a", "y"), false],
    [recorded("http://h/?t=…"), asked("/?t=secret"), true],
    [recorded("http://h/?t=…&a=1"), asked("/?t=secret&a=1"), true],
    [recorded("http://h/?t=…&a=1"), asked("/?t=secret&a=2"), false],
    [recorded("http://h/?t=…"), asked("/?u=secret"), false],
    [recorded("http://h/a…a"), asked("/a"), false],
    [recorded("http://h/a", { text: "a…b…c" }), asked("/a", "a1b2c"), true],
    [recorded("http://h/a", { text: "a…b…c" }), asked("/a", "a1c2b"), false],
  ];
  for (const [tape, given, same] of rows) {
    t.equal(isSame(tape, given), same, `${tape.url} ${given.target} ${given.body.toString()}`);
  }
});

t.test("names hide secrets", async (t) => {
  t.equal(nameOf(asked("/a")), "GET http://h/a");
  t.equal(nameOf(asked("/a", "", "GET", "h:443")), "GET https://h/a");
  t.equal(nameOf(asked("*", "", "OPTIONS", "h:81")), "OPTIONS http://h:81 *");
  t.equal(nameOf(asked("/?access_token=abc")), "GET http://h/?access_token=…");
});

t.test("what was not recorded", async (t) => {
  t.equal(describeUnknown([], asked("/a")), "GET http://h/a was not recorded: the tape is empty");
  const tape = [recorded("http://h/a"), recorded("http://h/longer/path"), recorded("http://h/a", { method: "PUT", text: "abc" })];
  t.equal(describeUnknown(tape, asked("/a")), "GET http://h/a was recorded once and is asked for once more");
  const rows: [given: Asked, words: RegExp][] = [
    [asked("/longer/pat"), /nearest is GET http:\/\/h\/longer\/path: the path differs$/],
    [asked("/a?x"), /nearest is GET http:\/\/h\/a: the query differs$/],
    [asked("/a", "", "GET", "g:80"), /: the server differs$/],
    [asked("/a", "abd", "PUT"), /: the bodies differ from character 2 on: "c" there, "d" here$/],
    [asked("/longer/path", "", "HEAD"), /: the method differs$/],
  ];
  for (const [given, words] of rows) t.match(describeUnknown(tape, given), words);
  const secret = [recorded("http://h/a", { text: '{"password":"one"}', type: "application/json" })];
  const words = describeUnknown(secret, asked("/a", '{"password":"two"}'));
  t.match(words, "the bodies differ in what is secret");
  t.notMatch(words, /one|two/);
});

// internal/base/arguments.ts: the checks of arguments.
import t from "tap";
import {
  needBytes,
  needCallback,
  needCallbackOrNull,
  needList,
  needObject,
  needPort,
  needText,
  needTexts,
  needTimeout,
  needXmlText,
} from "../../../lib/internal/base/arguments.js";

t.test("checks of arguments", async (t) => {
  t.equal(needText("x", "ne_f", "a"), "x");
  t.throws(() => needText(null, "ne_f", "a"), new TypeError("ne_f: a must be a string, not null"));
  t.throws(() => needText(1, "ne_f", "a"), new TypeError("ne_f: a must be a string, not number"));
  t.equal(needXmlText("\t\n\r \ud7ff\ue000\ufffd\u{10000}\u{10ffff}", "ne_f", "a").length, 11);
  for (const text of ["\0", "\x08", "\x0b", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"]) {
    t.throws(
      () => needXmlText(`a${text}b`, "ne_f", "a"),
      new TypeError("ne_f: a has a character that XML cannot hold"),
    );
  }
  t.throws(() => needXmlText(null, "ne_f", "a"), /a must be a string/);
  t.throws(
    () => needBytes("x" as unknown as Uint8Array, "ne_f", "a"),
    new TypeError("ne_f: a must be a Uint8Array"),
  );
  t.throws(
    () => needBytes(new Uint8Array(1), "ne_f", "a", 2),
    new TypeError("ne_f: a must have 2 bytes"),
  );
  t.same(needTexts(["a", "b", null], "ne_f"), ["a", "b"]);
  t.same(needTexts([null], "ne_f"), []);
  t.throws(() => needTexts(["a", null, "b"], "ne_f"), /ne_f: every argument must be a string/);
  t.throws(() => needTexts(["a", null, null], "ne_f"), /ne_f: every argument must be a string/);
  t.throws(() => needObject(null, "ne_f", "a"), new TypeError("ne_f: a must be an object"));
  t.throws(() => needList({}, "ne_f", "a"), new TypeError("ne_f: a must be an array"));
  t.throws(() => needCallback(null, "ne_f"), new TypeError("ne_f: the callback must be a function"));
  needCallbackOrNull(null, "ne_f");
  t.throws(() => needCallbackOrNull(0, "ne_f"), /ne_f: the callback must be a function/);
});

t.test("numbers that have a range", async (t) => {
  t.same([needPort(0, "ne_f"), needPort(65535, "ne_f")], [0, 65535]);
  for (const port of [-1, 65536, 1.5, NaN, "80" as never]) {
    t.throws(() => needPort(port, "ne_f"), /ne_f: the port must be a whole number/, String(port));
  }
  t.equal(needTimeout(0.5, "ne_f"), 500, "in milliseconds");
  for (const seconds of [0, -1, NaN, "1" as never]) {
    t.throws(() => needTimeout(seconds, "ne_f"), /ne_f: the timeout must be/, String(seconds));
  }
});

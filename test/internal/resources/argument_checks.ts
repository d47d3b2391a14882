// What arguments have to be: each mistake is a TypeError that names the function.
import t from "tap";
import * as needs from "../../../lib/internal/resources/argument_checks.js";

t.test("paths", async (t) => {
  for (const path of ["/", "/a/b", "/a%20b?c=/../d", "/a..b", "/...", "/.a", "/%2e"]) {
    t.doesNotThrow(() => needs.checkPath(path, "f"), path);
  }
  const rows: [path: string, message: string][] = [
    ["", "the path must begin with a slash"],
    ["a", "the path must begin with a slash"],
    ["http://h/", "the path must begin with a slash"],
    ["/a b", "the path holds a control character or a blank"],
    ["/a\r\n", "the path holds a control character or a blank"],
    ["/a%00", "the path holds a control character or a blank"],
    ["/ä", "the path must be percent-encoded"],
    ["/a#b", "the path holds a raw #; write %23"],
    ["/a/..", "the path leads upwards (..)"],
    ["/a/../b", "the path leads upwards (..)"],
    ["/%2e%2E/b", "the path leads upwards (..)"],
    ["/.%2e", "the path leads upwards (..)"],
  ];
  for (const [path, message] of rows) {
    t.throws(() => needs.checkPath(path, "f"), new TypeError(`f: ${message}`), path);
  }
  t.throws(() => needs.needPath(7, "f"), new TypeError("f: the path must be a string, not number"));
});

t.test("properties", async (t) => {
  const props = [{ nspace: "DAV:", name: "a" }, { nspace: null, name: "b" }, { name: "c" }];
  t.equal(needs.needProps(props, "f"), props);
  const rows: [props: unknown, message: string][] = [
    ["x", "the properties must be an array"],
    [[null], "every property must be an object"],
    [[{ nspace: "DAV:", name: "" }], "the name of a property is not the name of an element"],
    [[{ nspace: "DAV:", name: "a b" }], "the name of a property is not the name of an element"],
    [[{ nspace: "DAV:", name: "a><b" }], "the name of a property is not the name of an element"],
    [[{ nspace: 7, name: "a" }], "the namespace of a property must be a string or null"],
  ];
  for (const [given, message] of rows) {
    t.throws(() => needs.needProps(given, "f"), new TypeError(`f: ${message}`), message);
  }
});

t.test("the session", async (t) => {
  t.throws(() => needs.needSession({} as Parameters<typeof needs.needSession>[0], "f"), {
    message: "f: expected a ne_session, got object",
  });
});

// Servers that point from a collection's path to the one with a slash: asked once more there, and
// only there.
import t from "tap";
import { isSlashMissing, withSlash } from "../../../lib/internal/resources/missing_slash.js";
import { nx_error } from "../../../lib/internal/script/nx_error.js";
import { failureOf } from "../../fixtures/conversation.js";
import { ne_parse_statusline, ne_status } from "../../../lib/ne_utils.js";

function pointing(line: string, location?: string): nx_error {
  const status = new ne_status();
  ne_parse_statusline(`HTTP/1.1 ${line}`, status);
  const headers = location === undefined ? [] : ([["Location", location]] as const);
  return new nx_error(line, 1, status, null, { headers });
}

t.test("whether it points there", async (t) => {
  const rows: [path: string, line: string, location: string | undefined, missing: boolean][] = [
    ["/d", "301 Moved", "/d/", true],
    ["/d", "308 Moved", "http://h:81/d/", true],
    ["/d", "302 Found", "/d/?x#y", true],
    ["/a%20b", "301 Moved", "/a b/", true],
    ["/d", "301 Moved", "/d", false],
    ["/d", "301 Moved", "/e/", false],
    ["/d", "301 Moved", "/d/e/", false],
    ["/d", "301 Moved", undefined, false],
    ["/d", "200 OK", "/d/", false],
    ["/d", "300 Choices", "/d/", false],
    ["/d/", "301 Moved", "/d/", false],
    ["/d?x", "301 Moved", "/d/", false],
  ];
  for (const [path, line, location, missing] of rows) {
    t.equal(isSlashMissing(pointing(line, location), path), missing, `${path} ${line} ${location}`);
  }
  t.equal(isSlashMissing({ status: null, headers: [["Location", "/d/"]] }, "/d"), false);
});

async function listed(path: string, fail: (path: string) => Error | null): Promise<string[]> {
  const found: string[] = [];
  const list = async function* (asked: string): AsyncGenerator<string, void> {
    found.push(`asked ${asked}`);
    const error = fail(asked);
    if (error !== null) throw error;
    yield `in ${asked}`;
  };
  for await (const each of withSlash(path, list)) found.push(each);
  return found;
}

t.test("asked once more, with the slash", async (t) => {
  t.strictSame(await listed("/d", () => null), ["asked /d", "in /d"]);
  const moved = pointing("301 Moved", "/d/");
  const once = await listed("/d", (path) => (path === "/d" ? moved : null));
  t.strictSame(once, ["asked /d", "asked /d/", "in /d/"]);
  t.equal(await failureOf(() => listed("/d", () => moved)), moved, "and not for ever");
  const other = pointing("403 Forbidden");
  t.equal(await failureOf(() => listed("/d", () => other)), other);
  const own = new Error("the application's");
  t.equal(await failureOf(() => listed("/d", () => own)), own);
});

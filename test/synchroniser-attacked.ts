// The synchroniser against servers that lie: whatever they answer, nothing is lost here and nothing
// is written outside of the folder. Needs the build.
import * as fs from "node:fs";
import http from "node:http";
import path from "node:path";
import t from "tap";
import { multistatus, propstat, response } from "./fixtures/dav.js";
import { folder, plant, run, serve, treeOf } from "./fixtures/synchroniser.js";

const SELF = response("/", propstat("<D:resourcetype><D:collection/></D:resourcetype>"));
const file = (href: string): string =>
  response(href, propstat('<D:resourcetype/><D:getetag>"1"</D:getetag>'));

interface Reply {
  status: number;
  body?: string;
  cut?: boolean;
}

const all = (status: number, body = ""): (() => Reply) => () => ({ status, body });
const list = (...members: string[]): (() => Reply) => all(207, multistatus(SELF, ...members));

type Attack = (method: string, target: string) => Reply;

/** What the server does, and the exit code. */
const ATTACKS: [string, Attack, number][] = [
  ["an empty multistatus", all(207, multistatus()), 1],
  ["an empty collection, whatever is asked", list(), 1],
  ["an empty answer", all(207), 1],
  ["half a document", all(207, multistatus(SELF, file("/x")).slice(0, -30)), 1],
  ["a body cut short", () => ({ status: 207, body: multistatus(SELF, file("/x")), cut: true }), 1],
  ["507", all(507), 1],
  ["a list cut short", list(file("/x"), response("/", "<D:status>HTTP/1.1 507 x</D:status>")), 1],
  ["404", all(404), 1],
  ["a login page", all(200, "<html>who are you?</html>"), 1],
  ["401", all(401), 1],
  ["403 for each member", list(...["/x", "/y", "/d"].map((href) =>
    response(href, "<D:status>HTTP/1.1 403 no</D:status>"))), 3],
  ["hrefs of another place", all(207, multistatus(file("/other/x"), file("http://evil/"))), 1],
  ["one file of many", (_, target) =>
    target === "/" ? list(file("/x"))() : { status: 500 }, 3],
  ["names that leave the folder", (method, target) =>
    method === "GET" ? { status: 200, body: "evil" } :
    target !== "/" ? { status: 500 } :
    list(...["/../up", "/%2e%2e/up", "/..%2fup", "/..%5cup", "/n%00ul", "/%2e", "//../up",
      "/d%5c..%5c..%5cup", "/x"].map(file))(), 3],
  ["names of the program's own files", (method, target) =>
    method === "GET" ? { status: 200, body: "evil" } :
    target !== "/" ? { status: 500 } :
    list(file("/.libneon-sync/state.json"), file("/.LIBNEON-SYNC"), file("/x"))(), 3],
];

t.test("nothing is lost to a server that lies", async (t) => {
  const server = await serve(t);
  const url = `${server.url}/`;
  const place = folder(t);
  const kept = path.join(place, "kept");
  fs.mkdirSync(kept);
  plant(kept, { x: "x", y: "y", "d/z": "z" });
  t.equal((await run(kept, url)).code, 0);
  const before = treeOf(kept);
  await server.close();

  let attack: Attack = all(500);
  const writes: string[] = [];
  const attacker = http.createServer((req, res) => {
    const { method = "", url: target = "" } = req;
    if (!/^(PROPFIND|GET|HEAD|OPTIONS)$/.test(method)) writes.push(`${method} ${target}`);
    const { status, body = "", cut = false } = attack(method, target);
    res.writeHead(status, {
      "Content-Type": status === 207 ? "application/xml" : "text/html",
      "Content-Length": Buffer.byteLength(body) + (cut ? 10 : 0),
    });
    if (cut) res.write(body, () => res.destroy());
    else res.end(body);
  });
  await new Promise<void>((resolve) => attacker.listen(server.port, "127.0.0.1", resolve));
  t.teardown(() => attacker.close());

  for (const [name, answers, code] of ATTACKS) {
    attack = answers;
    const a = path.join(place, "a");
    fs.cpSync(kept, a, { recursive: true });
    const ended = await run(a, url);
    t.equal(ended.code, code, `${name}: ${ended.out}${ended.err}`);
    t.ok(/^(sync: .+\n)?$/.test(ended.err), `${name}: one line at the most: ${ended.err}`);
    t.strictSame(treeOf(a), before, `${name}: ${ended.out}`);
    t.strictSame(fs.readdirSync(place).sort(), ["a", "kept"], "nothing beside the folder");
    t.strictSame(writes, [], "nothing is changed there");
    fs.rmSync(a, { recursive: true });
  }
});

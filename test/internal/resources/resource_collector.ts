// The resources of one response: each once, the collection told from its members, and what says
// that the response is not all kept for its end.
import t from "tap";
import { ResourceCollector, type Kind } from "../../../lib/internal/resources/resource_collector.js";
import type { nx_resource } from "../../../lib/internal/resources/resource.js";
import type { Response } from "../../../lib/internal/resources/response_element.js";
import { ne_parse_statusline, ne_status } from "../../../lib/ne_utils.js";

function response(hrefs: readonly string[], line: string | null = null): Response {
  const status = line === null ? null : new ne_status();
  if (status !== null) ne_parse_statusline(`HTTP/1.1 ${line}`, status);
  return { hrefs, status, props: [], trees: [], description: null, condition: null };
}

function gather(
  responses: readonly Response[],
  wanted?: (kind: Kind) => boolean,
): { collector: ResourceCollector; paths: string[] } {
  const collector = new ResourceCollector("/d/", "listing: ");
  const batch: nx_resource[] = [];
  for (const one of responses) collector.take(one, batch, wanted);
  return { collector, paths: batch.map(({ path, self }) => (self ? `self ${path}` : path)) };
}

t.test("each resource once, however it is spelled", async (t) => {
  const { paths } = gather([
    response(["/d/", "/d/a"]),
    response(["/d/%61"]),
    response(["/d/a/"]),
    response(["/d/b", "/d/b"]),
    response(["/other"]),
  ]);
  t.strictSame(paths, ["self /d/", "/d/a", "/d/b", "/other"]);
});

t.test("only the wanted kinds of resources", async (t) => {
  const all = [response(["/d/", "/d/a", "/d/a/b", "/other"])];
  t.strictSame(gather(all, (kind) => kind === "member").paths, ["/d/a"]);
  t.strictSame(gather(all, (kind) => kind === "self").paths, ["self /d/"]);
  t.strictSame(gather(all, (kind) => kind === "below").paths, ["/d/a/b"]);
});

t.test("an answer that names neither collection nor member is not recognised", async (t) => {
  t.equal(gather([response(["/d/a"])]).collector.isRecognised, true);
  t.equal(gather([response(["/d"])]).collector.isRecognised, true);
  t.equal(gather([response(["/other", "/d/a/b"])]).collector.isRecognised, false);
  t.equal(gather([]).collector.isRecognised, false);
});

t.test("a refusal of the collection itself counts, whatever else is said of it", async (t) => {
  for (const responses of [
    [response(["/d/"], "403 Forbidden"), response(["/d/"], "200 OK")],
    [response(["/d/"], "200 OK"), response(["/d/"], "403 Forbidden")],
  ]) {
    const { collector } = gather(responses);
    t.throws(() => collector.checkOwn("/d/"), { name: "nx_error", message: "listing: 403 Forbidden" });
  }
  const { collector } = gather([response(["/d/a"], "403 Forbidden")]);
  t.doesNotThrow(() => collector.checkOwn("/d/"), "a member's is the member's");
});

t.test("507 about the collection says that there is more", async (t) => {
  const { collector, paths } = gather([response(["/d/a"]), response(["/d/"], "507 Insufficient Storage")]);
  t.strictSame(paths, ["/d/a"]);
  t.throws(() => collector.checkWhole("/d/"), { message: "listing: the server cut the answer short (507)" });
  t.doesNotThrow(() => collector.checkOwn("/d/"));
  const member = gather([response(["/d/a"], "507 Insufficient Storage")]);
  t.doesNotThrow(() => member.collector.checkWhole("/d/"));
  t.strictSame(member.paths, ["/d/a"]);
});

t.test("asked again, what was given is not given twice", async (t) => {
  const { collector } = gather([response(["/d/", "/d/a"]), response(["/d/"], "507 x")]);
  collector.beginAgain();
  t.match(collector, { isCut: false, isRecognised: false, own: null });
  const batch: nx_resource[] = [];
  collector.take(response(["/d/a", "/d/b"]), batch);
  t.strictSame(batch.map(({ path }) => path), ["/d/b"]);
});

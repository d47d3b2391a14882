// What documents say of failures and conditions. Most of the cases are told by ne_simple_request
// (test/ne_207.ts) and by those that are generated (test/generated/multistatus.ts).
import t from "tap";
import { readOutcome, type Outcome } from "../../../lib/internal/multistatus/outcome.js";
import { ne_uri, ne_uri_parse } from "../../../lib/ne_uri.js";
import { ne_xml_create, ne_xml_destroy, ne_xml_parse } from "../../../lib/ne_xml.js";
import { multistatus, propstat, response } from "../../fixtures/dav.js";

function outcomeOf(...pieces: string[]): Outcome & { ret: number } {
  const base = new ne_uri();
  ne_uri_parse("http://h.example/d/", base);
  const xml = ne_xml_create();
  const outcome = readOutcome(xml, base);
  let ret = 0;
  for (const piece of pieces) ret ||= ne_xml_parse(xml, Buffer.from(piece));
  ret ||= ne_xml_parse(xml);
  ne_xml_destroy(xml);
  return { ...outcome, ret };
}

const status = (line: string): string => `<D:status>HTTP/1.1 ${line}</D:status>`;

t.test("an error document", async (t) => {
  const inside = "<D:lock-token-submitted><D:href>/d/a b</D:href></D:lock-token-submitted>";
  t.match(outcomeOf(`<D:error xmlns:D="DAV:"><x/>${inside}</D:error>`), {
    ret: 0,
    isMultistatus: false,
    failure: null,
    condition: "lock-token-submitted",
    path: "/d/a%20b",
  });
});

t.test("conditions of CalDAV and CardDAV, and of others", async (t) => {
  const rows: [string, string | null][] = [
    ["urn:ietf:params:xml:ns:caldav", "valid-calendar-data"],
    ["urn:ietf:params:xml:ns:carddav", "valid-calendar-data"],
    ["http://sabredav.org/ns", null],
    ["", null],
  ];
  for (const [nspace, condition] of rows) {
    const document = `<D:error xmlns:D="DAV:"><valid-calendar-data xmlns="${nspace}"/></D:error>`;
    t.equal(outcomeOf(document).condition, condition, nspace);
  }
});

t.test("a condition in a multistatus", async (t) => {
  const error = "<D:error><D:cannot-modify-protected-property/></D:error>";
  for (const inside of [
    propstat("<x:p/>", "403 Forbidden", error),
    `${status("403 Forbidden")}${error}`,
    `${error}${status("403 Forbidden")}`,
  ]) {
    t.match(outcomeOf(multistatus(response("/d/a", inside))), {
      condition: "cannot-modify-protected-property",
      path: "/d/a",
      text: "/d/a: 403 Forbidden",
    });
  }
});

t.test("the first failure is the one told, 424 the last", async (t) => {
  const document = multistatus(
    response("/a", status("424 Failed Dependency")),
    response("/b", status("423 Locked")),
    response("/c", status("403 Forbidden")),
  );
  t.match(outcomeOf(document), {
    path: "/b",
    failure: { code: 423 },
    text: "/b: 423 Locked, /c: 403 Forbidden",
  });
});

t.test("a failure in an element that nobody knows", async (t) => {
  const inner = response("/a", status("403 Forbidden"));
  t.equal(outcomeOf(multistatus(`<x:y>${inner}</x:y>`)).text, "/a: 403 Forbidden");
  t.equal(outcomeOf(multistatus(status("403 Forbidden"))).text, "/d/: 403 Forbidden");
  const deep = response("/a", `<x:y>${status("403 Forbidden")}</x:y>`);
  t.equal(outcomeOf(multistatus(deep)).text, "/a: 403 Forbidden");
});

t.test("elements without a namespace count as well", async (t) => {
  const bare = `<response xmlns=""><href>/b</href><status>HTTP/1.1 423 Locked</status></response>`;
  t.equal(outcomeOf(multistatus(bare)).text, "/b: 423 Locked");
  const other = `<x:status>HTTP/1.1 423 Locked</x:status>`;
  t.equal(outcomeOf(multistatus(response("/a", other))).text, "", "those of another do not");
});

t.test("hrefs of other things are not the response's", async (t) => {
  const location = "<D:location><D:href>/l</D:href></D:location>";
  const document = multistatus(`<D:response>${location}${status("302 Found")}</D:response>`);
  t.equal(outcomeOf(document).text, "/d/: 302 Found");
});

t.test("texts that are too long", async (t) => {
  const long = "x".repeat(16_385);
  t.equal(outcomeOf(multistatus(response(`/${long}`, status("423 Locked")))).path, "/d/");
  const described = `<D:responsedescription>${long}</D:responsedescription>`;
  const document = multistatus(response("/a", status("423 Locked"), described));
  t.equal(outcomeOf(document).text, "/a: 423 Locked");
  t.equal(outcomeOf(multistatus(response("/a", status(`200 ${long}`)))).ret, -1);
});

t.test("the last piece that makes a text too long counts", async (t) => {
  const document = multistatus(response(`/${"x".repeat(16_384)}`, status("423 Locked")));
  const at = document.indexOf("x".repeat(100)) + 16_383;
  t.equal(outcomeOf(document.slice(0, at), document.slice(at)).path, "/d/");
});

t.test("an element inside an href takes nothing of it away", async (t) => {
  const href = "/e/<x:i>of another</x:i>a";
  t.equal(outcomeOf(multistatus(response(href, status("423 Locked")))).path, "/e/a");
});

t.test("a flood in one response costs little", async (t) => {
  const hrefs = "<D:href>/a</D:href>".repeat(5000);
  const propstats = propstat("", "403 Forbidden").repeat(5000);
  const { text } = outcomeOf(multistatus(`<D:response>${hrefs}${propstats}</D:response>`));
  t.match(text, /^\/a: 403 Forbidden, /);
  t.ok(text.length < 1000);
});

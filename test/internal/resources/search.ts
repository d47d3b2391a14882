// Bodies of searches: what a caller writes stands where it belongs, or is a mistake.
import t from "tap";
import { basicSearchBody, checkSearchRequest } from "../../../lib/internal/resources/search.js";

const SEARCH = { path: "/a&b/", props: [], where: null, depth: 1, limit: Infinity } as const;

t.test("in parts", async (t) => {
  const plain = basicSearchBody(SEARCH, "f");
  t.match(plain, "<D:href>/a&amp;b/</D:href><D:depth>1</D:depth>");
  t.match(plain, "<D:select><D:prop><D:resourcetype/>");
  t.notMatch(plain, /where|limit/);
  const full = basicSearchBody(
    {
      ...{ path: "/", props: [{ nspace: "u", name: "p" }], depth: "infinity", limit: 7 },
      where: "<D:eq><D:prop><x xmlns='u'/></D:prop><D:literal>a&lt;b</D:literal></D:eq>",
    },
    "f",
  );
  t.match(full, '<p xmlns="u"/></D:prop></D:select>');
  t.match(full, "<D:depth>infinity</D:depth>");
  t.match(full, '<D:where><D:eq><D:prop><x xmlns="u"/></D:prop><D:literal>a&lt;b</D:literal></D:eq></D:where>');
  t.match(full, "<D:limit><D:nresults>7</D:nresults></D:limit>");
});

t.test("a where that would end the search", async (t) => {
  const where = "</D:where></D:basicsearch><D:evil/>";
  t.throws(() => basicSearchBody({ ...SEARCH, where }, "f"), { message: /^f: where is no XML/ });
});

t.test("a whole request", async (t) => {
  const text = '<D:searchrequest xmlns:D="DAV:"><x/></D:searchrequest>';
  t.equal(checkSearchRequest(text, "f"), text);
  for (const other of ["<searchrequest/>", '<D:propfind xmlns:D="DAV:"/>']) {
    const message = "f: the query must be a DAV:searchrequest";
    t.throws(() => checkSearchRequest(other, "f"), new TypeError(message));
  }
  t.throws(() => checkSearchRequest("<a", "f"), { message: /^f: the query is no XML/ });
});

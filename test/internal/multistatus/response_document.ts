// The document of a response: read whatever its type says, anew for each response, and a fault is
// kept or ends the request.
import t, { type Test } from "tap";
import { NE_ERROR, NE_OK, NE_RETRY } from "../../../lib/internal/base/constants.js";
import {
  endDocument,
  addDocumentReader,
  refuseDocument,
  type ResponseDocument,
} from "../../../lib/internal/multistatus/response_document.js";
import {
  ne_hook_post_send,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "../../../lib/ne_request.js";
import { ne_get_error, type ne_session } from "../../../lib/ne_session.js";
import { ne_xml_push_handler } from "../../../lib/ne_xml.js";
import { answering, type Answered } from "../../fixtures/dav.js";

interface Read {
  document: ResponseDocument;
  events: string[];
  ret: number;
  error: string;
}

async function read(
  t: Test,
  answers: readonly Answered[],
  ends: boolean,
  { wanted = true, prepare = (_: ne_session): void => {} } = {},
): Promise<Read> {
  const { sess } = await answering(t, ...answers);
  prepare(sess);
  const req = ne_request_create(sess, "REPORT", "/");
  const events: string[] = [];
  const begin = (xml: Parameters<typeof ne_xml_push_handler>[0]): boolean => {
    events.push("begin");
    ne_xml_push_handler(
      xml,
      (_userdata, _parent, _nspace, name) => events.push(name),
      (_userdata, _state, text) => (events.push(text), 0),
    );
    return wanted;
  };
  const document = addDocumentReader(req, begin, ends);
  const ret = await ne_request_dispatch(req);
  ne_request_destroy(req);
  endDocument(document);
  return { document, events, ret, error: ne_get_error(sess) };
}

t.test("read, whatever its type says", async (t) => {
  for (const type of ["text/xml", "text/html", "nonsense", null]) {
    const { document, events, ret } = await read(t, [{ body: " \r\n<a>x</a>", type }], true);
    t.strictSame([ret, events], [NE_OK, ["begin", "a", "x"]], String(type));
    t.match(document, { fault: null, isEmpty: false, parser: null });
  }
});

t.test("charsets of the field", async (t) => {
  const body = Buffer.from("<a>\xe4</a>", "latin1");
  const { events } = await read(t, [{ body, type: "text/xml; charset=iso-8859-1" }], true);
  t.strictSame(events, ["begin", "a", "ä"]);
  const unknown = await read(t, [{ body: "<a/>", type: "text/xml; charset=klingon" }], false);
  t.match(unknown, { ret: NE_OK, document: { fault: /klingon|encoding/i } });
});

t.test("faults are kept, or end the request", async (t) => {
  const bodies = ["<a>", "<a></b>", "no document", "<a/>x"];
  for (const body of bodies) {
    const kept = await read(t, [{ body }], false);
    t.equal(kept.ret, NE_OK, body);
    t.match(kept.document.fault, /^XML parse error at line 1: /, body);
    const ended = await read(t, [{ body }], true);
    t.equal(ended.ret, NE_ERROR, body);
    t.match(ended.error, /^Could not parse response: XML parse error at line 1: /, body);
  }
});

t.test("no body at all", async (t) => {
  const { document } = await read(t, [{ body: "" }], false);
  t.equal(document.isEmpty, true);
  t.equal((await read(t, [{ body: "x" }], false)).document.isEmpty, false);
});

t.test("a document that comes in several blocks", async (t) => {
  const body = `<a>${" ".repeat(600_000)}<b/></a>`;
  const { document, events } = await read(t, [{ body }], true);
  t.equal(document.fault, null);
  t.strictSame(events.filter((event) => event.trim() !== ""), ["begin", "a", "b"]);
});

t.test("one that is not wanted is not read", async (t) => {
  const { document, events, ret } = await read(t, [{ body: "<a>" }], true, { wanted: false });
  t.strictSame([ret, events, document.fault], [NE_OK, ["begin"], null]);
});

t.test("a request that is repeated begins a document anew", async (t) => {
  let left = 1;
  const prepare = (sess: ne_session): void =>
    ne_hook_post_send(sess, () => (left-- > 0 ? NE_RETRY : NE_OK), null);
  const answers = [{ body: "\n<?xml version='1.0'?><a>" }, { body: "\n<?xml version='1.0'?><b/>" }];
  const { document, events } = await read(t, answers, false, { prepare });
  t.strictSame([events, document.fault], [["begin", "a", "begin", "b"], null]);
});

t.test("an answer without end ends the request, one of 16 MiB does not", async (t) => {
  const long = Buffer.alloc(2 ** 24, "x");
  let left = 1;
  const prepare = (sess: ne_session): void =>
    ne_hook_post_send(sess, () => (left-- > 0 ? NE_RETRY : NE_OK), null);
  const fine = await read(t, [{ body: long }, { body: long }], false, { prepare });
  t.equal(fine.ret, NE_OK, "each answer counts for itself");
  const endless = await read(t, [{ body: Buffer.concat([long, Buffer.from("x")]) }], false);
  t.equal(endless.ret, NE_ERROR);
  t.equal(endless.error, "Could not parse response: the answer goes on without end");
});

t.test("a refusal words the session's error", async (t) => {
  const { sess } = await answering(t, { status: "204 No Content", type: null });
  const req = ne_request_create(sess, "GET", "/");
  await ne_request_dispatch(req);
  t.equal(refuseDocument(req, "100% wrong"), NE_ERROR);
  t.equal(ne_get_error(sess), "Could not parse response: 100% wrong");
  ne_request_destroy(req);
});

// Responses that are XML documents: which are parsed, what is said of those that cannot be, and
// handlers that make the response wait.
import t from "tap";
import type { Test } from "tap";
import {
  ne_accept_always,
  ne_add_response_body_reader,
  ne_begin_request,
  ne_end_request,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
  NE_ERROR,
  NE_OK,
  NE_RETRY,
  ne_hook_post_send,
} from "../lib/ne_request.js";
import type { ne_request } from "../lib/ne_request.js";
import { ne_get_error, ne_session_create, ne_session_destroy } from "../lib/ne_session.js";
import type { ne_session } from "../lib/ne_session.js";
import {
  NE_XML_ABORT,
  ne_xml_create,
  ne_xml_failed,
  ne_xml_push_handler,
  ne_xml_set_error,
} from "../lib/ne_xml.js";
import type { ne_xml_parser } from "../lib/ne_xml.js";
import {
  ne_xml_dispatch_request,
  ne_xml_dispatchif_request,
  ne_xml_parse_response,
} from "../lib/ne_xmlreq.js";
import { scripted } from "./fixtures/server.js";
import type { Script, ScriptedServer } from "./fixtures/server.js";

interface Scene {
  sess: ne_session;
  server: ScriptedServer;
  parser: ne_xml_parser;
  /** What the parser told. */
  text: () => string;
}

async function scene(t: Test, scripts: Script | readonly Script[]): Promise<Scene> {
  const server = await scripted(t, scripts as never);
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  t.teardown(() => ne_session_destroy(sess));
  const parser = ne_xml_create();
  let text = "";
  ne_xml_push_handler(
    parser,
    (_userdata, _parent, _nspace, name) => {
      text += `<${name}>`;
      return 1;
    },
    (_userdata, _state, cdata) => {
      text += cdata;
      return 0;
    },
  );
  return { sess, server, parser, text: () => text };
}

function answer(type: string | null, body: string, status = "200 OK"): string {
  const field = type === null ? "" : `Content-Type: ${type}\r\n`;
  return `HTTP/1.1 ${status}\r\n${field}Content-Length: ${body.length}\r\n\r\n${body}`;
}

async function dispatch(
  { sess, parser }: Scene,
  method = "GET",
  run: (req: ne_request) => Promise<number> = (req) => ne_xml_dispatch_request(req, parser),
): Promise<number> {
  const req = ne_request_create(sess, method, "/");
  try {
    return await run(req);
  } finally {
    ne_request_destroy(req);
  }
}

const types: readonly (readonly [string, string | null, boolean])[] = [
  ["text/xml", "text/xml", true],
  ["application/xml with a parameter", "application/xml; x=y", true],
  ["a +xml type", "image/svg+xml", true],
  ["in upper case", "Text/XML", true],
  ["another type", "text/html", false],
  ["xml elsewhere", "image/xml", false],
  ["nearly", "application/xmlx", false],
  ["no type", null, false],
  ["no type at all", "xml", false],
];

t.test("XML types are parsed, others dropped", async (t) => {
  for (const [name, type, parsed] of types) {
    const s = await scene(t, [[answer(type, "<a>x</a>"), answer(type, "")]]);
    t.equal(await dispatch(s), NE_OK, name);
    t.equal(s.text(), parsed ? "<a>x" : "", name);
    t.equal(ne_get_error(s.sess), "200 OK");
    t.equal(await dispatch(s, "GET", ne_request_dispatch), NE_OK, "the connection is kept");
    await s.server.done();
  }
});

t.test("other status classes are dropped", async (t) => {
  const s = await scene(t, [[answer("text/xml", "<a", "404 Not Found")]]);
  t.equal(await dispatch(s), NE_OK);
  t.equal(ne_get_error(s.sess), "404 Not Found");
});

t.test("dispatchif asks once per response, with status and userdata", async (t) => {
  const s = await scene(t, [[answer("text/xml", "<a/>", "422 No"), answer("text/xml", "<a")]]);
  const asked: unknown[] = [];
  const ask = (verdict: number) => (req: ne_request) =>
    ne_xml_dispatchif_request(
      req,
      s.parser,
      (userdata, given, st) => {
        asked.push(userdata, given === req, st === ne_get_status(req), st.code);
        return Promise.resolve(verdict);
      },
      "mine",
    );
  t.equal(await dispatch(s, "GET", ask(1)), NE_OK);
  t.equal(await dispatch(s, "GET", ask(0)), NE_OK);
  t.strictSame(asked, ["mine", true, true, 422, "mine", true, true, 200]);
  t.equal(s.text(), "<a>");
});

const faults: readonly (readonly [string, string, string, string])[] = [
  ["a syntax error", "text/xml", "<a>\n</b>",
    "Could not parse response: XML parse error at line 2: mismatched tag"],
  ["an empty body", "text/xml", "",
    "Could not parse response: XML parse error at line 1: no element found"],
  ["an entity", "text/xml", "<!DOCTYPE a [<!ENTITY e 'x'>]><a/>",
    "Could not parse response: XML parse error at line 1: parsing aborted"],
  ["half a document", "text/xml", "<a>",
    "Could not parse response: XML parse error at line 1: no element found"],
  ["an unknown charset", "text/xml; charset=klingon", "<a/>",
    "Could not parse response: XML parse error at line 1: unknown encoding"],
  ["a charset that it is not", "text/xml; charset=us-ascii", "<a>\xe9</a>",
    "Could not parse response: XML parse error at line 1: not well-formed (invalid token)"],
];

t.test("malformed: a document at fault fails the request and ends the connection", async (t) => {
  for (const [name, type, body, error] of faults) {
    const s = await scene(t, [[answer(type, body)], [answer("text/plain", "")]]);
    t.equal(await dispatch(s), NE_ERROR, name);
    t.equal(ne_get_error(s.sess), error, name);
    t.equal(await dispatch(s, "GET", ne_request_dispatch), NE_OK, "on a new connection");
    await s.server.done();
  }
});

t.test("a handler that stops fails the request with the parser's error", async (t) => {
  const codes: [number, string | null, string][] = [
    [NE_XML_ABORT, null, "Could not parse response: Unknown error"],
    [-5, "enough", "Could not parse response: enough"],
    [Promise.resolve(-5) as never, "enough", "Could not parse response: enough"],
  ];
  for (const [code, error, wanted] of codes) {
    const s = await scene(t, [[answer("text/xml", "<a/>")]]);
    const parser = ne_xml_create();
    ne_xml_push_handler(parser, () => {
      if (error !== null) ne_xml_set_error(parser, error);
      return code;
    });
    t.equal(await dispatch({ ...s, parser }), NE_ERROR);
    t.equal(ne_get_error(s.sess), wanted);
    t.equal(ne_xml_failed(parser), await code);
  }
});

t.test("a charset sets the encoding", async (t) => {
  const charsets: [string, string, string][] = [
    ["ISO-8859-1", "<a>\xe9</a>", "<a>é"],
    ['"iso-8859-1"', "<?xml version='1.0' encoding='utf-8'?><a>\xe9</a>", "<a>é"],
    ["utf-8", "<?xml version='1.0' encoding='iso-8859-1'?><a>\xc3\xa9</a>", "<a>é"],
  ];
  for (const [charset, body, wanted] of charsets) {
    const s = await scene(t, [[answer(`text/xml; charset=${charset}`, body)]]);
    t.equal(await dispatch(s), NE_OK);
    t.equal(s.text(), wanted, charset);
  }
});

t.test("where there is no body there is nothing to parse", async (t) => {
  const s = await scene(t, [
    [
      "HTTP/1.1 204 No Content\r\nContent-Type: text/xml\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=klingon\r\nContent-Length: 9\r\n\r\n",
    ],
  ]);
  t.equal(await dispatch(s), NE_OK);
  t.equal(await dispatch(s, "HEAD"), NE_OK);
  t.equal(ne_xml_failed(s.parser), 0);
});

t.test("a body in chunks of one byte", async (t) => {
  const body = [..."<a>x<b/></a>"].map((char) => `1\r\n${char}\r\n`).join("");
  const s = await scene(t, [
    [
      "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n" +
        `${body}0\r\n\r\n`,
    ],
  ]);
  t.equal(await dispatch(s), NE_OK);
  t.equal(s.text(), "<a>x<b>");
});

t.test("parse_response by hand, after the readers", async (t) => {
  const s = await scene(t, [[answer("text/plain", "<a>x</a>", "500 No")]]);
  const order: string[] = [];
  ne_xml_push_handler(s.parser, () => 0);
  t.equal(
    await dispatch(s, "GET", async (req) => {
      ne_add_response_body_reader(req, ne_accept_always, (_userdata, block) => {
        order.push(`${block.length} ${s.text()}`);
        return 0;
      });
      t.equal(await ne_begin_request(req), NE_OK);
      t.equal(await ne_xml_parse_response(req, s.parser), NE_OK);
      return ne_end_request(req);
    }),
    NE_OK,
  );
  t.strictSame(order, ["8 ", "0 <a>x"], "whatever type and status, behind each reader");
});

t.test("userdata that was left out arrives as null", async (t) => {
  const s = await scene(t, [[answer("text/xml", "<a/>")]]);
  const seen: unknown[] = [];
  const accept = (userdata: unknown): number => seen.push(userdata);
  const dispatchIf = (req: ne_request): Promise<number> =>
    ne_xml_dispatchif_request(req, s.parser, accept);
  t.equal(await dispatch(s, "GET", dispatchIf), NE_OK);
  t.strictSame(seen, [null]);
});

t.test("a retry gives the parser the second document", async (t) => {
  const s = await scene(t, [[answer("text/xml", "<a", "401 No"), answer("text/xml", "<b>2</b>")]]);
  ne_hook_post_send(s.sess, (_req, _userdata, st) => (st.code === 401 ? NE_RETRY : NE_OK));
  t.equal(await dispatch(s), NE_OK);
  t.equal(s.text(), "<b>2");
});

t.test("a handler may wait, and use its own session meanwhile", async (t) => {
  const body = `<a>${"<b/>".repeat(20)}</a>`;
  const s = await scene(t, [
    [answer("text/xml", body)],
    ...Array.from({ length: 20 }, () => [answer("text/plain", "")]),
  ]);
  const parser = ne_xml_create();
  const codes: number[] = [];
  ne_xml_push_handler(parser, async (_userdata, _parent, _nspace, name) => {
    if (name === "b") codes.push(await dispatch(s, "GET", ne_request_dispatch));
    return 1;
  });
  t.equal(await dispatch({ ...s, parser }), NE_OK);
  t.strictSame(codes, Array.from({ length: 20 }, () => NE_OK));
});

t.test("what a handler throws leaves through the dispatch; the connection ends", async (t) => {
  const error = new RangeError("mine");
  const handlers: (() => number | Promise<number>)[] = [
    () => {
      throw error;
    },
    () => Promise.reject(error),
  ];
  for (const handler of handlers) {
    const s = await scene(t, [[answer("text/xml", "<a/>")], [answer("text/plain", "")]]);
    const parser = ne_xml_create();
    ne_xml_push_handler(parser, handler);
    await t.rejects(dispatch({ ...s, parser }), error);
    t.equal(await dispatch(s, "GET", ne_request_dispatch), NE_OK, "on a new connection");
    await s.server.done();
  }
});

t.test("what the acceptance callback throws leaves through the dispatch", async (t) => {
  const error = new RangeError("mine");
  const s = await scene(t, [[answer("text/xml", "<a/>")]]);
  await t.rejects(
    dispatch(s, "GET", (req) =>
      ne_xml_dispatchif_request(req, s.parser, () => {
        throw error;
      }),
    ),
    error,
  );
});

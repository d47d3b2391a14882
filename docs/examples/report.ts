// A REPORT whose answer is read while it arrives: for each member the parser stops, its handler
// gets the member's content over the same session, and the parser goes on.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  NE_207_STATE_PROP,
  NE_207_STATE_TOP,
  ne_207_create,
  ne_207_destroy,
  ne_207_set_response_handlers,
  ne_accept_207,
} from "libneon/ne_207";
import { ne_getbuf } from "libneon/ne_basic";
import {
  NE_OK,
  ne_add_request_header,
  ne_get_request_target,
  ne_request_create,
  ne_request_destroy,
  ne_set_request_body_buffer,
} from "libneon/ne_request";
import {
  ne_get_error,
  ne_session_create,
  ne_session_destroy,
  type ne_session,
} from "libneon/ne_session";
import {
  NE_XML_MEDIA_TYPE,
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_push_handler,
} from "libneon/ne_xml";
import { ne_xml_dispatchif_request } from "libneon/ne_xmlreq";
import { playIfProgram, type Stage } from "./stage.js";

const LENGTH = NE_207_STATE_TOP;
const MEMBERS = 5;

const BODY = `<?xml version="1.0" encoding="utf-8"?>
<D:sync-collection xmlns:D="DAV:">
  <D:sync-token/><D:sync-level>1</D:sync-level>
  <D:prop><D:getcontentlength/></D:prop>
</D:sync-collection>`;

interface Member {
  path: string;
  length: number;
}

/** The example. */
export async function report(stage: Stage): Promise<void> {
  const server = await stage.serve();
  await mkdir(join(server.root, "calendar"));
  for (let i = 1; i <= MEMBERS; i++) {
    await writeFile(join(server.root, "calendar", `${i}.ics`), `SUMMARY:Event ${i}\n`);
  }
  const sess = ne_session_create("http", server.host, server.port);
  try {
    const found = await syncReport(sess, "/calendar/", async ({ path, length }) => {
      // the response is still under way, so this request gets a connection of its own
      const content = Buffer.alloc(length);
      const used = { value: length };
      const ret = await ne_getbuf(sess, path, content, used);
      if (ret !== NE_OK) throw new Error(`${path}: ${ne_get_error(sess)}`);
      stage.say(`${path}: ${content.toString("utf8", 0, used.value).trim()}`);
    });
    stage.say(`${found} members, each read before the next was looked at`);
  } finally {
    ne_session_destroy(sess);
  }
}

async function syncReport(
  sess: ne_session,
  path: string,
  take: (member: Member) => Promise<void>,
): Promise<number> {
  const req = ne_request_create(sess, "REPORT", path);
  const base = ne_get_request_target(req);
  if (base === null) throw new Error("not a path");
  ne_add_request_header(req, "Content-Type", NE_XML_MEDIA_TYPE);
  ne_set_request_body_buffer(req, Buffer.from(BODY));
  const xml = ne_xml_create();
  const multi = ne_207_create(xml, base);
  let member: Member = { path: "", length: 0 };
  let text = "";
  let found = 0;
  ne_207_set_response_handlers(
    multi,
    (_userdata, uri) => (member = { path: uri.path ?? "", length: 0 }),
    async () => {
      found++;
      await take(member);
    },
  );
  ne_xml_push_handler(
    xml,
    (_userdata, parent, nspace, name) => {
      text = "";
      const wanted = parent === NE_207_STATE_PROP && nspace === "DAV:";
      return wanted && name === "getcontentlength" ? LENGTH : 0;
    },
    (_userdata, _state, cdata) => {
      text += cdata;
      return 0;
    },
    () => {
      member.length = Number(text);
      return 0;
    },
  );
  const ret = await ne_xml_dispatchif_request(req, xml, ne_accept_207);
  ne_207_destroy(multi);
  ne_xml_destroy(xml);
  ne_request_destroy(req);
  if (ret !== NE_OK) throw new Error(ne_get_error(sess));
  return found;
}

playIfProgram(import.meta.url, report);

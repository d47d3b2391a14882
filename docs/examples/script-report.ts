// The REPORT once more, as a script: its answer is a stream, fed to the parser a block at a time.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import {
  NE_XML_STATEROOT,
  ne_xml_create,
  ne_xml_destroy,
  ne_xml_get_error,
  ne_xml_parse_v,
  ne_xml_push_handler,
} from "libneon/ne_xml";
import { nx_send, nx_session_for } from "libneon/nx_script";
import { nx_set_max_connections } from "libneon/nx_session";
import { playIfProgram, type Stage } from "./stage.js";

const MEMBERS = 5;
const HREF = NE_XML_STATEROOT + 1;
const OTHER = NE_XML_STATEROOT + 2;

const BODY = `<?xml version="1.0" encoding="utf-8"?>
<D:sync-collection xmlns:D="DAV:">
  <D:sync-token/><D:sync-level>1</D:sync-level>
  <D:prop><D:getcontentlength/></D:prop>
</D:sync-collection>`;

/** The example. */
export async function scriptReport(stage: Stage): Promise<void> {
  const server = await stage.serve();
  await mkdir(join(server.root, "calendar"));
  for (let i = 1; i <= MEMBERS; i++) {
    await writeFile(join(server.root, "calendar", `${i}.ics`), `SUMMARY:Event ${i}\n`);
  }
  const sess = nx_session_for(server.url);
  if (sess === null) throw new TypeError(`not a URL: ${server.url}`);
  // one for the report, which goes on until its stream has ended, one for what is asked meanwhile
  nx_set_max_connections(sess, 2);
  try {
    const found = await hrefs(sess, "/calendar/", async (href) => {
      const member = await nx_send(sess, "GET", href);
      stage.say(`${href}: ${member.text().trim()}`);
    });
    stage.say(`${found} members, each read before the next was looked at`);
  } finally {
    ne_session_destroy(sess);
  }
}

// Calls back with the href of every response; the parser, and the stream, wait meanwhile.
async function hrefs(
  sess: ne_session,
  path: string,
  take: (href: string) => Promise<void>,
): Promise<number> {
  const headers = { "Content-Type": "application/xml" };
  const { stream, error } = await nx_send(sess, "REPORT", path, {
    headers,
    body: BODY,
    stream: true,
  });
  if (stream === null) throw new Error(error);
  const xml = ne_xml_create();
  let text = "";
  let found = 0;
  ne_xml_push_handler(
    xml,
    (_userdata, _parent, nspace, name) => {
      text = "";
      return nspace === "DAV:" && name === "href" ? HREF : OTHER;
    },
    (_userdata, state, cdata) => {
      if (state === HREF) text += cdata;
      return 0;
    },
    (_userdata, state) => {
      if (state !== HREF) return 0;
      found++;
      return take(text).then(() => 0);
    },
  );
  try {
    for await (const block of stream as AsyncIterable<Buffer>) {
      if ((await ne_xml_parse_v(xml, block)) !== 0) throw new Error(ne_xml_get_error(xml));
    }
    if ((await ne_xml_parse_v(xml, Buffer.alloc(0))) !== 0) throw new Error(ne_xml_get_error(xml));
  } finally {
    ne_xml_destroy(xml);
  }
  return found;
}

playIfProgram(import.meta.url, scriptReport);

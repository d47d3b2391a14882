// The tour's first part: plain HTTP, neon-style.

import { createCipheriv } from "node:crypto";
import { open, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import {
  ne_content_range,
  ne_copy,
  ne_delete,
  NE_DEPTH_INFINITE,
  ne_get,
  ne_get_range,
  ne_getmodtime,
  ne_mkcol,
  ne_move,
  ne_options2,
  ne_put,
  NE_CAP_DAV_CLASS1,
  NE_CAP_DAV_CLASS2,
} from "libneon/ne_basic";
import { ne_rfc1123_date } from "libneon/ne_dates";
import { ne_redirect_location, ne_redirect_register } from "libneon/ne_redirect";
import {
  NE_CONNECT,
  NE_ERROR,
  NE_LOOKUP,
  NE_REDIRECT,
  ne_add_request_header,
  ne_get_response_header,
  ne_get_status,
  ne_request_create,
  ne_request_destroy,
  ne_request_dispatch,
} from "libneon/ne_request";
import { ne_session_destroy, type ne_session } from "libneon/ne_session";
import { ne_uri_unparse } from "libneon/ne_uri";
import type { DavServer } from "./server/server.js";
import type { Tour } from "./tour.js";

const FILE_BYTES = 8 << 20;

/** Requests of every kind, and two that cannot be made. */
export async function tourHttp(tour: Tour, server: DavServer): Promise<void> {
  tour.say(`\nPlain HTTP, to ${server.url}`);
  const sess = tour.session("http", "localhost", server.port);
  try {
    const caps = { value: 0 };
    await tour.call(sess, 'ne_options2(sess, "/", caps)', () => ne_options2(sess, "/", caps));
    const both = NE_CAP_DAV_CLASS1 | NE_CAP_DAV_CLASS2;
    tour.check("the server does WebDAV class 1 and 2", (caps.value & both) === both);
    await tour.call(sess, 'ne_mkcol(sess, "/demo/")', () => ne_mkcol(sess, "/demo/"));
    await upAndDown(tour, sess);
    await conditions(tour, sess);
    await copies(tour, sess);
  } finally {
    ne_session_destroy(sess);
  }
  await refusals(tour);
}

async function upAndDown(tour: Tour, sess: ne_session): Promise<void> {
  const content = patternedBytes(FILE_BYTES);
  const sent = join(tour.folder, "sent.bin");
  const received = join(tour.folder, "received.bin");
  await writeFile(sent, content);
  const from = await open(sent, "r");
  const to = await open(received, "w+");
  try {
    const put = 'ne_put(sess, "/demo/big.bin", fd)';
    await tour.call(sess, put, () => ne_put(sess, "/demo/big.bin", from), { error: "201" });
    const get = 'ne_get(sess, "/demo/big.bin", fd)';
    await tour.call(sess, get, () => ne_get(sess, "/demo/big.bin", to), { error: "200" });
  } finally {
    await from.close();
    await to.close();
  }
  const back = await readFile(received);
  tour.check(`all ${FILE_BYTES} bytes came back as they went`, back.equals(content));

  const range = new ne_content_range();
  range.start = 1000;
  range.end = 1099;
  const part = await open(received, "w+");
  try {
    const text = 'ne_get_range(sess, "/demo/big.bin", 1000-1099, fd)';
    const run = (): Promise<number> => ne_get_range(sess, "/demo/big.bin", range, part);
    await tour.call(sess, text, run, { error: "206" });
  } finally {
    await part.close();
  }
  const piece = await readFile(received);
  tour.check("the range is bytes 1000 to 1099", piece.equals(content.subarray(1000, 1100)));
}

// Bytes that look random and are the same each time.
function patternedBytes(length: number): Buffer {
  const zeros = Buffer.alloc(length);
  return createCipheriv("aes-128-ctr", zeros.subarray(0, 16), zeros.subarray(0, 16)).update(zeros);
}

async function conditions(tour: Tour, sess: ne_session): Promise<void> {
  const head = ne_request_create(sess, "HEAD", "/demo/big.bin");
  await tour.call(sess, "ne_request_dispatch(HEAD)", () => ne_request_dispatch(head));
  const etag = ne_get_response_header(head, "ETag") ?? "";
  ne_request_destroy(head);

  const get = ne_request_create(sess, "GET", "/demo/big.bin");
  ne_add_request_header(get, "If-None-Match", etag);
  const text = `ne_request_dispatch(GET, If-None-Match)`;
  await tour.call(sess, text, () => ne_request_dispatch(get), { error: "304" });
  tour.check(`it is still ${etag}`, ne_get_status(get).code === 304);
  ne_request_destroy(get);

  const modtime = { value: -1 };
  const time = 'ne_getmodtime(sess, "/demo/big.bin", modtime)';
  await tour.call(sess, time, () => ne_getmodtime(sess, "/demo/big.bin", modtime));
  tour.check(`last changed ${ne_rfc1123_date(modtime.value)}`, modtime.value > 0);
}

async function copies(tour: Tour, sess: ne_session): Promise<void> {
  const copy = 'ne_copy(sess, 1, NE_DEPTH_INFINITE, "/demo/", "/copy/")';
  const copied = (): Promise<number> => ne_copy(sess, 1, NE_DEPTH_INFINITE, "/demo/", "/copy/");
  await tour.call(sess, copy, copied, { error: "201" });
  const move = 'ne_move(sess, 0, "/copy/big.bin", "/moved.bin")';
  const moved = (): Promise<number> => ne_move(sess, 0, "/copy/big.bin", "/moved.bin");
  await tour.call(sess, move, moved, { error: "201" });
  const onto = 'ne_move(sess, 0, "/moved.bin", "/demo/big.bin")';
  const refused = (): Promise<number> => ne_move(sess, 0, "/moved.bin", "/demo/big.bin");
  await tour.call(sess, onto, refused, { code: NE_ERROR, error: "412" });
  for (const path of ["/moved.bin", "/copy/", "/demo/"]) {
    await tour.call(sess, `ne_delete(sess, "${path}")`, () => ne_delete(sess, path));
  }
  const gone = 'ne_delete(sess, "/demo/")';
  const again = { code: NE_ERROR, error: "404 Not Found" };
  await tour.call(sess, gone, () => ne_delete(sess, "/demo/"), again);

  tour.say("  ne_redirect_register(sess)");
  ne_redirect_register(sess);
  await tour.call(sess, 'ne_mkcol(sess, "/folder/")', () => ne_mkcol(sess, "/folder/"));
  const req = ne_request_create(sess, "GET", "/folder");
  const redirected = (): Promise<number> => ne_request_dispatch(req);
  await tour.call(sess, "ne_request_dispatch(GET /folder)", redirected, { code: NE_REDIRECT });
  const location = ne_redirect_location(sess);
  const shown = location ? ne_uri_unparse(location) : "nowhere";
  tour.check(`the server points to ${shown}`, location?.path === "/folder/");
  ne_request_destroy(req);
}

async function refusals(tour: Tour): Promise<void> {
  const modtime = { value: 0 };
  const closed = tour.session("http", "127.0.0.1", await unusedPort());
  const text = 'ne_getmodtime(sess, "/", modtime)';
  await tour.call(closed, text, () => ne_getmodtime(closed, "/", modtime), {
    code: NE_CONNECT,
    error: "refused",
  });
  ne_session_destroy(closed);

  const nowhere = tour.session("http", "no-such-host.invalid", 80);
  await tour.call(nowhere, text, () => ne_getmodtime(nowhere, "/", modtime), {
    code: NE_LOOKUP,
    error: "no-such-host.invalid",
  });
  ne_session_destroy(nowhere);
}

// A port that was free a moment ago.
async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// Uploads: what goes out once and what twice, what a condition protects, and what is left behind.
import fs from "node:fs";
import path from "node:path";
import { PassThrough, Readable } from "node:stream";
import t, { type Test } from "tap";
import {
  ne_session_create,
  ne_session_destroy,
  ne_set_read_timeout,
  ne_set_server_auth,
  NE_DBG_HTTP,
  nx_set_debug,
  nx_upload,
} from "../../../lib/index.js";
import type { ne_session, nx_upload_options, nx_upload_state } from "../../../lib/index.js";
import { failureOf, mistake } from "../../fixtures/conversation.js";
import { multistatus, propstat, response } from "../../fixtures/dav.js";
import { content, folder, nxError, openSession } from "../../fixtures/transfer/client.js";
import { hurry } from "../../fixtures/transfer/clock.js";
import {
  transferServer,
  type Fault,
  type Offer,
  type TransferServer,
} from "../../fixtures/transfer/server.js";

const FILE = "/remote.php/dav/files/me/file.bin";
const OFFERS: Offer[] = ["nextcloud", "tus", "sabre-patch", "content-range"];
const PROTOCOLS = ["put", "nextcloud", "tus", "sabre-patch", "content-range"] as const;
const NEW = content(25_000);
const OLD = content(25_000, 2);

hurry(t, 50);

/** A fault for the request of a method that comes as the `nth`, counted from 1. */
function at(nth: number, method: string, fault: Fault, target = /./) {
  let seen = 0;
  return (asked: { method: string; path: string }): Fault | null =>
    asked.method === method && target.test(asked.path) && ++seen === nth ? fault : null;
}

/** Nothing but the file is on the server. */
function isClean(t: Test, server: TransferServer, file: Buffer | null): void {
  t.same([...server.files.keys()], file === null ? [] : [FILE]);
  if (file !== null) t.ok(server.files.get(FILE)?.equals(file));
  t.equal(server.pieces.size, 0);
}

/** Bytes of the content that were received, probes not counted. */
function received(server: TransferServer): number {
  return server.log.reduce((sum, { received: bytes }) => sum + (bytes > 500 ? bytes : 0), 0);
}

const WRITING = { put: "PUT", nextcloud: "PUT", tus: "PATCH", "sabre-patch": "PATCH" } as const;

for (const protocol of PROTOCOLS) {
  const method = protocol === "content-range" ? "PUT" : WRITING[protocol];
  // after the proof and the emptying of its temporary resource
  const first = protocol === "content-range" ? 4 : 1;

  t.test(`${protocol}: a lost answer is looked at, and nothing sent twice`, async (t) => {
    const steps = protocol === "put" ? 1 : 3;
    for (let nth = first; nth < first + steps; nth++) {
      const fault = at(nth, method, { kind: "lost" });
      const server = await transferServer(t, { offers: OFFERS, fault });
      server.files.set(FILE, OLD);
      // a connection that is kept from before hides nothing
      await nx_upload(openSession(t, server), FILE, NEW, { protocol, chunk: 10_000 });
      isClean(t, server, NEW);
      t.equal(received(server), NEW.length, `${nth}`);
    }
  });

  t.test(`${protocol}: a piece that was cut is sent again`, async (t) => {
    for (const kind of ["cut", "stalled"] as const) {
      const fault: Fault = kind === "cut" ? { kind, after: 2000 } : { kind };
      const server = await transferServer(t, { offers: OFFERS, fault: at(first, method, fault) });
      server.files.set(FILE, OLD);
      const sess = openSession(t, server);
      if (kind === "stalled") ne_set_read_timeout(sess, 0.5);
      await nx_upload(sess, FILE, NEW, { protocol, chunk: 10_000 });
      isClean(t, server, NEW);
    }
  });

  t.test(`${protocol}: statuses that pass, and those that do not`, async (t) => {
    for (const code of [408, 429, 500, 503]) {
      const fault = at(first, method, { kind: "status", code, retryAfter: "1" });
      const server = await transferServer(t, { offers: OFFERS, fault });
      await nx_upload(openSession(t, server), FILE, NEW, { protocol, chunk: 10_000 });
      isClean(t, server, NEW);
    }
    for (const code of [403, 413, 507]) {
      const fault = at(first, method, { kind: "status", code });
      const server = await transferServer(t, { offers: OFFERS, fault });
      server.files.set(FILE, OLD);
      const call = (): Promise<unknown> =>
        nx_upload(openSession(t, server), FILE, NEW, { protocol, chunk: 10_000 });
      const error = await nxError(call);
      t.match(error, { status: { code }, done: 0 });
      isClean(t, server, OLD);
    }
  });

  t.test(`${protocol}: conditions`, async (t) => {
    const server = await transferServer(t, { offers: OFFERS });
    const sess = openSession(t, server);
    const put = (options: nx_upload_options): Promise<unknown> =>
      nx_upload(sess, FILE, NEW, { protocol, chunk: 10_000, ...options });
    t.match(await nxError(() => put({ if_match: '"x"' })), { status: { code: 412 } });
    isClean(t, server, null);
    t.match(await put({ if_none_match: "*" }), { created: true });
    server.files.set(FILE, OLD);
    t.match(await nxError(() => put({ if_none_match: "*" })), { status: { code: 412 } });
    t.match(await nxError(() => put({ if_match: '"x"' })), { status: { code: 412 } });
    isClean(t, server, OLD);
    await put({ if_match: String(server.etagOf(FILE)) });
    isClean(t, server, NEW);
    await put({ if_match: "*" });
    isClean(t, server, NEW);
  });

  // one PUT has no meanwhile
  if (protocol !== "put") {
    t.test(`${protocol}: a condition that fails meanwhile`, async (t) => {
      const server = await transferServer(t, { offers: OFFERS });
      const sess = openSession(t, server);
      for (const before of [null, content(5, 3)]) {
        server.files.clear();
        if (before !== null) server.files.set(FILE, before);
        const condition =
          before === null ? { if_none_match: "*" } : { if_match: String(server.etagOf(FILE)) };
        const onstate = ({ done }: nx_upload_state): void => {
          if (done === 10_000) server.files.set(FILE, OLD);
        };
        const call = (): Promise<unknown> =>
          nx_upload(sess, FILE, NEW, { protocol, chunk: 10_000, onstate, ...condition });
        t.match(await nxError(call), { status: { code: 412 } });
        isClean(t, server, OLD);
      }
    });
  }

  t.test(`${protocol}: a source that changes meanwhile starts over`, async (t) => {
    const server = await transferServer(t, { offers: OFFERS });
    const name = path.join(folder(t), "source");
    fs.writeFileSync(name, OLD);
    let changed = false;
    const onstate = ({ done }: nx_upload_state): void => {
      if (changed || (protocol !== "put" && done < 10_000)) return;
      changed = true;
      fs.writeFileSync(name, NEW.subarray(0, 24_000));
      fs.utimesSync(name, 1, 1);
    };
    await nx_upload(openSession(t, server), FILE, name, { protocol, chunk: 10_000, onstate });
    isClean(t, server, NEW.subarray(0, 24_000));
  });

  t.test(`${protocol}: a source that changes under the last piece starts over`, async (t) => {
    let changed = false;
    const name = path.join(folder(t), "source");
    fs.writeFileSync(name, OLD);
    const server = await transferServer(t, {
      offers: OFFERS,
      before: ({ method: asked, headers }) => {
        // the proof of content-range has no more than a few bytes
        const isPiece = asked === method && Number(headers["content-length"]) > 100;
        if (!isPiece || changed) return null;
        changed = true;
        fs.writeFileSync(name, NEW.subarray(0, 24_000));
        fs.utimesSync(name, 1, 1);
        return null;
      },
    });
    await nx_upload(openSession(t, server), FILE, name, { protocol, chunk: 25_000 });
    isClean(t, server, NEW.subarray(0, 24_000));
  });

  t.test(`${protocol}: goes on from the last state stored, in other pieces`, async (t) => {
    for (const stopAt of protocol === "put" ? [0, 25_000] : [0, 10_000, 20_000, 25_000]) {
      const server = await transferServer(t, { offers: OFFERS });
      server.files.set(FILE, OLD);
      const sess = openSession(t, server);
      let stored: nx_upload_state | null = null;
      const onstate = (state: nx_upload_state): void => {
        if (state.done === stopAt) stored = JSON.parse(JSON.stringify(state)) as nx_upload_state;
        if (state.done === stopAt) throw new Error("killed");
      };
      const first = { protocol, chunk: 10_000, onstate };
      t.match(await failureOf(() => nx_upload(sess, FILE, NEW, first)), { message: "killed" });
      const before = received(server);
      await nx_upload(sess, FILE, NEW, { resume: stored, chunk: 8_000 });
      isClean(t, server, NEW);
      t.equal(received(server) - before, NEW.length - stopAt, `${stopAt}`);
      if (protocol === "put") continue;
      // the file is there, what it was made of is gone, and nobody lived to hear so
      await nx_upload(sess, FILE, NEW, { resume: { ...stored!, done: NEW.length } });
      t.equal(received(server) - before, NEW.length - stopAt);
    }
  });

  t.test(`${protocol}: another source starts over, and what was begun is removed`, async (t) => {
    const server = await transferServer(t, { offers: OFFERS });
    const sess = openSession(t, server);
    const states: nx_upload_state[] = [];
    const onstate = (state: nx_upload_state): void => {
      states.push(state);
      if (states.length === 2) throw new Error("killed");
    };
    await failureOf(() => nx_upload(sess, FILE, OLD, { protocol, chunk: 10_000, onstate }));
    await nx_upload(sess, FILE, NEW, { resume: states.at(-1)!, chunk: 10_000 });
    isClean(t, server, NEW);
    t.equal(server.uploads.size, protocol === "tus" ? 1 : 0);
  });

  t.test(`${protocol}: files, handles and functions; empty ones, too`, async (t) => {
    const server = await transferServer(t, { offers: OFFERS });
    const sess = openSession(t, server);
    const name = path.join(folder(t), "source");
    for (const bytes of [NEW, Buffer.alloc(0), content(20_000)]) {
      fs.writeFileSync(name, bytes);
      const handle = await fs.promises.open(name);
      const sources = [
        name,
        handle,
        bytes,
        (start: number) => Readable.from(cut(bytes.subarray(start))),
        (start: number) => cut(bytes.subarray(start)),
      ];
      for (const source of sources) {
        server.files.clear();
        await nx_upload(sess, FILE, source, { protocol, chunk: 10_000, progress: () => {} });
        isClean(t, server, bytes);
        await nx_upload(sess, FILE, source, { protocol, chunk: 10_000, length: bytes.length });
        isClean(t, server, bytes);
      }
      await handle.close();
    }
  });
}

async function* cut(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += 3000) yield bytes.subarray(from, from + 3000);
}

t.test("pieces grow where they go quickly, and as long as nothing fails", async (t) => {
  const MIB = 1 << 20;
  const sizes = async (piecesTakeMs: number, fault?: ReturnType<typeof at>): Promise<number[]> => {
    let now = 0;
    t.intercept(performance, "now", { value: () => now });
    const server = await transferServer(t, {
      offers: OFFERS,
      fault: (asked) => {
        if (asked.method === "PUT") now += piecesTakeMs;
        return fault?.(asked) ?? null;
      },
    });
    await nx_upload(openSession(t, server), FILE, Buffer.alloc(60 * MIB), { protocol: "nextcloud" });
    t.equal(server.files.get(FILE)?.length, 60 * MIB);
    return server.log.filter(({ method }) => method === "PUT").map(({ received }) => received / MIB);
  };
  t.strictSame(await sizes(100), [10, 40, 10]);
  t.strictSame(await sizes(2000), [10, 10, 10, 10, 10, 10]);
  const busy = at(2, "PUT", { kind: "status", code: 503 });
  t.strictSame(await sizes(100, busy), [10, 40, 10, 40], "a larger one failed");
});

for (const protocol of ["nextcloud", "sabre-patch", "content-range"] as const) {
  t.test(`${protocol}: a collection in the target's place is not replaced`, async (t) => {
    const body = multistatus(
      response(FILE, propstat("<D:resourcetype><D:collection/></D:resourcetype>")),
    );
    for (const shown of [
      { code: 207, headers: { "content-type": "text/xml" }, body },
      { code: 301, headers: { location: `http://here${FILE}/` } },
    ]) {
      const server = await transferServer(t, {
        offers: OFFERS,
        before: ({ method, path: asked }) =>
          method === "PROPFIND" && asked === FILE ? shown : null,
      });
      const sess = openSession(t, server);
      const error = await nxError(() => nx_upload(sess, FILE, NEW, { protocol, chunk: 10_000 }));
      t.match(error.message, "There is a collection at");
      t.notOk(server.log.some(({ method }) => method === "MOVE"), "nothing is moved onto it");
      isClean(t, server, null);
    }
  });
}

t.test("a login is asked for before the body goes out", async (t) => {
  for (const readsToo of [true, false]) {
    for (const protocol of ["auto", ...PROTOCOLS] as const) {
      const login = { user: "me", password: "secret", readsToo };
      const server = await transferServer(t, { offers: ["content-range"], login });
      if (protocol !== "auto") server.options.offers = OFFERS;
      const sess = openSession(t, server);
      ne_set_server_auth(sess, (_userdata, _realm, attempt, name, password) => {
        name.value = login.user;
        password.value = login.password;
        return attempt;
      });
      const large = content(200_000);
      await nx_upload(sess, FILE, large, { protocol, chunk: 1_000_000 });
      t.ok(server.files.get(FILE)?.equals(large));
      t.equal(received(server), large.length, `${protocol}, ${readsToo}`);
    }
  }
});

/** What `auto` has done: the protocols that debug output names, and the file. */
async function auto(t: Test, offers: Offer[], options: Partial<TransferServer["options"]> = {}) {
  const server = await transferServer(t, { offers, ...options });
  const sess = openSession(t, server);
  const output = new PassThrough();
  nx_set_debug(sess, output, NE_DBG_HTTP);
  await nx_upload(sess, FILE, NEW, { chunk: 10_000 });
  isClean(t, server, NEW);
  const text = String(output.read());
  return [...text.matchAll(/^upload: (\S+) for \S+: (.*)$/gm)].map(([, name, why]) => `${name}: ${why}`);
}

t.test("auto takes the best, falls back, and says why", async (t) => {
  t.match(await auto(t, ["nextcloud", "tus"]), ["nextcloud: the path is in a user's files"]);
  t.match(await auto(t, ["tus"]), [
    "nextcloud: the path is in a user's files",
    "nextcloud: does not do: 404 Not Found",
    "tus: OPTIONS names Tus-Version 1.0.0 and creation",
  ]);
  t.match(await auto(t, ["sabre-patch"]).then((said) => said.at(-1)), /^sabre-patch: DAV names/);
  t.match(await auto(t, ["content-range"]).then((said) => said.at(-1)), /^content-range: /);
  t.match(await auto(t, []).then((said) => said.slice(-2)), [
    "content-range: does not do: 400 Bad Request",
    "put: nothing else is offered",
  ]);
});

t.test("auto: a server that takes a part for the whole has not proven anything", async (t) => {
  const said = await auto(t, [], {
    before: ({ headers }) => {
      delete headers["content-range"];
      return null;
    },
  });
  t.match(said.at(-2), "content-range: does not do: The server takes a part for the whole");
  t.match(said.at(-1), "put: ");
});

t.test("auto asks once for a collection; short files go in one request", async (t) => {
  const server = await transferServer(t, { offers: OFFERS });
  const sess = openSession(t, server);
  for (let n = 1; n <= 3; n++) await nx_upload(sess, `/dir/${n}`, content(n));
  t.same(server.log.map(({ method }) => method), ["OPTIONS", "PUT", "PUT", "PUT"]);
});

t.test("tus: what makes no sense ends in an error", async (t) => {
  const rows: [method: string, headers: Record<string, string>, words: RegExp][] = [
    ["POST", { location: "http://elsewhere.example/1" }, /another server/],
    ["POST", { location: "http://[" }, /no URL/],
    ["PATCH", { "upload-offset": "0" }, /makes no sense/],
    ["PATCH", { "upload-offset": "99999" }, /makes no sense/],
    ["PATCH", { "upload-offset": "-1" }, /makes no sense/],
    ["PATCH", {}, /makes no sense/],
  ];
  for (const [method, headers, words] of rows) {
    const server = await transferServer(t, {
      offers: ["tus"],
      before: (asked) => (asked.method === method ? { code: method === "POST" ? 201 : 204, headers } : null),
    });
    const call = (): Promise<unknown> =>
      nx_upload(openSession(t, server), FILE, NEW, { protocol: "tus", chunk: 10_000 });
    t.match((await nxError(call)).message, words);
    t.equal(server.files.size, 0);
  }
});

t.test("what cannot be read fails before any request", async (t) => {
  const server = await transferServer(t);
  const sess = openSession(t, server);
  const place = folder(t);
  const cases: [string, string][] = [
    [place, "EISDIR"],
    [path.join(place, "none"), "ENOENT"],
  ];
  if (process.getuid?.() !== 0) {
    fs.writeFileSync(path.join(place, "mine"), "", { mode: 0o200 });
    cases.push([path.join(place, "mine"), "EACCES"]);
  }
  for (const [name, code] of cases) {
    const error = await nxError(() => nx_upload(sess, FILE, name));
    t.equal((error.cause as NodeJS.ErrnoException).code, code);
    t.match(error, { done: 0, path: FILE });
  }
  const writing = await fs.promises.open(path.join(place, "written"), "w");
  await writing.write("text");
  const error = await nxError(() => nx_upload(sess, FILE, writing));
  t.match(error.cause, { code: "EBADF" });
  await writing.close();
  t.equal(server.log.length, 0);
});

t.test("a source that shrinks while it is sent starts over", async (t) => {
  for (const protocol of PROTOCOLS) {
    const name = path.join(folder(t), "source");
    fs.writeFileSync(name, OLD);
    let seen = 0;
    const server = await transferServer(t, { offers: OFFERS });
    const progress = (done: number): void => {
      if (done > 0 && ++seen === 1) fs.truncateSync(name, 12_000);
    };
    const sess = openSession(t, server);
    await nx_upload(sess, FILE, name, { protocol, chunk: 10_000, progress });
    isClean(t, server, OLD.subarray(0, 12_000));
  }
});

t.test("a name with NUL is the caller's mistake", async (t) => {
  const sess = openSession(t, await transferServer(t));
  t.match(await mistake(() => nx_upload(sess, FILE, "a\0b")), "the name of the source holds NUL");
});

t.test("mistakes of the caller", async (t) => {
  const server = await transferServer(t);
  const sess = openSession(t, server);
  const state: nx_upload_state = { protocol: "tus", path: FILE, url: "/x", size: 3, done: 1, source: "v1:" };
  const rows: [options: object, words: string][] = [
    [{ resume: { ...state, path: "/other" } }, "is one of another path"],
    [{ resume: { ...state, protocol: "ftp" } }, "no protocol of this version"],
    [{ resume: { ...state, source: "v2:" } }, "another version's"],
    [{ resume: { ...state, done: 4 } }, "numbers that make no sense"],
    [{ resume: { ...state, url: "http://elsewhere/" } }, "no place of its pieces"],
    [{ resume: { ...state, url: "/x\r\nA: b" } }, "a control character"],
    [{ resume: { ...state, url: "/uploads/../x" } }, "leads upwards"],
    [{ resume: state, protocol: "put" }, "is of tus, not of put"],
    [{ resume: "state" }, "must be an object"],
    [{ protocol: "ftp" }, "no protocol ftp"],
    [{ chunk: 0 }, "chunk must be"],
    [{ retries: -1 }, "retries must be"],
    [{ if_match: "abc" }, "ETag with its quotes"],
    [{ headers: { "If-Match": '"a"' } }, "If-Match"],
    [{ headers: { "X-A": "a\r\nb" } }, "CR, LF or NUL"],
    [{ speed: 1 }, 'no option "speed"'],
  ];
  for (const [options, words] of rows) {
    t.match(await mistake(() => nx_upload(sess, FILE, NEW, options)), words);
  }
  t.match(await mistake(() => nx_upload(sess, "/dir/", NEW)), "must be a file's");
  t.match(await mistake(() => nx_upload(sess, FILE, 3 as never)), "the source must be");
  t.equal(server.log.length, 0);
});

t.test("an abort has the signal's reason as its cause", async (t) => {
  const server = await transferServer(t, { offers: OFFERS });
  const controller = new AbortController();
  const onstate = ({ done }: nx_upload_state): void => {
    if (done === 10_000) controller.abort("enough");
  };
  const { signal } = controller;
  const call = (sess: ne_session): Promise<unknown> =>
    nx_upload(sess, FILE, NEW, { protocol: "tus", chunk: 10_000, onstate, signal });
  t.match(await nxError(() => call(openSession(t, server))), { cause: "enough", done: 10_000 });
  t.equal(server.files.size, 0);
});

t.test("an abort ends every wait for the caller's own", async (t) => {
  const never = (): Promise<void> => new Promise(() => {});
  const silent = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.alloc(10);
    await never();
  };
  const rows: [name: string, source: Buffer | typeof silent, options: nx_upload_options][] = [
    ["onstate of a PUT", NEW, { protocol: "put", onstate: never }],
    ["onstate of pieces", NEW, { protocol: "tus", chunk: 10_000, onstate: never }],
    ["progress", NEW, { protocol: "tus", progress: never }],
    ["the fingerprint of a source", silent, { protocol: "tus", onstate: () => {} }],
    ["a piece of unknown length", silent, { protocol: "tus" }],
  ];
  for (const [name, source, options] of rows) {
    const server = await transferServer(t, { offers: OFFERS });
    const sess = openSession(t, server);
    const controller = new AbortController();
    const reason = new Error("enough");
    const uploading = nx_upload(sess, FILE, source, { ...options, signal: controller.signal });
    setImmediate(() => setImmediate(() => controller.abort(reason)));
    const error = await nxError(() => uploading);
    t.equal(error.cause, reason, name);
  }
});

t.test("fields of the caller go with every request; what the file is, with it", async (t) => {
  const server = await transferServer(t, { offers: OFFERS });
  const mtime = new Date(1_700_000_000_500);
  const headers = new Map([["X-Key", "k"]]);
  const options = { headers, mtime, content_type: "image/png", chunk: 10_000 };
  await nx_upload(openSession(t, server), FILE, NEW, { ...options, protocol: "sabre-patch" });
  t.ok(server.log.every((asked) => asked.headers["x-key"] === "k"));
  t.equal(server.log.find(({ method }) => method === "PUT")?.headers["content-type"], "image/png");
  t.equal(server.log.at(-1)?.headers["x-oc-mtime"], "1700000000");
});

t.test("a session that is destroyed meanwhile", async (t) => {
  const server = await transferServer(t, {
    offers: OFFERS,
    fault: at(2, "PATCH", { kind: "stalled" }),
    before: ({ method }) => {
      if (method === "PATCH") setImmediate(() => void (++patches === 2 && ne_session_destroy(sess)));
      return null;
    },
  });
  let patches = 0;
  const sess = ne_session_create("http", "127.0.0.1", server.port);
  const call = (): Promise<unknown> => nx_upload(sess, FILE, NEW, { protocol: "tus", chunk: 10_000 });
  t.match(await nxError(call), { message: "Session destroyed", done: 10_000 });
});

t.test("a server that asks for more patience than anybody has", async (t) => {
  const fault = at(1, "PUT", { kind: "status", code: 503, retryAfter: "86400" });
  const server = await transferServer(t, { fault });
  const error = await nxError(() => nx_upload(openSession(t, server), FILE, NEW, { protocol: "put" }));
  t.equal(error.status?.code, 503);
  t.equal(server.log.length, 1);
});

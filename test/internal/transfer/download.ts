// Downloads: what is asked for, what is believed, and what is on the disk afterwards.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { PassThrough, Writable } from "node:stream";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { nx_download } from "../../../lib/index.js";
import { END, RESET, scripted, type Answer } from "../../fixtures/server.js";
import { content, folder, nxError, openSession } from "../../fixtures/transfer/client.js";
import { mistake } from "../../fixtures/conversation.js";

const BODY = content(3000);

function whole(body: Buffer, fields = 'ETag: "1"\r\n'): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function part(body: Buffer, from: number, fields = 'ETag: "1"\r\n', total = body.length): Buffer {
  const range = `Content-Range: bytes ${from}-${body.length - 1}/${total}\r\n`;
  const length = `Content-Length: ${body.length - from}\r\n`;
  const head = `HTTP/1.1 206 Partial Content\r\n${range}${length}${fields}\r\n`;
  return Buffer.concat([Buffer.from(head), body.subarray(from)]);
}

/** A file name, with an old file of mode 0640 there. */
function oldFile(t: Test): string {
  const name = path.join(folder(t), "file");
  fs.writeFileSync(name, "old");
  fs.chmodSync(name, 0o640);
  return name;
}

function names(name: string): string[] {
  return fs.readdirSync(path.dirname(name)).sort();
}

t.test("into a file by its name", async (t) => {
  const fields = 'ETag: W/"x"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n';
  const server = await scripted(t, [[whole(BODY, fields)]]);
  const name = oldFile(t);
  const told: [number, number | null][] = [];
  const progress = (done: number, total: number | null): void => void told.push([done, total]);
  const result = await nx_download(openSession(t, server), "/a", name, { progress });
  t.strictSame(result, {
    bytes: 3000,
    resumed_at: 0,
    etag: 'W/"x"',
    modified: new Date("1994-11-06T08:49:37Z"),
  });
  t.ok(fs.readFileSync(name).equals(BODY));
  t.equal(fs.statSync(name).mode & 0o777, 0o640);
  t.same(names(name), ["file"]);
  t.same(told.at(-1), [3000, 3000]);
  t.equal(server.requests[0]?.field("accept-encoding"), "identity");
  t.equal(server.requests[0]?.field("range"), null);
});

t.test("through a link, into what it leads to", async (t) => {
  const server = await scripted(t, [[whole(BODY)]]);
  const name = oldFile(t);
  const link = path.join(path.dirname(name), "link");
  fs.symlinkSync("file", link);
  await nx_download(openSession(t, server), "/a", link);
  t.ok(fs.lstatSync(link).isSymbolicLink());
  t.ok(fs.readFileSync(name).equals(BODY));
});

t.test("through a link to what is not there yet", async (t) => {
  const server = await scripted(t, [[whole(BODY)]]);
  const place = folder(t);
  fs.mkdirSync(path.join(place, "inner"));
  fs.symlinkSync("inner/file", path.join(place, "link"));
  await nx_download(openSession(t, server), "/a", path.join(place, "link"));
  t.ok(fs.readFileSync(path.join(place, "inner", "file")).equals(BODY));
  t.equal(fs.readlinkSync(path.join(place, "link")), "inner/file", "the link stays");
  t.strictSame(fs.readdirSync(place).sort(), ["inner", "link"]);
});

t.test("a failure leaves the old file, and nothing beside it", async (t) => {
  const answers: Record<string, Answer> = {
    "404 Not Found": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "The server sent another range": part(BODY, 1000),
  };
  for (const [words, answer] of Object.entries(answers)) {
    const server = await scripted(t, [[answer]], { fewer: true });
    const name = oldFile(t);
    const error = await nxError(() => nx_download(openSession(t, server), "/a", name));
    t.match(error.message, words);
    t.equal(error.path, "/a");
    t.equal(fs.readFileSync(name, "utf8"), "old");
    t.same(names(name), ["file"]);
  }
});

t.test("a connection that breaks is gone on with", async (t) => {
  const cut = whole(BODY).subarray(0, -1000);
  const server = await scripted(t, [[cut, END], [part(BODY, 2000)]]);
  const name = oldFile(t);
  const result = await nx_download(openSession(t, server), "/a", name);
  t.match(result, { bytes: 3000, resumed_at: 0 });
  t.ok(fs.readFileSync(name).equals(BODY));
  t.equal(server.requests[1]?.field("range"), "bytes=2000-");
  t.equal(server.requests[1]?.field("if-range"), '"1"');
});

t.test("without a strong ETag it starts over", async (t) => {
  const cut = whole(BODY, 'ETag: W/"1"\r\n').subarray(0, -1000);
  const server = await scripted(t, [[cut, RESET], [whole(BODY, "")]]);
  const name = oldFile(t);
  await nx_download(openSession(t, server), "/a", name);
  t.ok(fs.readFileSync(name).equals(BODY));
  t.equal(server.requests[1]?.field("range"), null);
});

t.test("another version, or a server without ranges, means a fresh start", async (t) => {
  const other = content(3500, 2);
  const cut = whole(BODY).subarray(0, -1000);
  const server = await scripted(t, [[cut, END], [whole(other, 'ETag: "2"\r\n')]]);
  const name = oldFile(t);
  const result = await nx_download(openSession(t, server), "/a", name);
  t.match(result, { bytes: 3500, etag: '"2"' });
  t.ok(fs.readFileSync(name).equals(other));
});

t.test("ranges that are no answer are refused", async (t) => {
  const bad: Record<string, Buffer> = {
    "another start": part(BODY, 1500),
    "another version": part(BODY, 2000, 'ETag: "2"\r\n'),
    "another size": part(BODY, 2000, undefined, 3001),
    "more than there is": part(BODY, 2000, undefined, 2500),
    "coded content": part(BODY, 2000, 'ETag: "1"\r\nContent-Encoding: gzip\r\n'),
    "an end before its start": Buffer.from(
      "HTTP/1.1 206 P\r\nContent-Range: bytes 2000-1999/3000\r\nContent-Length: 0\r\n\r\n",
    ),
    "several ranges": Buffer.from(
      "HTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: 0\r\n\r\n",
    ),
  };
  for (const [what, answer] of Object.entries(bad)) {
    const cut = whole(BODY).subarray(0, -1000);
    const server = await scripted(t, [[cut, END], [answer]]);
    const name = oldFile(t);
    const error = await nxError(() => nx_download(openSession(t, server), "/a", name));
    t.match(error.message, /range/, what);
    t.equal(error.done, 2000);
    t.equal(fs.readFileSync(name, "utf8"), "old");
  }
});

t.test("a range that is only a part of the rest is followed by another", async (t) => {
  const some = Buffer.concat([
    Buffer.from("HTTP/1.1 206 P\r\nContent-Range: bytes 2000-2499/3000\r\nContent-Length: 500\r\n\r\n"),
    BODY.subarray(2000, 2500),
  ]);
  const cut = whole(BODY).subarray(0, -1000);
  const server = await scripted(t, [[cut, END], [some, part(BODY, 2500)]]);
  const name = oldFile(t);
  await nx_download(openSession(t, server), "/a", name);
  t.ok(fs.readFileSync(name).equals(BODY));
});

t.test("it goes on as often as it is told to", async (t) => {
  const none = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
  const server = await scripted(t, [[none, none]]);
  const sess = openSession(t, server);
  const name = oldFile(t);
  const error = await nxError(() => nx_download(sess, "/a", name, { retries: 1 }));
  t.equal(error.status?.code, 503);
  t.equal(server.requests.length, 2);
});

t.test("resume: the part is kept with its ETag, and gone on with", async (t) => {
  const cut = whole(BODY).subarray(0, -1000);
  const server = await scripted(t, [[cut, END], [part(BODY, 2000)]]);
  const name = oldFile(t);
  const sess = openSession(t, server);
  const error = await nxError(() => nx_download(sess, "/a", name, { resume: true, retries: 0 }));
  t.equal(error.done, 2000);
  t.same(names(name), ["file", "file.part", "file.part.etag"]);
  t.equal(fs.readFileSync(name, "utf8"), "old");
  const result = await nx_download(sess, "/a", name, { resume: true });
  t.match(result, { bytes: 3000, resumed_at: 2000 });
  t.ok(fs.readFileSync(name).equals(BODY));
  t.same(names(name), ["file"]);
});

t.test("resume: a part of another resource, or without an ETag, starts over", async (t) => {
  const server = await scripted(t, [[whole(BODY), whole(BODY)]]);
  const sess = openSession(t, server);
  const name = oldFile(t);
  fs.writeFileSync(`${name}.part`, "xx");
  t.match(await nx_download(sess, "/a", name, { resume: true }), { resumed_at: 0 });
  fs.writeFileSync(`${name}.part`, "xx");
  fs.writeFileSync(`${name}.part.etag`, JSON.stringify({ url: "http://b/a", etag: '"1"' }));
  t.match(await nx_download(sess, "/a", name, { resume: true }), { resumed_at: 0 });
  t.ok(fs.readFileSync(name).equals(BODY));
  for (const { fields } of server.requests) t.notMatch(fields.join("\n"), /range/i);
});

t.test("resume: a part that is known to be of another version starts over", async (t) => {
  const server = await scripted(t, [[whole(BODY, 'ETag: "2"\r\n')]]);
  const name = oldFile(t);
  const sess = openSession(t, server);
  fs.writeFileSync(`${name}.part`, "xx");
  const { origin } = server;
  fs.writeFileSync(`${name}.part.etag`, JSON.stringify({ url: `${origin}/a`, etag: '"1"' }));
  const result = await nx_download(sess, "/a", name, { resume: true, etag: '"2"' });
  t.match(result, { resumed_at: 0, bytes: 3000 });
  t.ok(fs.readFileSync(name).equals(BODY));
  t.notMatch(server.requests[0]?.fields.join("\n"), /range/i);
});

t.test("a range that does not say the size is not taken for the last", async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nETag: "1"\r\n';
  const first = Buffer.concat([
    Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n7d0\r\n`),
    BODY.subarray(0, 2000),
    Buffer.from("\r\n"),
  ]);
  const unsized = (body: Buffer, from: number): Buffer =>
    Buffer.from(part(body, from).toString("latin1").replace(/\/\d+\r/, "/*\r"), "latin1");
  const none = "HTTP/1.1 416 Range\r\nContent-Range: bytes */3000\r\nContent-Length: 0\r\n\r\n";
  const all = `${head}Content-Length: 3000\r\n\r\n`;
  const server = await scripted(t, [
    [first, END],
    [unsized(BODY.subarray(0, 2500), 2000), unsized(BODY, 2500), none, all],
  ]);
  const name = oldFile(t);
  t.match(await nx_download(openSession(t, server), "/a", name), { bytes: 3000 });
  t.ok(fs.readFileSync(name).equals(BODY));
});

t.test("a range that is called the whole is none", async (t) => {
  const rows: [range: string, fine: boolean][] = [
    ["bytes 0-2999/3000", true],
    ["bytes 0-2999/4000", false],
    ["bytes 1-3000/3000", false],
    ["bytes 1-2999/3000", false],
    ["bytes 0-2999/*", false],
  ];
  for (const [range, fine] of rows) {
    const server = await scripted(t, [[whole(BODY, `Content-Range: ${range}\r\n`)]]);
    const name = oldFile(t);
    const downloading = (): Promise<unknown> => nx_download(openSession(t, server), "/a", name);
    if (fine) await downloading();
    else t.match((await nxError(downloading)).message, "a range that nobody asked for");
    t.equal(fs.readFileSync(name).equals(BODY), fine, range);
  }
});

t.test("nor is a range that nobody asked for, if it is from the beginning", async (t) => {
  const server = await scripted(t, [[part(BODY, 0)]]);
  const name = oldFile(t);
  const error = await nxError(() => nx_download(openSession(t, server), "/a", name));
  t.match(error.message, "another range than the one asked for");
  t.equal(fs.readFileSync(name, "utf8"), "old");
});

t.test("a success without content is no file", async (t) => {
  for (const status of ["204 No Content", "202 Accepted", "205 Reset Content"]) {
    const length = status.startsWith("204") ? "" : "Content-Length: 0\r\n";
    const server = await scripted(t, [[`HTTP/1.1 ${status}\r\n${length}\r\n`]]);
    const name = oldFile(t);
    const error = await nxError(() => nx_download(openSession(t, server), "/a", name));
    t.match(error, { message: `The server sent no content: ${status}` });
    t.equal(fs.readFileSync(name, "utf8"), "old");
  }
});

t.test("what lies under the part's name is not written into", async (t) => {
  for (const resume of [true, false]) {
    const server = await scripted(t, [[whole(BODY)]]);
    const name = oldFile(t);
    const other = `${name}.other`;
    fs.writeFileSync(other, "precious");
    fs.linkSync(other, `${name}.part`);
    await nx_download(openSession(t, server), "/a", name, { resume });
    t.equal(fs.readFileSync(other, "utf8"), "precious");
    t.ok(fs.readFileSync(name).equals(BODY));
  }
});

t.test("a part that another process has replaced is not put in the file's place", async (t) => {
  const name = oldFile(t);
  const server = await scripted(t, [[whole(BODY)]]);
  const progress = (done: number): void => {
    if (done < 3000) return;
    fs.rmSync(`${name}.part`);
    fs.writeFileSync(`${name}.part`, "theirs");
  };
  const error = await nxError(() =>
    nx_download(openSession(t, server), "/a", name, { progress }),
  );
  t.match(error.message, "Another download is writing");
  t.equal(fs.readFileSync(name, "utf8"), "old");
  t.equal(fs.readFileSync(`${name}.part`, "utf8"), "theirs");
});

t.test("the tag of an earlier part goes before another part is begun", async (t) => {
  const name = oldFile(t);
  const server = await scripted(t, [[whole(BODY)]]);
  fs.writeFileSync(`${name}.part`, "an earlier one");
  fs.writeFileSync(`${name}.part.etag`, JSON.stringify({ url: `${server.origin}/b`, etag: '"1"' }));
  let there: string[] = [];
  const progress = (): void => {
    // killed here, it would leave this
    there = names(name);
  };
  await nx_download(openSession(t, server), "/a", name, { progress });
  t.strictSame(there, ["file", "file.part"]);
});

t.test("a part that another process has put in the file's place is not cut", async (t) => {
  const name = oldFile(t);
  const other = content(3500, 2);
  const cut = whole(BODY).subarray(0, -1000);
  const server = await scripted(t, [[cut, END], [whole(other, 'ETag: "2"\r\n')]]);
  const progress = (done: number): void => {
    if (done === 2000) fs.renameSync(`${name}.part`, name);
  };
  const error = await nxError(() =>
    nx_download(openSession(t, server), "/a", name, { resume: true, progress }),
  );
  t.match(error.message, "Another download is writing");
  t.ok(fs.readFileSync(name).equals(BODY.subarray(0, 2000)));
});

t.test("resume: all of it is there already", async (t) => {
  const none = "HTTP/1.1 416 Range\r\nContent-Range: bytes */3000\r\nContent-Length: 0\r\n\r\n";
  const head = (etag: string): string =>
    `HTTP/1.1 200 OK\r\nETag: ${etag}\r\nContent-Length: 3000\r\n\r\n`;
  const other = content(3000, 2);
  const server = await scripted(t, [[none, head('"1"'), none, head('"2"'), whole(other)]]);
  const sess = openSession(t, server);
  const name = oldFile(t);
  for (const wanted of [BODY, other]) {
    fs.writeFileSync(`${name}.part`, BODY);
    const result = await nx_download(sess, "/a", name, { resume: true, etag: '"1"' });
    t.match(result, { bytes: 3000, resumed_at: wanted === BODY ? 3000 : 0 });
    t.ok(fs.readFileSync(name).equals(wanted));
  }
});

t.test("digests", async (t) => {
  const sha = createHash("sha256").update(BODY).digest("base64");
  const md5 = createHash("md5").update(BODY).digest("base64");
  const wrong = createHash("sha256").update("x").digest("base64");
  const rows: [fields: string, fine: boolean][] = [
    [`Repr-Digest: sha-256=:${sha}:`, true],
    [`Repr-Digest: sha-256=:${wrong}:`, false],
    [`Digest: SHA-256=${sha},MD5=${md5}`, true],
    [`Digest: sha-256=${wrong}`, false],
    [`Content-MD5: ${md5}`, true],
    [`Content-MD5: ${createHash("md5").update("x").digest("base64")}`, false],
    [`Digest: unixsum=1`, true],
    [`Digest: md5=${Buffer.from(md5, "base64").toString("hex")}`, true],
    ["Repr-Digest: sha-256=:AAAA:", false],
    ["Digest: sha-256=nonsense", false],
  ];
  for (const [fields, fine] of rows) {
    const server = await scripted(t, [[whole(BODY, `${fields}\r\n`)]]);
    const name = oldFile(t);
    const sess = openSession(t, server);
    const options = { resume: true };
    if (fine) await nx_download(sess, "/a", name, options);
    else {
      const error = await nxError(() => nx_download(sess, "/a", name, options));
      t.match(error.message, "digest");
      t.same(names(name), ["file"], "what is damaged is not gone on with");
    }
    t.equal(fs.readFileSync(name).equals(BODY), fine, fields);
  }
});

t.test("digests hold over the part, and behind a body in chunks", async (t) => {
  const sha = createHash("sha256").update(BODY).digest("base64");
  const field = `Repr-Digest: sha-256=:${sha}:\r\n`;
  const chunked = (digest: string): string =>
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Repr-Digest\r\n\r\n" +
    `${BODY.length.toString(16)}\r\n${BODY.toString("latin1")}\r\n0\r\n` +
    `Repr-Digest: sha-256=:${digest}:\r\n\r\n`;
  const bad = part(BODY, 2000, `ETag: "1"\r\n${field}`);
  bad[bad.length - 1]! ^= 1;
  const good = part(BODY, 2000, `ETag: "1"\r\n${field}`);
  const wrong = createHash("sha256").update("x").digest("base64");
  const server = await scripted(t, [[bad], [good, chunked(sha), chunked(wrong)]]);
  const sess = openSession(t, server);
  const name = oldFile(t);
  const resumed = { resume: true, etag: '"1"' };
  fs.writeFileSync(`${name}.part`, BODY.subarray(0, 2000));
  t.match((await nxError(() => nx_download(sess, "/a", name, resumed))).message, "digest");
  server.peers[0]?.reset();
  fs.writeFileSync(`${name}.part`, BODY.subarray(0, 2000));
  t.match(await nx_download(sess, "/a", name, resumed), { resumed_at: 2000 });
  await nx_download(sess, "/a", name);
  t.match((await nxError(() => nx_download(sess, "/a", name))).message, "digest");
});

t.test("content that is coded all the same", async (t) => {
  const coded = gzipSync(BODY);
  const answer = whole(coded, 'ETag: "1"\r\nContent-Encoding: gzip\r\n');
  const server = await scripted(t, [[answer, answer]]);
  const sess = openSession(t, server);
  const name = oldFile(t);
  t.match(await nx_download(sess, "/a", name), { bytes: 3000 });
  t.ok(fs.readFileSync(name).equals(BODY));
  await nx_download(sess, "/a.tgz", name);
  t.ok(fs.readFileSync(name).equals(coded), "what is meant to be coded stays so");
});

t.test("into a descriptor or handle: from 0, cut to size", async (t) => {
  const server = await scripted(t, [[whole(BODY), whole(BODY), part(BODY, 5)]]);
  const sess = openSession(t, server);
  const name = oldFile(t);
  fs.writeFileSync(name, content(5000, 3));
  const fd = fs.openSync(name, "r+");
  await nx_download(sess, "/a", fd);
  t.ok(fs.readFileSync(name).equals(BODY));
  fs.ftruncateSync(fd, 5);
  fs.closeSync(fd);
  const handle = await fs.promises.open(name, "r+");
  t.match(await nx_download(sess, "/a", handle), { resumed_at: 0 });
  await handle.truncate(5);
  t.match(await nx_download(sess, "/a", handle, { resume: true, etag: '"1"' }), { resumed_at: 5 });
  await handle.close();
  t.ok(fs.readFileSync(name).equals(BODY));
});

t.test("into a stream, with back-pressure, which is ended", async (t) => {
  const large = content(300_000);
  const server = await scripted(t, [[whole(large)]]);
  const taken: Buffer[] = [];
  let inside = 0;
  const slow = new Writable({
    highWaterMark: 1000,
    write(block: Buffer, _encoding, done) {
      t.equal(++inside, 1, "one at a time");
      setImmediate(() => {
        taken.push(block);
        inside--;
        done();
      });
    },
  });
  await nx_download(openSession(t, server), "/a", slow);
  t.ok(slow.writableFinished);
  t.ok(Buffer.concat(taken).equals(large));
});

t.test("a stream goes on with the same version, and fails with another", async (t) => {
  const cut = whole(BODY).subarray(0, -1000);
  for (const [answer, fine] of [
    [part(BODY, 2000), true],
    [whole(BODY), true],
    [whole(content(3000, 2), 'ETag: "2"\r\n'), false],
  ] as const) {
    const server = await scripted(t, [[cut, END], [answer]]);
    const stream = new PassThrough({ highWaterMark: 1 << 20 });
    const call = (): Promise<unknown> => nx_download(openSession(t, server), "/a", stream);
    if (fine) {
      await call();
      t.ok((stream.read() as Buffer).equals(BODY));
    } else {
      const error = await nxError(call);
      t.match(error, { done: 2000, message: /cannot be taken back/ });
      t.equal(stream.errored, error);
    }
  }
});

t.test("what a stream has already is left out, in however many blocks it comes again", async (t) => {
  const large = content(600_000);
  const server = await scripted(t, [[whole(large).subarray(0, -1000), END], [whole(large)]]);
  const stream = new PassThrough({ highWaterMark: 1 << 20 });
  t.match(await nx_download(openSession(t, server), "/a", stream), { bytes: 600_000 });
  t.ok((stream.read() as Buffer).equals(large));
});

t.test("a stream that fails ends the download", async (t) => {
  const server = await scripted(t, [[whole(content(300_000))]]);
  const cause = new Error("full");
  const stream = new Writable({ write: (_block, _encoding, done) => done(cause) });
  const error = await nxError(() => nx_download(openSession(t, server), "/a", stream));
  t.equal(error.cause, cause);
});

t.test("what cannot be written to fails before any request", async (t) => {
  const server = await scripted(t, []);
  const sess = openSession(t, server);
  const place = folder(t);
  const rows: [to: string, code: string][] = [
    [place, "EISDIR"],
    [path.join(place, "none", "file"), "ENOENT"],
  ];
  if (process.getuid?.() !== 0) {
    fs.writeFileSync(path.join(place, "mine"), "", { mode: 0o400 });
    rows.push([path.join(place, "mine"), "EACCES"]);
  }
  for (const [to, code] of rows) {
    const error = await nxError(() => nx_download(sess, "/a", to));
    t.equal((error.cause as NodeJS.ErrnoException).code, code, code);
  }
  const fd = fs.openSync(place, "r");
  t.match((await nxError(() => nx_download(sess, "/a", fd))).cause, { code: "EISDIR" });
  fs.closeSync(fd);
  t.match(await mistake(() => nx_download(sess, "/a", {} as never)), "nx_download: the target");
  t.match(await mistake(() => nx_download(sess, "/a", "a\0b")), "the name of the target holds NUL");
  t.match(await mistake(() => nx_download(sess, "/a", "x", { nope: 1 } as never)), 'no option "nope"');
});

t.test("a full disk leaves the old file, and says how far it came", async (t) => {
  if (!fs.existsSync("/dev/full")) return void t.comment("there is no /dev/full");
  const server = await scripted(t, [[whole(BODY)]]);
  const error = await nxError(() => nx_download(openSession(t, server), "/a", "/dev/full"));
  t.match(error, { done: 0, cause: { code: "ENOSPC" } });
});

t.test("an abort has the signal's reason as its cause", async (t) => {
  const server = await scripted(t, [[whole(BODY).subarray(0, -1000)]]);
  const name = oldFile(t);
  const controller = new AbortController();
  const reason = new Error("enough");
  const progress = (): void => controller.abort(reason);
  const { signal } = controller;
  const call = (): Promise<unknown> => nx_download(openSession(t, server), "/a", name, { signal, progress });
  const error = await nxError(call);
  t.equal(error.cause, reason);
  t.equal(fs.readFileSync(name, "utf8"), "old");
  t.same(names(name), ["file"]);
});

t.test("an abort ends the wait for a stream that never finishes", async (t) => {
  const server = await scripted(t, [[whole(BODY)]]);
  const controller = new AbortController();
  const reason = new Error("enough");
  const to = new Writable({
    write: (_block, _encoding, done) => done(),
    final: () => controller.abort(reason),
  });
  const { signal } = controller;
  const error = await nxError(() => nx_download(openSession(t, server), "/a", to, { signal }));
  t.equal(error.cause, reason);
  t.ok(to.destroyed);
});

t.test("what progress throws is thrown", async (t) => {
  const server = await scripted(t, [[whole(BODY)]], { fewer: true });
  const name = oldFile(t);
  const mine = new RangeError("mine");
  const progress = (): never => {
    throw mine;
  };
  await t.rejects(nx_download(openSession(t, server), "/a", name, { progress }), mine);
  t.same(names(name), ["file"]);
});

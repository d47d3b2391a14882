// What a recorder keeps beside requests: the key log, with which what went over a TLS connection is
// read from a capture of its bytes.
import { createDecipheriv, createHmac } from "node:crypto";
import net from "node:net";
import t, { type Test } from "tap";
import {
  ne_session_create,
  ne_session_destroy,
  ne_ssl_cert_read,
  ne_ssl_trust_cert,
  nx_recorder_clear,
  nx_recorder_create,
  nx_recorder_keylog,
  nx_recorder_register,
  nx_send,
  type ne_session,
  type ne_ssl_certificate,
} from "../../../lib/index.js";
import { OK } from "../../fixtures/conversation.js";
import { scripted } from "../../fixtures/server.js";
import { certFile, certPath } from "../../fixtures/tls.js";

/** Passes connections on to a port. @returns where, and what the client sent */
async function capture(t: Test, port: number): Promise<{ port: number; sent: Buffer[] }> {
  const sent: Buffer[] = [];
  const server = net.createServer((client) => {
    const onward = net.connect(port, "127.0.0.1");
    client.on("data", (block: Buffer) => sent.push(block));
    client.pipe(onward).pipe(client);
    for (const socket of [client, onward]) socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return { port: (server.address() as net.AddressInfo).port, sent };
}

function trusting(t: Test, port: number): ne_session {
  const sess = ne_session_create("https", "localhost", port);
  ne_ssl_trust_cert(sess, ne_ssl_cert_read(certPath("ca.pem")) as ne_ssl_certificate);
  t.teardown(() => ne_session_destroy(sess));
  return sess;
}

// HKDF-Expand-Label of RFC 8446 section 7.1, for what one round gives.
function expandLabel(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, length);
}

// The records of application data in a capture, decrypted one after the other with AES-128-GCM
// (RFC 8446 section 5.2); those of the handshake are under other keys and left out.
function decrypt(capture: Buffer, secret: Buffer): string {
  const key = expandLabel(secret, "key", 16);
  const iv = expandLabel(secret, "iv", 12);
  let text = "";
  let sequence = 0;
  for (let at = 0; at + 5 <= capture.length; ) {
    const header = capture.subarray(at, at + 5);
    const end = at + 5 + header.readUInt16BE(3);
    const body = capture.subarray(at + 5, end);
    at = end;
    if (header[0] !== 23) continue;
    const nonce = Buffer.from(iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
    const cipher = createDecipheriv("aes-128-gcm", key, nonce);
    cipher.setAAD(header);
    cipher.setAuthTag(body.subarray(-16));
    try {
      const plain = Buffer.concat([cipher.update(body.subarray(0, -16)), cipher.final()]);
      if (plain.at(-1) === 23) text += plain.toString("latin1", 0, plain.length - 1);
      sequence++;
    } catch {
      // the end of the handshake
    }
  }
  return text;
}

t.test("it decrypts a capture", async (t) => {
  const tls = {
    key: certFile("server.key"),
    cert: certFile("good.pem"),
    minVersion: "TLSv1.3" as const,
    ciphers: "TLS_AES_128_GCM_SHA256",
  };
  const server = await scripted(t, [[OK]], { tls });
  const { port, sent } = await capture(t, server.port);
  const sess = trusting(t, port);
  const rec = nx_recorder_create({ secrets: true });
  nx_recorder_register(rec, sess);
  t.equal((await nx_send(sess, "GET", "/secret-place")).error, "200 OK");
  const log = nx_recorder_keylog(rec);
  for (const line of log.trimEnd().split("\n")) {
    t.match(line, /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]+$/);
  }
  const [, secret = ""] = /^CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)$/m.exec(log) ?? [];
  t.equal(decrypt(Buffer.concat(sent), Buffer.from(secret, "hex")), server.received[0]);
  t.match(server.received[0], /^GET \/secret-place HTTP/);
  nx_recorder_clear(rec);
  t.equal(nx_recorder_keylog(rec), "");
});

t.test("TLS 1.2 too; none without secrets", async (t) => {
  const tls = {
    key: certFile("server.key"),
    cert: certFile("good.pem"),
    maxVersion: "TLSv1.2" as const,
  };
  const server = await scripted(t, [[OK]], { tls });
  const sess = trusting(t, server.port);
  const rec = nx_recorder_create({ secrets: true });
  const plain = nx_recorder_create();
  nx_recorder_register(plain, sess);
  nx_recorder_register(rec, sess);
  t.equal((await nx_send(sess, "GET", "/")).error, "200 OK");
  t.match(nx_recorder_keylog(rec), /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n$/);
  t.throws(() => nx_recorder_keylog(plain), TypeError);
});

// Failures before a request is sent: no server, no connection, no TLS that can be trusted.
import t from "tap";
import * as ne from "../../lib/index.js";
import {
  against,
  ask,
  BROKEN,
  done,
  holds,
  sessionFor,
  UNSENT,
  type Case,
} from "../fixtures/failure_case.js";
import { refusedPort, type Peer } from "../fixtures/server.js";
import { certFile } from "../fixtures/tls.js";

/** A name that no resolver has, whether one can be reached or not: a part of it is empty. */
const NOWHERE = "nowhere..invalid";

const stall = async (peer: Peer): Promise<void> => {
  await peer.readRequest();
  await peer.stall();
};

holds(t, "reaching the server", [
  ["an unknown host name", async (t) => {
    const sess = sessionFor(t, "http", NOWHERE, 80);
    return done(sess, ask(sess));
  }, {
    code: ne.NE_LOOKUP,
    error: `Could not resolve hostname \`${NOWHERE}': Host not found`,
    phase: "lookup",
    retry: UNSENT,
    more: { origin: `${NOWHERE}:80`, addresses: [], sent: 0, received: 0, tls: null },
  }],
  ["a port where nobody listens", async (t) => {
    const sess = sessionFor(t, "http", "127.0.0.1", await refusedPort());
    return done(sess, ask(sess));
  }, {
    code: ne.NE_CONNECT,
    error: "Could not connect to server: Connection refused",
    phase: "connect",
    retry: UNSENT,
    more: {
      addresses: [{ address: "127.0.0.1", error: "Connection refused" }],
      cause: { code: "ECONNREFUSED" },
    },
  }],
  ["two addresses, and nobody at either", async (t) => {
    const sess = sessionFor(t, "http", "twice.example", await refusedPort());
    const list = [[127, 0, 0, 1], [127, 0, 0, 2]].map((bytes) =>
      ne.ne_iaddr_make(ne.ne_iaddr_ipv4, Uint8Array.from(bytes)),
    );
    ne.ne_set_addrlist(sess, list as ne.ne_inet_addr[]);
    return done(sess, ask(sess));
  }, {
    code: ne.NE_CONNECT,
    error: "Could not connect to server: Connection refused",
    phase: "connect",
    retry: UNSENT,
    more: {
      addresses: [
        { address: "127.0.0.1", error: "Connection refused" },
        { address: "127.0.0.2", error: "Connection refused" },
      ],
    },
  }],
  ["a connector that fails", async (t) => {
    const sess = sessionFor(t, "http", "h.example", 80);
    ne.nx_set_connector(sess, () => Promise.reject(new Error("the modem is off")));
    return done(sess, ask(sess));
  }, {
    code: ne.NE_CONNECT,
    error: "Could not connect to server: the modem is off",
    phase: "connect",
    retry: UNSENT,
    more: { cause: { message: "the modem is off" }, addresses: [] },
  }],
  ["a Unix-domain socket that is not there", async (t) => {
    const sess = sessionFor(t, "http", "h.example", 80);
    ne.nx_session_unix(sess, "/nowhere/at/all");
    return done(sess, ask(sess));
  }, {
    code: ne.NE_CONNECT,
    error: "Could not connect to server: No such file or directory",
    phase: "connect",
    retry: UNSENT,
  }],
  ["aborted while it connects", async (t) => {
    const sess = sessionFor(t, "http", "h.example", 80);
    ne.nx_set_connector(sess, () => {
      setImmediate(() => ne.nx_session_abort(sess));
      return new Promise(() => {});
    });
    return done(sess, ask(sess));
  }, { code: ne.NE_ERROR, error: "Aborted", phase: "connect", retry: BROKEN }],
  ["aborted while it waits for its turn", async (t) => {
    const { sess } = await against(t, stall);
    const first = ask(sess);
    const controller = new AbortController();
    const code = ask(sess, "GET", "/2", (req) => ne.nx_set_request_signal(req, controller.signal));
    controller.abort();
    const result = { sess, code: await code };
    t.teardown(async () => {
      ne.nx_session_abort(sess);
      await first;
    });
    return result;
  }, { code: ne.NE_ERROR, error: "Aborted", phase: "queue", retry: BROKEN }],
  ["a proxy variable that cannot be read", async (t) => {
    const before = process.env["http_proxy"];
    t.teardown(() => {
      if (before === undefined) delete process.env["http_proxy"];
      else process.env["http_proxy"] = before;
    });
    process.env["http_proxy"] = "http://user:hush#@proxy.example:99999";
    const sess = sessionFor(t, "http", "h.example", 80);
    ne.ne_session_system_proxy(sess, 0);
    return done(sess, ask(sess));
  }, { code: ne.NE_ERROR, error: /^(?!.*hush).*http_proxy/, phase: "proxy", retry: UNSENT }],
]);

const TLS = { key: certFile("server.key"), cert: certFile("good.pem") };
const https = (options: object = TLS, verify?: ne.ne_ssl_verify_fn): Case[1] => async (t) => {
  const { sess } = await against(t, () => {}, { scheme: "https", tls: options });
  if (verify !== undefined) ne.ne_ssl_set_verify(sess, verify, null);
  return done(sess, ask(sess));
};

holds(t, "TLS", [
  ["a server that speaks no TLS", async (t) => {
    const plain = async (peer: Peer): Promise<void> => {
      await peer.readSome();
      await peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
      await peer.end();
    };
    const { sess } = await against(t, plain, { scheme: "https" });
    return done(sess, ask(sess));
  }, {
    code: ne.NE_ERROR,
    error: /^SSL handshake failed: SSL error: (wrong version number|packet length too long)$/,
    phase: "handshake",
    retry: UNSENT,
    more: { tls: { failures: 0, protocol: null, cipher: null }, sent: 0 },
  }],
  ["a connection that ends in the handshake", async (t) => {
    const ending = async (peer: Peer): Promise<void> => {
      await peer.readSome();
      await peer.end();
    };
    const { sess } = await against(t, ending, { scheme: "https" });
    return done(sess, ask(sess));
  }, {
    code: ne.NE_ERROR,
    error: /^SSL handshake failed: /,
    phase: "handshake",
    retry: UNSENT,
  }],
  ["a handshake that is not answered in time", async (t) => {
    const { sess } = await against(t, (peer) => peer.stall(), { scheme: "https" });
    ne.ne_set_read_timeout(sess, 0.05);
    return done(sess, ask(sess));
  }, {
    code: ne.NE_TIMEOUT,
    error: "SSL handshake failed: Connection timed out",
    phase: "handshake",
    retry: UNSENT,
  }],
  ["a certificate of nobody known", https(), {
    code: ne.NE_ERROR,
    error: /^SSL error: .*issuer is not trusted/,
    phase: "verify",
    retry: UNSENT,
    more: { tls: { protocol: "TLSv1.3", cipher: /^TLS_/ }, sent: 0 },
  }],
  ["a certificate of another host, expired", https({
    key: certFile("server.key"),
    cert: certFile("expired.pem"),
  }), { code: ne.NE_ERROR, error: /^SSL error: .*expired/, phase: "verify", retry: UNSENT }],
  ["a verify callback that refuses", https(TLS, () => -1), {
    code: ne.NE_ERROR,
    error: /^SSL error: /,
    phase: "verify",
    retry: UNSENT,
  }],
]);


// The scripted server is what most tests stand on: it must serve what it was told, and say so
// when the client did something else.
import net from "node:net";
import tls from "node:tls";
import t from "tap";
import { END, RESET, gate, hasIpv6, refusedPort, scripted } from "../fixtures/server.js";
import type { Script, ScriptOptions, TestScope } from "../fixtures/server.js";

/** A test scope whose teardown can be run at will. */
function scope(): TestScope & { end(): Promise<void> } {
  const steps: (() => unknown)[] = [];
  return {
    teardown: (fn) => void steps.push(fn),
    end: async () => {
      for (const step of steps.reverse()) await step();
    },
  };
}

/** Sends text, waits for the end, gives what came back. */
async function talk(port: number, text: string, host = "127.0.0.1"): Promise<string> {
  const socket = net.connect(port, host);
  socket.write(text);
  let answer = "";
  return await new Promise((resolve) => {
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", (error) => resolve(`${answer}<${(error as NodeJS.ErrnoException).code}>`));
    socket.on("close", () => resolve(answer));
  });
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

t.test("one string answers one request and closes", async (t) => {
  const srv = await scripted(t, ["HTTP/1.0 200 OK\r\n\r\nhello"]);
  t.equal(await talk(srv.port, GET), "HTTP/1.0 200 OK\r\n\r\nhello");
  await srv.done();
  t.equal(srv.connections, 1);
  t.strictSame(srv.received, [GET]);
  t.equal(srv.requests[0]?.field("host"), "a");
});

t.test("a list answers one request after the other", async (t) => {
  const srv = await scripted(t, [["one", (request) => request.body.toString(), END]]);
  const text =
    "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n" +
    "PUT /b HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody";
  t.equal(await talk(srv.port, text), "onebody");
  t.equal(srv.requests[0]?.body.toString(), "abc");
  await srv.done();
});

t.test("RESET resets", async (t) => {
  const srv = await scripted(t, [[RESET]]);
  t.match(await talk(srv.port, GET), /<ECONNRESET>|^$/);
});

t.test("a gate lets the test hold a script", async (t) => {
  const hold = gate();
  const srv = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await hold.opened;
      await peer.writeEach("late");
      await peer.end();
    },
  ]);
  const answer = talk(srv.port, GET);
  hold.open();
  t.equal(await answer, "late");
});

t.test("what was not followed fails", async (t) => {
  const cases: [string, readonly Script[], ScriptOptions, (port: number) => unknown, RegExp][] = [
    ["a connection too few", ["x", "y"], {}, (port) => talk(port, GET), /1 of 2 connections/],
    ["a connection too many", [], {}, (port) => talk(port, GET), /only 0 were expected/],
    ["a request too many", [["x"]], {}, (port) => talk(port, GET + GET), /after the script's end/],
    [
      "a close too early",
      ["x"],
      {},
      (port) => {
        const socket = net.connect(port, "127.0.0.1");
        socket.end("GET / HT");
        socket.resume();
        return new Promise((resolve) => socket.on("error", () => {}).on("close", resolve));
      },
      /closed the connection while "\\r\\n\\r\\n" was expected/,
    ],
    [
      "a request that never came",
      ["x"],
      {},
      (port) =>
        new Promise<void>((resolve) => {
          const socket = net.connect(port, "127.0.0.1", resolve);
          t.teardown(() => socket.destroy());
        }),
      /still waiting for a request|0 of 1 connections/,
    ],
  ];
  for (const [name, scripts, options, client, message] of cases) {
    const own = scope();
    const srv = await scripted(own, scripts, options);
    await client(srv.port);
    await t.rejects(own.end(), message, name);
  }
});

t.test("the IPv6 loopback address", async (t) => {
  if (!(await hasIpv6())) return t.pass("no IPv6 here");
  const srv = await scripted(t, ["hi"], { host: "::1" });
  t.equal(await talk(srv.port, GET, "::1"), "hi");
  t.equal(srv.origin, `http://[::1]:${srv.port}`);
});

t.test("a refused port refuses", async (t) => {
  t.equal(await talk(await refusedPort(), GET), "<ECONNREFUSED>");
});

t.test("TLS from the start, and after a CONNECT", async (t) => {
  // an anonymous key exchange needs no certificate, which is all that this test wants to know
  const plain = { ciphers: "aNULL:@SECLEVEL=0", maxVersion: "TLSv1.2" } as const;
  const trusting = { ...plain, rejectUnauthorized: false, checkServerIdentity: () => undefined };
  const serve = async (peer: import("../fixtures/server.js").Peer): Promise<void> => {
    await peer.readRequest();
    await peer.write("secret");
    await peer.end();
  };
  const collect = (socket: tls.TLSSocket): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = "";
      socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
      socket.on("error", reject);
      socket.on("close", () => resolve(answer));
      socket.write(GET);
    });

  const direct = await scripted(t, [serve], { tls: plain });
  const { port, host } = direct;
  t.equal(await collect(tls.connect({ port, host, ...trusting })), "secret");
  t.strictSame(direct.received, [GET]);

  const tunnel = await scripted(t, [
    async (peer) => {
      await peer.readRequest();
      await peer.write("HTTP/1.1 200 OK\r\n\r\n");
      t.ok(await peer.startTls(plain), "secured");
      await serve(peer);
    },
  ]);
  const socket = net.connect(tunnel.port, "127.0.0.1");
  socket.write("CONNECT a:1 HTTP/1.1\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  t.equal(await collect(tls.connect({ socket, ...trusting })), "secret");
});

t.test("a handshake that fails is told to the script, not to the test", async (t) => {
  const srv = await scripted(
    t,
    [
      async (peer) => {
        t.notOk(peer.secured);
        t.type(peer.error, Error);
        await peer.closed();
      },
    ],
    { tls: { ciphers: "aNULL:@SECLEVEL=0", maxVersion: "TLSv1.2" } },
  );
  const socket = net.connect(srv.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.end("garbage instead of a handshake, and enough of it\r\n");
  await new Promise((resolve) => socket.on("close", resolve));
  await srv.done();
});

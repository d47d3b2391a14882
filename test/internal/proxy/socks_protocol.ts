// Transcripts of SOCKS conversations: what is sent, what is asked for, and every way to fail.
import t from "tap";
import { socksConversation, type SocksTarget } from "../../../lib/internal/proxy/socks_protocol.js";

const BASE: SocksTarget = {
  version: "5",
  address: null,
  hostname: "h.example",
  port: 80,
  username: null,
  password: null,
};

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** Runs a conversation against replies; gives what was sent and how it ended. */
function talk(
  target: Partial<SocksTarget>,
  replies: readonly string[],
): { sent: string[]; end: unknown } {
  const conversation = socksConversation({ ...BASE, ...target });
  const sent: string[] = [];
  const pending = [...replies].map(hex);
  let step = conversation.next(Buffer.alloc(0));
  while (step.done !== true) {
    const todo = step.value;
    if ("send" in todo) {
      sent.push(todo.send.toString("hex"));
      step = conversation.next(Buffer.alloc(0));
      continue;
    }
    const reply = pending.shift();
    if (reply === undefined) return { sent, end: todo };
    if (reply.length !== todo.read) throw new Error(`asked for ${todo.read}, have ${reply.length}`);
    step = conversation.next(reply);
  }
  return { sent, end: step.value };
}

const NAME = "09682e6578616d706c65"; // h.example with its length

t.test("version 5: what is sent", async (t) => {
  const connected = ["0500", "05000001", "01020304 0050"];
  const rows: [string, Partial<SocksTarget>, string[], string[]][] = [
    ["a name", {}, connected, ["050100", `05010003${NAME}0050`]],
    [
      "an IPv4 address",
      { address: hex("7f000001") },
      connected,
      ["050100", "050100017f0000010050"],
    ],
    [
      "an IPv6 address",
      { address: Buffer.alloc(16, 1), port: 65535 },
      connected,
      ["050100", `05010004${"01".repeat(16)}ffff`],
    ],
    ["an IPv4 literal", { hostname: "127.0.0.1" }, connected, ["050100", "050100017f0000010050"]],
    [
      "an IPv6 literal",
      { hostname: "[::1]" },
      connected,
      ["050100", `05010004${"00".repeat(15)}010050`],
    ],
    [
      "an IPv6 literal with a zone, without brackets",
      { hostname: "fe80::1%eth0" },
      connected,
      ["050100", `05010004fe80${"00".repeat(13)}010050`],
    ],
    [
      "what only looks like an address is a name",
      { hostname: "1.2.3" },
      connected,
      ["050100", "0501000305312e322e330050"],
    ],
    [
      "a login, and an answer that names the proxy",
      { username: "u", password: "p" },
      ["0502", "0100", "05000003", "02", "6162 0050"],
      ["05020002", "0101750170", `05010003${NAME}0050`],
    ],
    [
      "a login that the proxy does not ask for stays at home",
      { username: "u", password: "p" },
      ["0500", "05000004", `${"00".repeat(16)}0050`],
      ["05020002", `05010003${NAME}0050`],
    ],
    [
      "a name of 255 bytes",
      { hostname: "h".repeat(255) },
      connected,
      ["050100", `05010003ff${"68".repeat(255)}0050`],
    ],
  ];
  for (const [name, target, replies, sent] of rows) {
    t.strictSame(talk(target, replies), { sent, end: null }, name);
  }
});

t.test("version 4 and 4a: what is sent", async (t) => {
  const connected = ["005a000000000000"];
  t.strictSame(talk({ version: "4", address: hex("7f000001"), username: "u" }, connected), {
    sent: ["040100507f0000017500"],
    end: null,
  });
  t.strictSame(talk({ version: "4a", username: "u" }, connected), {
    sent: [`04010050000000ff7500${NAME.slice(2)}00`],
    end: null,
  });
  t.strictSame(
    talk({ version: "4a", username: "", hostname: "1.2.3.4" }, ["045a000000000000"]).end,
    null,
    "the version of the reply is not looked at, as some proxies echo 4",
  );
});

t.test("every failure has its words", async (t) => {
  const rows: [string, Partial<SocksTarget>, string[], string][] = [
    ["not SOCKS", {}, ["4854"], "Invalid version in proxy response"],
    ["no method", {}, ["05ff"], "No acceptable authentication method"],
    ["a method not offered", {}, ["0501"], "Unexpected authentication method chosen"],
    ["a login is wanted", {}, ["0502"], "Proxy asks for a login, but no user name is set"],
    ["login refused", { username: "u", password: "p" }, ["0502", "0101"], "Authentication failed"],
    [
      "login answered by something else",
      { username: "u", password: "p" },
      ["0502", "0500"],
      "Invalid version in login reply",
    ],
    ["bad version later", {}, ["0500", "04000001"], "Invalid version in connect reply"],
    ["bad address type", {}, ["0500", "05000007"], "Unknown address type in connect reply"],
    ["5/1", {}, ["0500", "05010001"], "Could not connect: failure"],
    ["5/2", {}, ["0500", "05020001"], "Could not connect: connection not permitted"],
    ["5/3", {}, ["0500", "05030001"], "Could not connect: network unreachable"],
    ["5/4", {}, ["0500", "05040001"], "Could not connect: host unreachable"],
    ["5/5", {}, ["0500", "05050001"], "Could not connect: connection refused"],
    ["5/6", {}, ["0500", "05060001"], "Could not connect: TTL expired"],
    ["5/7", {}, ["0500", "05070001"], "Could not connect: command not supported"],
    ["5/8", {}, ["0500", "05080001"], "Could not connect: address type not supported"],
    ["5/9", {}, ["0500", "05090001"], "Could not connect: unrecognized error (9)"],
    ["5/255", {}, ["0500", "05ff0001"], "Could not connect: unrecognized error (255)"],
    [
      "4/91",
      { version: "4a", username: "u" },
      ["005b000000000000"],
      "Could not connect: request rejected or failed",
    ],
    [
      "4/92",
      { version: "4a", username: "u" },
      ["005c000000000000"],
      "Could not connect: request rejected, the proxy cannot reach identd on this host",
    ],
    [
      "4/93",
      { version: "4a", username: "u" },
      ["005d000000000000"],
      "Could not connect: request rejected, identd names another user",
    ],
    [
      "4/0",
      { version: "4a", username: "u" },
      ["0000000000000000"],
      "Could not connect: unrecognized failure (0)",
    ],
  ];
  for (const [name, target, replies, end] of rows) t.equal(talk(target, replies).end, end, name);
});

t.test("what cannot be sent is refused before a byte is", async (t) => {
  const rows: [string, Partial<SocksTarget>, string][] = [
    ["256 bytes of name", { hostname: "h".repeat(256) }, "Invalid host name for SOCKS v5"],
    ["no name", { hostname: "" }, "Invalid host name for SOCKS v5"],
    ["neither name nor address", { hostname: null }, "Invalid host name for SOCKS v5"],
    [
      "256 bytes for 4a",
      { version: "4a", hostname: "h".repeat(256) },
      "Invalid host name for SOCKS v4a",
    ],
    ["zero in a name", { version: "4a", hostname: "a\0b" }, "Invalid host name for SOCKS v4a"],
    ["zero in a user", { version: "4a", username: "a\0b" }, "Invalid user name for SOCKS v4"],
    ["IPv6 for 4", { version: "4", address: Buffer.alloc(16) }, "SOCKS v4 needs an IPv4 address"],
    ["no address for 4", { version: "4" }, "SOCKS v4 needs an IPv4 address"],
  ];
  for (const [name, target, end] of rows) t.strictSame(talk(target, []), { sent: [], end }, name);
  t.equal(
    talk({ username: "u".repeat(256), password: "p" }, ["0502"]).end,
    "User name or password is too long for SOCKS v5",
  );
});

t.test("a wire that fails has words for what was being done", async (t) => {
  const rows: [string[], unknown][] = [
    [[], { read: 2, doing: "Could not read initial response from proxy" }],
    [["0502"], { read: 2, doing: "Could not read login reply" }],
    [["0500"], { read: 4, doing: "Could not read connect reply" }],
    [["0500", "05000001"], { read: 6, doing: "Could not read address in connect reply" }],
    [["0500", "05000003"], { read: 1, doing: "Could not read FQDN length in connect reply" }],
    [["0500", "05000003", "ff"], { read: 257, doing: "Could not read address in connect reply" }],
  ];
  for (const [replies, end] of rows) {
    t.strictSame(talk({ username: "u", password: "p" }, replies).end, end);
  }
  t.strictSame(talk({ version: "4a", username: "u" }, []).end, {
    read: 8,
    doing: "Could not read response from proxy",
  });
});

// The client's side of SOCKS 4, 4a and 5 (RFC 1928, 1929) as a conversation without a socket: a
// generator that yields bytes to send or a number of bytes to read, is resumed with the bytes read,
// and returns null, or why the proxy did not connect. Whoever drives it words the failures of the
// wire with `doing`: "<doing>: connection was closed".
import { parseIPv4, parseIPv6 } from "../base/ip_literal.js";

/** What to do next on the wire. */
export type SocksStep =
  | { readonly send: Buffer; readonly doing: string }
  | { readonly read: number; readonly doing: string };

/** Where the proxy is to connect to, and who asks. */
export interface SocksTarget {
  readonly version: "4" | "4a" | "5";
  /** 4 or 16 bytes; needed for version 4 (IPv4), preferred by version 5, not used by 4a. */
  readonly address: Uint8Array | null;
  /** A name that the proxy resolves; for 4a, and for 5 without an address: there also a literal. */
  readonly hostname: string | null;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
}

/** A conversation: resumed with the bytes asked for, it ends with `null` or what went wrong. */
export type SocksConversation = Generator<SocksStep, string | null, Buffer>;

/** Names, user names and passwords are preceded by one byte that holds their length. */
const MAX_TEXT = 255;

const METHOD_NONE = 0;
const METHOD_LOGIN = 2;
const METHOD_REFUSED = 0xff;

const REPLIES_4: Readonly<Record<number, string>> = {
  91: "request rejected or failed",
  92: "request rejected, the proxy cannot reach identd on this host",
  93: "request rejected, identd names another user",
};

const REPLIES_5: Readonly<Record<number, string>> = {
  1: "failure",
  2: "connection not permitted",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "TTL expired",
  7: "command not supported",
  8: "address type not supported",
};

/** Asks a proxy to connect. */
export function socksConversation(target: SocksTarget): SocksConversation {
  return target.version === "5" ? version5(target) : version4(target);
}

//  version ─► user name ─► [4a: name] ─► reply
function* version4(target: SocksTarget): SocksConversation {
  const { address, hostname, username, port } = target;
  const byName = target.version === "4a";
  if (!byName && address?.length !== 4) return "SOCKS v4 needs an IPv4 address";
  const user = Buffer.from(username ?? "", "utf8");
  const name = Buffer.from(byName ? (hostname ?? "") : "", "utf8");
  // both texts end with a zero byte, so none may be inside
  if (user.includes(0) || user.length > MAX_TEXT) return "Invalid user name for SOCKS v4";
  if (byName && (name.length === 0 || name.includes(0) || name.length > MAX_TEXT)) {
    return "Invalid host name for SOCKS v4a";
  }
  const request = [
    Buffer.from([4, 1, port >> 8, port & 255]),
    // an address 0.0.0.x announces the name
    byName ? Buffer.from([0, 0, 0, 255]) : (address as Uint8Array),
    user,
    Buffer.from([0]),
    ...(byName ? [name, Buffer.from([0])] : []),
  ];
  yield { send: Buffer.concat(request), doing: "Could not send message to proxy" };
  const reply = yield { read: 8, doing: "Could not read response from proxy" };
  const code = reply.readUInt8(1);
  if (code === 90) return null;
  return `Could not connect: ${REPLIES_4[code] ?? `unrecognized failure (${code})`}`;
}

//  methods ─► choice ─► [login ─► verdict] ─► connect ─► reply ─► bound address
function* version5(target: SocksTarget): SocksConversation {
  const destination = destinationOf(target);
  if (destination === null) return "Invalid host name for SOCKS v5";
  // a proxy may take the offer of a login for a promise to log in
  const methods = target.username === null ? [METHOD_NONE] : [METHOD_NONE, METHOD_LOGIN];
  yield {
    send: Buffer.from([5, methods.length, ...methods]),
    doing: "Could not send message to proxy",
  };
  const choice = yield { read: 2, doing: "Could not read initial response from proxy" };
  if (choice[0] !== 5) return "Invalid version in proxy response";
  if (choice[1] === METHOD_LOGIN) {
    const problem = yield* logIn(target);
    if (problem !== null) return problem;
  } else if (choice[1] === METHOD_REFUSED) {
    return "No acceptable authentication method";
  } else if (choice[1] !== METHOD_NONE) {
    return "Unexpected authentication method chosen";
  }
  const port = Buffer.from([target.port >> 8, target.port & 255]);
  yield {
    send: Buffer.concat([Buffer.from([5, 1, 0]), destination, port]),
    doing: "Could not send connect request",
  };
  return yield* readReply();
}

// RFC 1929
function* logIn(target: SocksTarget): SocksConversation {
  if (target.username === null) return "Proxy asks for a login, but no user name is set";
  const user = sized(target.username);
  const password = sized(target.password ?? "");
  if (user === null || password === null) return "User name or password is too long for SOCKS v5";
  yield {
    send: Buffer.concat([Buffer.from([1]), user, password]),
    doing: "Could not send login message",
  };
  const verdict = yield { read: 2, doing: "Could not read login reply" };
  if (verdict[0] !== 1) return "Invalid version in login reply";
  return verdict[1] === 0 ? null : "Authentication failed";
}

// The address that the proxy is bound to is of no use here, but has to be read away.
function* readReply(): SocksConversation {
  const reply = yield { read: 4, doing: "Could not read connect reply" };
  if (reply[0] !== 5) return "Invalid version in connect reply";
  const code = reply.readUInt8(1);
  if (code !== 0) {
    return `Could not connect: ${REPLIES_5[code] ?? `unrecognized error (${code})`}`;
  }
  let length: number;
  switch (reply[3]) {
    case 1:
      length = 4;
      break;
    case 4:
      length = 16;
      break;
    case 3: {
      const doing = "Could not read FQDN length in connect reply";
      length = (yield { read: 1, doing }).readUInt8(0);
      break;
    }
    default:
      return "Unknown address type in connect reply";
  }
  yield { read: length + 2, doing: "Could not read address in connect reply" };
  return null;
}

// Address type and address (RFC 1928, 5).
function destinationOf({ address, hostname }: SocksTarget): Buffer | null {
  const bytes = address ?? literalBytes(hostname);
  if (bytes !== null) return Buffer.concat([Buffer.from([bytes.length === 4 ? 1 : 4]), bytes]);
  const name = hostname === null || hostname === "" ? null : sized(hostname);
  return name === null ? null : Buffer.concat([Buffer.from([3]), name]);
}

// An address is no name, and a proxy that resolves it as one may fail.
function literalBytes(hostname: string | null): Buffer | null {
  const text = (hostname ?? "").replace(/^\[(.*)\]$/, "$1").replace(/(:.*)%.*$/, "$1");
  return parseIPv4(text) ?? parseIPv6(text);
}

function sized(text: string): Buffer | null {
  const bytes = Buffer.from(text, "utf8");
  return bytes.length > MAX_TEXT ? null : Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

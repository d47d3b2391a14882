// Opening a TCP connection to one address, with a deadline and a way to break it off.
import net from "node:net";
import { NE_SOCK_ERROR, NE_SOCK_TIMEOUT } from "../base/constants.js";
import { ownOnly } from "../base/bytes.js";
import { errnoText } from "../base/errno.js";
import { whenOverdue } from "../base/event_turn.js";
import { connectText, printAddress, type Address } from "./address.js";
import { ReadRing } from "./read_blocks.js";
import { Wire } from "./wire.js";
import type { WireFailure } from "./wire_failure.js";

export interface TcpOptions {
  address: Address;
  port: number;
  /** Local end, used where its kind fits the peer's. */
  local: Address | null;
  localPort: number;
  /** 0 leaves it to the system. */
  timeoutMs: number;
  /** Read into blocks of our own: faster, but the socket can then serve this wire only. */
  ownBlocks: boolean;
  /** Receives a function that breaks the attempt off. */
  onCancel?: (cancel: (why: WireFailure) => void) => void;
}

/** Connects. Never rejects. */
export function connectTcp(options: TcpOptions): Promise<Wire | WireFailure> {
  const ring = options.ownBlocks ? new ReadRing() : null;
  const { local } = options;
  const fits = local !== null && local.kind === options.address.kind;
  const settings = {
    host: connectText(options.address),
    port: options.port,
    family: options.address.kind === "ipv4" ? 4 : 6,
    noDelay: true,
    allowHalfOpen: true,
    ...(fits ? { localAddress: printAddress(local) } : {}),
    ...(options.localPort > 0 ? { localPort: options.localPort } : {}),
    ...(ring === null ? {} : { onread: ring.onread }),
  };
  const socket = net.connect(ownOnly(settings));
  return awaitConnect(socket, ring, options.timeoutMs, options.onCancel);
}

// The bytes that a system's address of a socket has for its name. Node before 24 cuts a longer one
// and connects to whatever has the name that is left.
const MAX_SOCKET_NAME: Partial<Record<NodeJS.Platform, number>> = { linux: 107, win32: Infinity };
const MAX_SOCKET_NAME_ELSEWHERE = 103;

/** Whether a name is too long for a Unix-domain socket. */
export function isLongSocketName(path: string): boolean {
  const most = MAX_SOCKET_NAME[process.platform] ?? MAX_SOCKET_NAME_ELSEWHERE;
  return Buffer.byteLength(path) > most;
}

/** Connects to a Unix-domain socket. Never rejects. */
export function connectUnix(
  path: string,
  timeoutMs: number,
  onCancel?: (cancel: (why: WireFailure) => void) => void,
): Promise<Wire | WireFailure> {
  const socket = net.connect(ownOnly({ path, allowHalfOpen: true }));
  return awaitConnect(socket, null, timeoutMs, onCancel);
}

function awaitConnect(
  socket: net.Socket,
  ring: ReadRing | null,
  timeoutMs: number,
  onCancel: TcpOptions["onCancel"],
): Promise<Wire | WireFailure> {
  return new Promise((resolve) => {
    const late = (): void => {
      fail({ code: NE_SOCK_TIMEOUT, error: "Connection timed out", cause: null });
    };
    const inTime = timeoutMs > 0 ? whenOverdue(timeoutMs, late) : null;
    const settle = (result: Wire | WireFailure): void => {
      inTime?.();
      socket.off("error", onError);
      socket.off("connect", onConnect);
      resolve(result);
    };
    const fail = (failure: WireFailure): void => {
      settle(failure);
      socket.on("error", () => {});
      socket.destroy();
    };
    const onError = (error: Error): void => {
      fail({ code: NE_SOCK_ERROR, error: errnoText(error), cause: error });
    };
    const onConnect = (): void => settle(new Wire(socket, ring));
    socket.on("error", onError);
    socket.on("connect", onConnect);
    onCancel?.(fail);
  });
}

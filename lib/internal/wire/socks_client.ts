// Drives the pure SOCKS conversation (internal/proxy/socks_protocol.ts) over a wire.
import { NE_SOCK_CLOSED, NE_SOCK_ERROR, NE_SOCK_TIMEOUT } from "../base/constants.js";
import { socksConversation, type SocksTarget } from "../proxy/socks_protocol.js";
import type { Wire } from "./wire.js";
import type { WireFailure } from "./wire_failure.js";

/** @returns `null` once the proxy has connected onward, else what went wrong */
export async function driveSocks(
  wire: Wire,
  target: SocksTarget,
  timeoutMs: number,
): Promise<WireFailure | null> {
  const conversation = socksConversation(target);
  let step = conversation.next();
  while (step.done !== true) {
    const { value } = step;
    const code = await ("send" in value
      ? wire.write(value.send, timeoutMs)
      : need(wire, value.read, timeoutMs));
    if (code < 0) return describe(value.doing, wire.failure);
    step = conversation.next("send" in value ? Buffer.alloc(0) : take(wire, value.read));
  }
  return step.value === null ? null : { code: NE_SOCK_ERROR, error: step.value, cause: null };
}

async function need(wire: Wire, bytes: number, timeoutMs: number): Promise<number> {
  while (wire.available < bytes) {
    const code = await wire.more(timeoutMs);
    if (code < 0) return code;
  }
  return 0;
}

function take(wire: Wire, bytes: number): Buffer {
  const taken = Buffer.from(wire.bytes.subarray(wire.pos, wire.pos + bytes));
  wire.pos += bytes;
  return taken;
}

function describe(doing: string, failure: WireFailure): WireFailure {
  const what =
    failure.code === NE_SOCK_CLOSED
      ? "Connection closed"
      : failure.code === NE_SOCK_TIMEOUT
        ? "Connection timed out"
        : failure.error;
  return { code: NE_SOCK_ERROR, error: `${doing}: ${what}`, cause: failure.cause };
}

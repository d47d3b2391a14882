// The handle types of addresses, lookups and sockets, which sessions and ne_socket both hand out.
import {
  HandleType,
  type ne_inet_addr,
  type ne_sock_addr,
  type ne_socket,
} from "../base/handle.js";
import type { Address } from "./address.js";
import type { SocketState } from "./socket.js";

/** The outcome of a lookup and the iteration over it. */
export interface LookupState {
  addresses: Address[];
  error: string | null;
  canonical: string | null;
  handles: ne_inet_addr[];
  next: number;
}

export const addresses = new HandleType<"ne_inet_addr", Address>("ne_inet_addr");

export const lookups = new HandleType<"ne_sock_addr", LookupState>("ne_sock_addr", (state) => {
  for (const handle of state.handles) addresses.revoke(handle);
});

export const sockets = new HandleType<"ne_socket", SocketState>("ne_socket", (state) => {
  state.wire?.close();
});

export type { ne_inet_addr, ne_sock_addr, ne_socket };

// The state behind an ne_socket.
import type { Wire } from "./wire.js";
export interface SocketState {
  wire: Wire | null;
}

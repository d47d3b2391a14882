// Handles of sockets, lookups and addresses: what ends with what.
import t from "tap";
import { addresses, lookups, sockets } from "../../../lib/internal/wire/socket_handles.js";
import { createSocketState } from "../../../lib/internal/wire/socket.js";
import { Wire } from "../../../lib/internal/wire/wire.js";
import { Other } from "../../fixtures/stream.js";
import type { Address } from "../../../lib/internal/wire/address.js";

t.test("the addresses of a lookup end with it", async (t) => {
  const address = {} as Address;
  const handles = [addresses.lend(address), addresses.lend(address)];
  const own = addresses.create(address);
  const state = { addresses: [address], error: null, canonical: null, handles, next: 0 };
  const lookup = lookups.create(state);
  t.throws(() => addresses.destroy(handles[0], "f"), /is borrowed/);
  lookups.destroy(lookup, "ne_addr_destroy");
  t.strictSame(handles.map((handle) => addresses.is(handle)), [false, false]);
  t.equal(addresses.is(own), true, "one that the caller owns does not");
});

t.test("a socket that is destroyed is closed", async (t) => {
  const other = new Other();
  const state = { ...createSocketState(), wire: new Wire(other) };
  const closed = new Promise((resolve) => other.once("close", resolve));
  sockets.destroy(sockets.create(state), "ne_sock_close");
  await closed;
  t.equal(other.destroyed, true);
  t.doesNotThrow(() => sockets.destroy(sockets.create(createSocketState()), "f"), "nor one unused");
});

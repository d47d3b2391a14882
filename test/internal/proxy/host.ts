// Hosts in normal form: no spelling of a name or an address gets past a bypass list.
import t from "tap";
import { isMapped, normalHost, parseAddress } from "../../../lib/internal/proxy/host.js";

t.test("spellings of one host", async (t) => {
  const groups = [
    ["example.com", "EXAMPLE.com", "example.com.", "Example.COM."],
    ["[::1]", "::1", "0:0:0:0:0:0:0:1", "[0:0::1]", "::1%lo", "[::1%25lo]"],
  ];
  for (const spellings of groups) {
    const [first, ...rest] = spellings.map(normalHost);
    for (const other of rest) {
      t.same(other.address, first?.address, other.name);
      if (first?.address === null) t.equal(other.name, first.name);
    }
  }
  t.same(normalHost("127.0.0.1").address, normalHost("::ffff:127.0.0.1").address);
  t.same(normalHost("127.0.0.1.").address, normalHost("127.0.0.1").address);
});

t.test("names are no addresses", async (t) => {
  for (const name of ["localhost", "127.0.0", "1.2.3.4.example", "256.0.0.1", "1.2.3.4x", "", "::g"]) {
    t.equal(normalHost(name).address, null, name);
  }
  t.strictSame(normalHost(".."), { name: ".", address: null }, "one trailing dot goes");
  for (const name of ["[::1", "::1]x", "[a", "a]"]) {
    t.strictSame(normalHost(name), { name, address: null }, "brackets come in pairs");
  }
  t.strictSame(normalHost("a%b"), { name: "a%b", address: null }, "a zone needs an address");
});

t.test("addresses are 16 bytes", async (t) => {
  t.equal(parseAddress("1.2.3.4")?.toString("hex"), "00000000000000000000ffff01020304");
  t.equal(parseAddress("fe80::1")?.toString("hex"), "fe800000000000000000000000000001");
  t.equal(parseAddress("[::1]"), null, "no brackets here");
  t.equal(isMapped(parseAddress("1.2.3.4") as Buffer), true);
  t.equal(isMapped(parseAddress("::ffff:1.2.3.4") as Buffer), true);
  t.equal(isMapped(parseAddress("::1.2.3.4") as Buffer), false);
  t.equal(isMapped(parseAddress("::1") as Buffer), false);
});

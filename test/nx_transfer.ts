// nx_transfer: uploads by every protocol against a server that holds each to its specification.
import t from "tap";
import { nx_upload } from "../lib/index.js";
import type { nx_upload_state } from "../lib/index.js";
import { content, openSession } from "./fixtures/transfer/client.js";
import { transferServer, type Offer } from "./fixtures/transfer/server.js";

const FILE = "/remote.php/dav/files/me/big%20file.bin";
const PROTOCOLS = ["put", "nextcloud", "tus", "sabre-patch", "content-range"] as const;
const OFFERS: Offer[] = ["nextcloud", "tus", "sabre-patch", "content-range"];

for (const protocol of PROTOCOLS) {
  t.test(`${protocol}: a whole file, in pieces`, async (t) => {
    const server = await transferServer(t, { offers: OFFERS });
    const sess = openSession(t, server);
    const states: nx_upload_state[] = [];
    const told: number[] = [];
    const result = await nx_upload(sess, FILE, content(25_000), {
      protocol,
      chunk: 10_000,
      onstate: (state) => void states.push(state),
      progress: (done) => void told.push(done),
    });
    t.equal(result.created, true);
    t.ok(server.files.get(FILE)?.equals(content(25_000)));
    t.same([...server.files.keys()], [FILE], "and nothing else");
    t.same(server.pieces.size, 0);
    const done = protocol === "put" ? [0, 25_000] : [0, 10_000, 20_000, 25_000];
    t.same(states.map((state) => state.done), done);
    t.equal(told.at(-1), 25_000);
    const again = await nx_upload(sess, FILE, content(9_999, 2), { protocol, chunk: 5_000 });
    t.equal(again.created, protocol === "tus");
    t.ok(server.files.get(FILE)?.equals(content(9_999, 2)));
  });
}

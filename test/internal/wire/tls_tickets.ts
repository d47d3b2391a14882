// Sessions of TLS are resumed only for the same peer, versions, certificate and trust.
import t from "tap";
import {
  createTlsContext,
  setClientCert,
  setVersions,
  trustCert,
  type TlsContext,
} from "../../../lib/internal/tls/context.js";
import { certificateOf } from "../../../lib/internal/tls/certificate_handles.js";
import { trustDefaultCa } from "../../../lib/internal/wire/default_roots.js";
import { keepTicket, ticketKey } from "../../../lib/internal/wire/tls_tickets.js";
import { cert, clientCert } from "../../fixtures/tls.js";

const PEER = { sessionKey: "localhost:443", servername: "localhost" };
const ticket = (text: string) => ({ session: Buffer.from(text), chain: [] });

t.test("whatever differs makes another key", async (t) => {
  const changes: ((context: TlsContext) => void)[] = [
    () => {},
    (context) => void setVersions(context, 4, 0),
    (context) => void setVersions(context, 0, 4),
    (context) => setClientCert(context, clientCert("client.p12")),
    (context) => setClientCert(context, clientCert("client-ec.p12")),
    (context) => trustDefaultCa(context),
    (context) => {
      const ca = certificateOf([cert("ca.pem")]);
      if (ca !== null) trustCert(context, ca);
    },
  ];
  const keys = changes.map((change) => {
    const context = createTlsContext();
    change(context);
    return ticketKey(PEER, context);
  });
  const context = createTlsContext();
  keys.push(ticketKey({ ...PEER, servername: null }, context));
  keys.push(ticketKey({ ...PEER, servername: "null" }, context));
  keys.push(ticketKey({ ...PEER, sessionKey: "localhost:444" }, context));
  keys.push(ticketKey({ sessionKey: 'a","b', servername: null }, context));
  keys.push(ticketKey({ sessionKey: "a", servername: 'b' }, context));
  t.equal(new Set(keys).size, keys.length);
  t.equal(ticketKey(PEER, createTlsContext()), keys[0], "and the same gives the same");
});

t.test("sixteen are kept, the oldest goes", async (t) => {
  const context = createTlsContext();
  for (let i = 0; i < 16; i++) keepTicket(context, `${i}`, ticket(`${i}`));
  keepTicket(context, "0", ticket("again"));
  keepTicket(context, "16", ticket("16"));
  t.equal(context.tickets.size, 16);
  t.equal(context.tickets.has("1"), false, "the one that was renewed is not the oldest");
  t.equal(context.tickets.get("0")?.session.toString(), "again");
});

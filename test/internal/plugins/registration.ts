// Who answers challenges: what differs between servers and proxies, and one answer for each realm.
import t from "tap";
import { NE_AUTH, NE_PROXYAUTH } from "../../../lib/internal/base/constants.js";
import {
  askOnce,
  PROXY,
  SERVER,
  type Inquiry,
} from "../../../lib/internal/plugins/registration.js";

t.test("the two classes", async (t) => {
  t.match(SERVER, { proxy: false, code: 401, failure: NE_AUTH, requestField: "Authorization" });
  t.match(PROXY, { proxy: true, code: 407, failure: NE_PROXYAUTH });
  const values = (cls: object): unknown[] => Object.values(cls);
  const shared = values(SERVER).filter((value) => values(PROXY).includes(value));
  t.strictSame(shared, [], "they have nothing in common, least of all a field");
});

t.test("a pair is given once for each realm of a request", async (t) => {
  const ask = askOnce("u", "p");
  const [first, second] = [{}, {}] as Inquiry["request"][];
  const inquire = (request: unknown, question: Inquiry["question"]): unknown =>
    ask({ question, request } as Inquiry);
  const realm = (name: string | null): Inquiry["question"] => ({ want: "password", realm: name });
  const pair = { username: "u", password: "p" };
  t.strictSame(inquire(first, realm("a")), pair);
  t.equal(inquire(first, realm("a")), null, "it was refused");
  t.strictSame(inquire(first, realm("b")), pair, "another realm");
  t.strictSame(inquire(first, realm(null)), pair);
  t.equal(inquire(first, realm("")), null, "no name is one name");
  t.strictSame(inquire(second, realm("a")), pair, "another request");
  t.equal(inquire(second, { want: "bearer", realm: "a" }), null, "a password is no token");
  const token = { want: "token", challenge: Buffer.alloc(0), exchange: {} } as const;
  t.equal(inquire(second, token), null);
});

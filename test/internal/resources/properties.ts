// What becomes of each property: a response that does not say is a failure, never a success.
import t, { type Test } from "tap";
import { patch, valueElements, type nx_property } from "../../../lib/internal/resources/properties.js";
import { elementOf } from "../../../lib/internal/resources/element.js";
import { failureOf } from "../../fixtures/conversation.js";
import { answering, multistatus, propstat, response, type Answered } from "../../fixtures/dav.js";

const A: nx_property = { nspace: "u", name: "a", value: "1" };
const B = { nspace: "u", name: "b" };

async function outcomes(t: Test, answer: Answered): Promise<string[]> {
  const { sess } = await answering(t, answer);
  const found = await patch(sess, "/x", [A], [B], "f");
  return found.map(({ name, status }) => `${name} ${status.code}`);
}

const answer = (...inside: string[]): Answered => ({ body: multistatus(response("/x", ...inside)) });
const a = '<a xmlns="u"/>';
const b = '<b xmlns="u"/>';

t.test("the body of a PROPPATCH", async (t) => {
  const { sess, server } = await answering(t, { status: "200 OK" });
  await patch(sess, "/x", [A], [B], "f");
  t.match(
    server.requests[0]?.body.toString(),
    '<D:set><D:prop><a xmlns="u">1</a></D:prop></D:set><D:remove><D:prop><b xmlns="u"/></D:prop></D:remove>',
  );
  await t.rejects(patch(sess, "/x", [], [], "f"), new TypeError("f: there is no property to set or remove"));
});

t.test("outcomes", async (t) => {
  const rows: [what: string, answer: Answered, found: string[]][] = [
    ["each its own", answer(propstat(a), propstat(b, "404 Not Found")), ["a 200", "b 404"]],
    ["together", answer(propstat(a + b)), ["a 200", "b 200"]],
    ["a plain success", { status: "200 OK" }, ["a 200", "b 200"]],
    ["a status of the whole", answer("<D:status>HTTP/1.1 200 OK</D:status>"), ["a 200", "b 200"]],
    ["one failed in a plain success", { status: "200 OK", ...answer(propstat(a, "403 Forbidden")) },
      ["a 403", "b 424"]],
    ["one failed, the other is not named", answer(propstat(a, "403 Forbidden")), ["a 403", "b 424"]],
  ];
  for (const [what, given, found] of rows) t.strictSame(await outcomes(t, given), found, what);
});

t.test("answers that do not say", async (t) => {
  const rows: [what: string, answer: Answered, message: RegExp][] = [
    ["one is not named", answer(propstat(a)), /does not say what became of b/],
    ["none is named", answer(), /./],
    ["refused", { status: "403 Forbidden" }, /403 Forbidden/],
    ["refused inside", answer("<D:status>HTTP/1.1 423 Locked</D:status>"), /423 Locked/],
    ["an empty multistatus", { body: multistatus() }, /does not say|./],
    ["no document", { body: "" }, /./],
  ];
  for (const [what, given, message] of rows) {
    t.match(await failureOf(() => outcomes(t, given)), { name: "nx_error", message }, what);
  }
});

t.test("values", async (t) => {
  const itself = elementOf("u", "a", ["x"]);
  const inside = elementOf("DAV:", "href", ["/y"]);
  t.equal(valueElements([A, { ...A, value: "" }], "f"), '<a xmlns="u">1</a><a xmlns="u"/>');
  t.equal(valueElements([{ ...A, value: itself }], "f"), '<a xmlns="u">x</a>');
  t.equal(valueElements([{ ...A, value: inside }], "f"), '<a xmlns="u"><D:href>/y</D:href></a>');
  for (const props of [null, [null], [{ ...A, value: 7 }], [{ ...A, name: "a b" }]]) {
    t.throws(() => valueElements(props, "f"), { name: "TypeError", message: /^f: / });
  }
});

// Trees of elements: looked through in the order of the document, however deep they are.
import t from "tap";
import {
  childOf,
  elementOf,
  elementsIn,
  textIn,
  type nx_element,
} from "../../../lib/internal/resources/element.js";

const TREE = elementOf("DAV:", "a", [
  "1",
  elementOf("DAV:", "b", [elementOf("x", "c", ["2"]), "3"]),
  elementOf("x", "b", ["4"]),
  elementOf("DAV:", "b"),
]);

t.test("elements and text in their order", async (t) => {
  t.strictSame([...elementsIn(TREE)].map(({ name }) => name), ["a", "b", "c", "b", "b"]);
  t.equal(textIn(TREE), "1234");
  t.equal(textIn(elementOf("", "x")), "");
});

t.test("children by name and namespace, the first one", async (t) => {
  t.equal(childOf(TREE, "DAV:", "b"), TREE.children[1]);
  t.equal(childOf(TREE, "x", "b"), TREE.children[2]);
  t.equal(childOf(TREE, "x", "c"), null, "not below them");
  t.equal(childOf(TREE, "", "b"), null);
});

t.test("deeper than JavaScript's stack", async (t) => {
  let deep: nx_element = elementOf("", "e", ["end"]);
  for (let i = 0; i < 100_000; i++) deep = elementOf("", "e", [deep]);
  t.equal(textIn(deep), "end");
  let count = 0;
  for (const _ of elementsIn(deep)) count++;
  t.equal(count, 100_001);
});

t.test("an element without attributes has a list of none", async (t) => {
  t.strictSame(elementOf("", "x").attrs, []);
  t.equal(Object.isFrozen(elementOf("", "x").attrs), true);
});

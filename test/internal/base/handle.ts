// Handles: opened by their own type only, destroyed once, lent and called back, and closed to
// everyone else.
import { inspect } from "node:util";
import t from "tap";
import { HandleType, misuse, needHandle } from "../../../lib/internal/base/handle.js";

function types() {
  const ended: string[] = [];
  const cats = new HandleType<"ne_cat", string>(
    "ne_cat",
    (state) => void ended.push(state),
    (state) => `called ${state}`,
  );
  const dogs = new HandleType<"ne_dog", string>("ne_dog");
  return { cats, dogs, ended };
}

const mistake = (message: string): TypeError => new TypeError(message);

t.test("what is no live handle of the type", async (t) => {
  const { cats, dogs } = types();
  const tom = cats.create("Tom");
  t.equal(cats.open(tom, "f"), "Tom");
  t.equal(cats.is(tom), true);
  t.equal(dogs.is(tom), false);
  t.throws(() => dogs.open(tom, "f"), mistake("f: expected a ne_dog, got a ne_cat"));
  const rows: [value: unknown, got: string][] = [
    [null, "null"],
    [undefined, "undefined"],
    [{}, "object"],
    ["Tom", "string"],
    [Object.create(tom as object), "object"],
    [new Proxy(tom as object, {}), "object"],
  ];
  for (const [value, got] of rows) {
    t.equal(cats.is(value), false);
    t.throws(() => cats.open(value, "f"), mistake(`f: expected a ne_cat, got ${got}`));
  }
});

t.test("destroyed once", async (t) => {
  const { cats, ended } = types();
  const tom = cats.create("Tom");
  cats.destroy(tom, "ne_cat_free");
  t.strictSame(ended, ["Tom"]);
  t.equal(cats.is(tom), false);
  const gone = "the ne_cat was destroyed already";
  t.throws(() => cats.open(tom, "f"), mistake(`f: ${gone}`));
  t.throws(() => cats.destroy(tom, "ne_cat_free"), mistake(`ne_cat_free: ${gone}`));
  t.strictSame(ended, ["Tom"]);
});

t.test("while it is torn down it can be opened, and not destroyed again", async (t) => {
  const seen: unknown[] = [];
  const cats: HandleType<"ne_cat", string> = new HandleType("ne_cat", () => {
    seen.push(cats.open(tom, "f"));
    try {
      cats.destroy(tom, "f");
    } catch (error) {
      seen.push((error as Error).message);
    }
  });
  const tom = cats.create("Tom");
  cats.destroy(tom, "f");
  t.strictSame(seen, ["Tom", "f: the ne_cat is being destroyed already"]);
});

t.test("a teardown that throws leaves no live handle", async (t) => {
  const cats = new HandleType<"ne_cat", string>("ne_cat", () => {
    throw new Error("claws");
  });
  const tom = cats.create("Tom");
  t.throws(() => cats.destroy(tom, "f"), { message: "claws" });
  t.equal(cats.is(tom), false);
});

t.test("lent handles", async (t) => {
  const { cats, ended } = types();
  const tom = cats.lend("Tom");
  const why = "f: this ne_cat is borrowed and must not be destroyed";
  t.throws(() => cats.destroy(tom, "f"), mistake(why));
  t.equal(cats.open(tom, "f"), "Tom", "still there");
  cats.revoke(tom);
  t.throws(() => cats.open(tom, "f"), mistake("f: the ne_cat was destroyed already"));
  t.strictSame(ended, [], "nothing is torn down");
  cats.revoke(tom);
  cats.revoke(null);
});

t.test("`using` destroys what is still there", async (t) => {
  const { cats, ended } = types();
  const tom = cats.create("Tom");
  tom[Symbol.dispose]();
  tom[Symbol.dispose]();
  const kit = cats.create("Kit");
  await kit[Symbol.asyncDispose]();
  t.strictSame(ended, ["Tom", "Kit"]);
});

t.test("nothing of it shows or can be changed", async (t) => {
  const { cats } = types();
  const tom = cats.create("Tom");
  t.strictSame(Reflect.ownKeys(tom), []);
  t.equal(JSON.stringify(tom), "{}");
  t.equal((tom as { constructor?: unknown }).constructor, Object);
  t.equal(Object.isFrozen(tom), true);
  t.equal(Object.isFrozen(Object.getPrototypeOf(tom)), true);
  t.equal(inspect(tom), "ne_cat <called Tom>");
  cats.destroy(tom, "f");
  t.equal(inspect(tom), "ne_cat <destroyed>");
});

t.test("handles of a type that only another module can open", async (t) => {
  const { cats } = types();
  const tom = cats.create("Tom");
  t.doesNotThrow(() => needHandle(tom, "ne_cat", "f"));
  t.throws(() => needHandle(tom, "ne_dog", "f"), mistake("f: expected a ne_dog, got a ne_cat"));
  cats.destroy(tom, "f");
  t.throws(() => needHandle(tom, "ne_cat", "f"), mistake("f: the ne_cat was destroyed already"));
  t.throws(() => needHandle(7, "ne_cat", "f"), mistake("f: expected a ne_cat, got number"));
});

t.test("a mistake names the function", async (t) => {
  t.match(misuse("ne_x", "what"), { name: "TypeError", message: "ne_x: what" });
});

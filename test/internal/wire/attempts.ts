// Races between addresses (RFC 8305), with attempts that the tests settle themselves.
import { PassThrough } from "node:stream";
import t from "tap";
import { connectFirst, inTurn, type Attempt } from "../../../lib/internal/wire/attempts.js";
import { parseLiteral, printAddress, type Address } from "../../../lib/internal/wire/address.js";
import { Wire } from "../../../lib/internal/wire/wire.js";
import type { WireFailure } from "../../../lib/internal/wire/wire_failure.js";

const address = (text: string): Address => parseLiteral(text) as Address;
const [A, B, C] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(address) as [
  Address,
  Address,
  Address,
];
const failure = (error: string): WireFailure => ({ code: -1, error, cause: null });

/** Attempts under way, by address: each settled by the test, or by being cancelled. */
class Attempts {
  readonly log: string[] = [];
  readonly #settle = new Map<Address, (result: Wire | WireFailure | Error) => void>();

  readonly attempt: Attempt = (to, onCancel) => {
    this.log.push(`try ${printAddress(to)}`);
    return new Promise((resolve, reject) => {
      this.#settle.set(to, (result) => {
        if (result instanceof Error) reject(result);
        else resolve(result);
      });
      onCancel((why) => {
        this.log.push(`drop ${printAddress(to)}`);
        resolve(why);
      });
    });
  };

  settle(to: Address, result: Wire | WireFailure | Error): void {
    this.#settle.get(to)?.(result);
  }

  /** When this address is being tried. */
  async tried(to: Address): Promise<void> {
    while (!this.#settle.has(to)) await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test("families_in_turn", async (t) => {
  const order = (...list: string[]): string[] => inTurn(list.map(address)).map(printAddress);
  t.same(order("::1:1:1", "::2:2:2", "1.1.1.1", "2.2.2.2"), [
    "::1:1:1",
    "1.1.1.1",
    "::2:2:2",
    "2.2.2.2",
  ].map((text) => printAddress(address(text))));
  t.same(order("1.1.1.1", "2.2.2.2", "3.3.3.3", "::5:5:5"), [
    "1.1.1.1",
    printAddress(address("::5:5:5")),
    "2.2.2.2",
    "3.3.3.3",
  ]);
  t.same(order("1.1.1.1", "2.2.2.2"), ["1.1.1.1", "2.2.2.2"]);
  t.same(order(), []);
});

t.test("a_silent_address_delays_nothing", async (t) => {
  const attempts = new Attempts();
  const raced = connectFirst([A, B, C], 1, attempts.attempt);
  await attempts.tried(B);
  const wire = new Wire(new PassThrough());
  attempts.settle(B, wire);
  const outcome = await raced;
  t.equal(outcome.wire, wire);
  t.match(outcome, { address: B });
  t.match(attempts.log.join(), /^try 192.0.2.1,try 192.0.2.2,/, "one after the other");
  t.match(attempts.log.join(), /drop 192.0.2.1/, "the loser is dropped");
  t.notMatch(attempts.log.join(), /drop 192.0.2.2/, "the winner is not");
});

t.test("a_failure_starts_the_next_at_once", async (t) => {
  const attempts = new Attempts();
  const raced = connectFirst([A, B], 1e9, attempts.attempt);
  attempts.settle(A, failure("refused"));
  await attempts.tried(B);
  attempts.settle(B, failure("unreachable"));
  t.same(await raced, { wire: null, failure: failure("unreachable") }, "the last failure is told");
  t.same(attempts.log, ["try 192.0.2.1", "try 192.0.2.2"]);
});

t.test("the_first_may_still_win", async (t) => {
  const attempts = new Attempts();
  const raced = connectFirst([A, B], 1, attempts.attempt);
  await attempts.tried(B);
  attempts.settle(B, failure("refused"));
  attempts.settle(A, new Wire(new PassThrough()));
  t.match(await raced, { address: A });
});

t.test("one_after_the_other", async (t) => {
  const attempts = new Attempts();
  const raced = connectFirst([A, B, C], 0, attempts.attempt);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  t.same(attempts.log, ["try 192.0.2.1"]);
  attempts.settle(A, failure("refused"));
  await attempts.tried(B);
  attempts.settle(B, new Wire(new PassThrough()));
  t.match(await raced, { address: B });
  t.same(attempts.log, ["try 192.0.2.1", "try 192.0.2.2"]);
});

t.test("two_that_connect_at_once", async (t) => {
  const attempts = new Attempts();
  const raced = connectFirst([A, B], 1, attempts.attempt);
  await attempts.tried(B);
  const [first, second] = [new Wire(new PassThrough()), new Wire(new PassThrough())];
  attempts.settle(B, first);
  attempts.settle(A, second);
  t.equal((await raced).wire, first);
  t.equal(second.stream.destroyed, true, "the second is closed");
  t.equal(first.stream.destroyed, false);
});

t.test("an_attempt_that_throws_ends_all", async (t) => {
  const attempts = new Attempts();
  const raced = connectFirst([A, B], 1, attempts.attempt);
  await attempts.tried(B);
  attempts.settle(B, new Error("a notifier threw"));
  await t.rejects(raced, { message: "a notifier threw" });
  t.match(attempts.log, ["try 192.0.2.1", "try 192.0.2.2", "drop 192.0.2.1"]);
});

t.test("no_address_to_try", async (t) => {
  const outcome = await connectFirst([], 1, new Attempts().attempt);
  t.same(outcome, { wire: null, failure: failure("no address") });
});

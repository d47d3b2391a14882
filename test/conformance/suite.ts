// What the suites have in common: how a run counts its cases.
import type { TestScope } from "../fixtures/server.js";

/** How much to run: what `npm test` has time for, or what the page reports. */
export type Extent = "short" | "full";

export interface Suite {
  /** What it is about, as the page calls it. */
  readonly name: string;
  /** Runs it, or says in a few words why it cannot be run here. */
  run(t: TestScope, extent: Extent): Promise<Tally | string>;
}

/** The count of one run. A case is exactly one of: passed, failed, explained, not applicable. */
export class Tally {
  passed = 0;
  /** What should have passed. */
  readonly failures: { readonly case: string; readonly reason: string }[] = [];
  /** Cases that end in another way on purpose, by the reason. */
  readonly explained = new Map<string, string[]>();
  /** Cases that ask for what the library does not claim to do, by the reason. */
  readonly notApplicable = new Map<string, string[]>();

  /** @param version what the cases come from, and its version */
  constructor(readonly version: string) {}

  get total(): number {
    const counts = [...this.explained.values(), ...this.notApplicable.values()];
    return counts.reduce((sum, names) => sum + names.length, this.passed + this.failures.length);
  }

  pass(): void {
    this.passed++;
  }

  fail(name: string, reason: string): void {
    this.failures.push({ case: name, reason });
  }

  explain(name: string, reason: string): void {
    listed(this.explained, reason).push(name);
  }

  skip(name: string, reason: string): void {
    listed(this.notApplicable, reason).push(name);
  }

  /** Passes if both are the same text. */
  equal(name: string, found: string | null, wanted: string | null): void {
    if (found === wanted) this.pass();
    else this.fail(name, `${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  }
}

function listed(map: Map<string, string[]>, reason: string): string[] {
  const names = map.get(reason) ?? [];
  map.set(reason, names);
  return names;
}

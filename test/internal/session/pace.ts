// internal/session/pace.ts: large blocks only after enough went out quickly, small ones at once
// where the line is slow, and never another size than the application counts.
import t from "tap";
import { Pace } from "../../../lib/internal/session/pace.js";

const SMALL = 128 * 1024;
const LARGE = 512 * 1024;
const MIB = 1024 * 1024;

t.test("blocks grow after 8 MiB that went out quickly, and not before", async (t) => {
  const pace = new Pace(null);
  t.equal(pace.step, SMALL);
  for (let sent = 0; sent < 8 * MIB; sent += pace.step) {
    t.equal(pace.step, SMALL);
    pace.took(pace.step, 0.1);
  }
  pace.took(pace.step, 0.1);
  t.equal(pace.step, LARGE);
});

t.test("one slow block makes the next ones small, and all has to be proved again", async (t) => {
  const pace = new Pace(null);
  pace.took(9 * MIB, 1);
  t.equal(pace.step, LARGE);
  pace.took(LARGE, 500);
  t.equal(pace.step, SMALL);
  pace.took(7 * MIB, 1);
  t.equal(pace.step, SMALL);
  pace.took(2 * MIB, 1);
  t.equal(pace.step, LARGE);
});

t.test("blocks that the application counts keep their size", async (t) => {
  const pace = new Pace(8192);
  t.equal(pace.step, 8192);
  pace.took(9 * MIB, 1);
  t.equal(pace.step, 8192);
});

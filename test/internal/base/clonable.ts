// Which userdata is a guest's record: the method decides, own or inherited.
import t from "tap";
import { cloneForSession, isGuest } from "../../../lib/internal/base/clonable.js";

t.test("guests", async (t) => {
  class Record {
    [cloneForSession](): null {
      return null;
    }
  }
  t.equal(isGuest(new Record()), true);
  t.equal(isGuest({ [cloneForSession]: () => null }), true);
  for (const userdata of [null, undefined, {}, "x", 7, () => {}, { cloneForSession: 1 }]) {
    t.equal(isGuest(userdata), false);
  }
});

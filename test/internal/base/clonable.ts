// Which userdata is a plugin's record: the method decides, own or inherited.
import t from "tap";
import { cloneForSession, isPlugin } from "../../../lib/internal/base/clonable.js";

t.test("plugins", async (t) => {
  class Record {
    [cloneForSession](): null {
      return null;
    }
  }
  t.equal(isPlugin(new Record()), true);
  t.equal(isPlugin({ [cloneForSession]: () => null }), true);
  for (const userdata of [null, undefined, {}, "x", 7, () => {}, { cloneForSession: 1 }]) {
    t.equal(isPlugin(userdata), false);
  }
});

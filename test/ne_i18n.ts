// Messages are English only.
import t from "tap";
import { ne_i18n_init } from "../lib/ne_i18n.js";

t.test("the call is accepted at any time", async (t) => {
  t.equal(ne_i18n_init(), undefined);
  t.equal(ne_i18n_init("UTF-8"), undefined);
  t.equal(ne_i18n_init(null), undefined);
});

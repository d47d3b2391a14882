// Which namespaces have names of conditions.
import t from "tap";
import { CALDAV, CARDDAV, isConditionSpace } from "../../../lib/internal/multistatus/condition_names.js";

t.test("conditions", async (t) => {
  t.equal(CALDAV, "urn:ietf:params:xml:ns:caldav");
  t.equal(CARDDAV, "urn:ietf:params:xml:ns:carddav");
  for (const nspace of ["DAV:", CALDAV, CARDDAV]) t.equal(isConditionSpace(nspace), true, nspace);
  for (const nspace of ["", "DAV", "dav:", "http://sabredav.org/ns", `${CALDAV}/`]) {
    t.equal(isConditionSpace(nspace), false, nspace);
  }
});

// internal/http/field_pairs.ts: fields are found whatever the case of their names.
import t from "tap";
import { firstValue, lastValue, type FieldPair } from "../../../lib/internal/http/field_pairs.js";

t.test("the first and the last of a name", async (t) => {
  const fields: FieldPair[] = [["ETag", '"1"'], ["X-A", ""], ["etag", '"2"'], ["ETAGS", "no"]];
  t.equal(firstValue(fields, "etag"), '"1"');
  t.equal(lastValue(fields, "etag"), '"2"');
  t.equal(firstValue(fields, "x-a"), "", "an empty value is a value");
  t.equal(firstValue(fields, "tag"), null);
  t.equal(lastValue([], "etag"), null);
});

// What relative references of a response are resolved against: the target of its request.
import t from "tap";
import { baseOf } from "../../../lib/internal/multistatus/reference_base.js";
import { ne_request_create, ne_request_destroy } from "../../../lib/ne_request.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { ne_uri_unparse } from "../../../lib/ne_uri.js";

t.test("bases", async (t) => {
  const sess = ne_session_create("http", "h.example", 8080);
  const rows: [target: string, base: string][] = [
    ["/a/b?c", "http://h.example:8080/a/b?c"],
    ["/", "http://h.example:8080/"],
    ["*", "http://h.example:8080"],
    ["/a%20b", "http://h.example:8080/a%20b"],
    ["/a|b", "http://h.example:8080/a|b"],
  ];
  for (const [target, base] of rows) {
    const req = ne_request_create(sess, "PROPFIND", target);
    t.equal(ne_uri_unparse(baseOf(sess, req)), base, target);
    ne_request_destroy(req);
  }
  ne_session_destroy(sess);
});

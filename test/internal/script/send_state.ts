// The URL of a step, as results and redirects show it.
import t from "tap";
import { urlOf, type Step } from "../../../lib/internal/script/send_state.js";
import { sessions } from "../../../lib/internal/session/session.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";

t.test("URLs", async (t) => {
  const rows: [scheme: string, host: string, port: number, target: string, url: string][] = [
    ["http", "h", 80, "/a?b", "http://h/a?b"],
    ["http", "h", 8080, "/a", "http://h:8080/a"],
    ["https", "h", 443, "/", "https://h/"],
    ["https", "h", 80, "/", "https://h:80/"],
    ["http", "::1", 80, "/a", "http://[::1]/a"],
    ["http", "::1", 81, "/a", "http://[::1]:81/a"],
    ["http", "fe80::1%lo", 81, "/a", "http://[fe80::1%lo]:81/a"],
    ["http", "h", 80, "*", "http://h/"],
    ["http", "h", 80, "http://other/x", "http://other/x"],
  ];
  for (const [scheme, host, port, target, url] of rows) {
    const sess = ne_session_create(scheme, host, port);
    t.equal(urlOf({ s: sessions.open(sess, "f"), target } as Step), url, `${host} ${target}`);
    ne_session_destroy(sess);
  }
});

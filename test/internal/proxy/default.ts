// The default proxy: one setting for the process, brought with what applies it.
import t from "tap";
import { defaultProxy, setDefaultProxy } from "../../../lib/internal/proxy/default.js";
import { ne_session_create, ne_session_destroy } from "../../../lib/ne_session.js";
import { nx_get_default_proxy, nx_set_default_proxy } from "../../../lib/nx_proxy.js";

t.test("no default at first, then the last one set", async (t) => {
  t.equal(defaultProxy(), null);
  const setting = { proxy: {}, attach: () => {} };
  setDefaultProxy(setting);
  t.equal(defaultProxy(), setting);
  setDefaultProxy(null);
  t.equal(defaultProxy(), null);
});

t.test("a new session is given to it, once", async (t) => {
  const seen: unknown[] = [];
  setDefaultProxy({ proxy: {}, attach: (sess) => void seen.push(sess) });
  t.teardown(() => setDefaultProxy(null));
  const sess = ne_session_create("http", "localhost", 80);
  t.strictSame(seen.length, 1);
  t.equal(seen[0], sess);
  setDefaultProxy(null);
  ne_session_destroy(ne_session_create("http", "localhost", 80));
  t.equal(seen.length, 1);
  ne_session_destroy(sess);
});

t.test("the public setting stands here", async (t) => {
  t.teardown(() => nx_set_default_proxy(null));
  const proxy = { scheme: "http", host: "proxy.example", port: 3128 } as const;
  nx_set_default_proxy(proxy);
  t.equal(defaultProxy()?.proxy, proxy);
  t.equal(nx_get_default_proxy(), proxy);
  nx_set_default_proxy(null);
  t.equal(defaultProxy(), null);
});

// Whether a target is on a server decides who is given its password: what cannot be told is not.
import t from "tap";
import { isOnOrigin } from "../../../lib/internal/http/target_origin.js";

const origin = { scheme: "http", host: "Host.example", port: 80 };

t.test("targets of this server", async (t) => {
  const targets = ["/", "*", "/a:b", "//other.example/", "", "http://host.example/",
    "HTTP://HOST.EXAMPLE:80/x", "http://host.example", "http://me:pw@host.example/"];
  for (const target of targets) t.equal(isOnOrigin(target, origin), true, target);
  t.equal(isOnOrigin("https://h/", { scheme: "https", host: "h", port: 443 }), true);
  t.equal(isOnOrigin("http://[::1]:81/", { scheme: "http", host: "[::1]", port: 81 }), true);
});

t.test("targets of others", async (t) => {
  const targets = ["https://host.example/", "http://host.example:81/", "http://host.example.evil/",
    "http://evil/", "http://host.example@evil/", "http://evil/http://host.example/",
    "x:/", "http:/", "http://[::1/", "file:///etc"];
  for (const target of targets) t.equal(isOnOrigin(target, origin), false, target);
});

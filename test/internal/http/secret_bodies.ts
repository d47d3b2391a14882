// Secrets in bodies of each kind, whole and cut off.
import t from "tap";
import { hideInBody } from "../../../lib/internal/http/secret_bodies.js";

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json; charset=utf-8";

t.test("bodies", async (t) => {
  const rows: [type: string | null, body: string, shown: string][] = [
    [FORM, "grant_type=password&user=me&password=a%26b", "grant_type=password&user=me&password=…"],
    [FORM, "client%5Fsecret=x&password=", "client%5Fsecret=…&password="],
    [null, "a=1&refresh_token=zzz", "a=1&refresh_token=…"],
    [null, "no form = token=zzz here", "no form = token=zzz here"],
    [JSON_TYPE, "{\"user\": \"me\", \"password\" : \"p\\\"w\", \"n\": 1}",
      "{\"user\": \"me\", \"password\" : \"…\", \"n\": 1}"],
    [JSON_TYPE, "{\"pin\":1234,\"ok\":true,\"token\":null}",
      "{\"pin\":\"…\",\"ok\":true,\"token\":null}"],
    ["application/vnd.x+json", "[{\"accessToken\":\"a\"},{\"b\":\"c\"}]",
      "[{\"accessToken\":\"…\"},{\"b\":\"c\"}]"],
    [JSON_TYPE, "{\"credentials\":{\"a\":\"x\",\"b\":[\"y\",{\"c\":\"z\"}]},\"d\":\"e\"}",
      "{\"credentials\":{\"a\":\"…\",\"b\":[\"…\",{\"c\":\"…\"}]},\"d\":\"e\"}"],
    [JSON_TYPE, "{\"p\\u0061ssword\":\"x\"}", "{\"p\\u0061ssword\":\"…\"}"],
    [JSON_TYPE, "{\"secret\":\"cut o", "{\"secret\":\"…\""],
    [JSON_TYPE, "{\"secret\":\"cut\\", "{\"secret\":\"…\""],
    [JSON_TYPE, "{\"next\":\"https://u:p@h/?sig=1\"}", "{\"next\":\"https://…@h/?sig=…\"}"],
    [null, " {\"token\":\"x\"}", " {\"token\":\"…\"}"],
    ["multipart/form-data; boundary=b",
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nplain\r\n" +
      "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nse\r\ncret\r\n--b--\r\n",
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nplain\r\n" +
      "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n…\r\n--b--\r\n"],
    ["application/xml", "<a><user>me</user><x:password>p</x:password></a>",
      "<a><user>me</user><x:password>…</x:password></a>"],
    ["text/xml",
      "<D:locktoken><D:href>urn:uuid:1</D:href></D:locktoken><D:href>/a</D:href><D:locktoken/>",
      "<D:locktoken><D:href>…</D:href></D:locktoken><D:href>/a</D:href><D:locktoken/>"],
    ["text/xml", "<D:sync-token>urn:7</D:sync-token>", "<D:sync-token>urn:7</D:sync-token>"],
    [null, "<token>cut", "<token>…"],
    ["text/plain", "hello", "hello"],
    ["text/plain", "curl -u x http://a:b@c/", "curl -u x http://…@c/"],
    [null, "", ""],
  ];
  for (const [type, body, shown] of rows) t.equal(hideInBody(type, body), shown, body);
});

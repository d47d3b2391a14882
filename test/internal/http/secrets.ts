// What is secret: tables of names and of text, each with what may be shown.
import t from "tap";
import {
  hideInField,
  hideInHead,
  hideInText,
  hideValues,
  isSecretField,
  isSecretName,
  isSecretParameter,
  secretValues,
} from "../../../lib/internal/http/secrets.js";

t.test("fields", async (t) => {
  const secret = ["Authorization", "proxy-authorization", "Authentication-Info", "Cookie",
    "Set-Cookie", "Cookie2", "If", "Lock-Token", "X-Api-Key", "apikey", "X-Auth-Token",
    "PRIVATE-TOKEN", "X-Vault-Token", "requesttoken", "X-CSRF-Token", "X-XSRF-TOKEN", "DPoP",
    "X-JWT-Assertion", "X-OTP", "X-TOTP", "X-MFA", "X-Amz-Security-Token", "X-Amz-Credential",
    "X-Hub-Signature-256", "Signature", "Ocp-Apim-Subscription-Key", "X-Functions-Key",
    "x-amz-server-side-encryption-customer-key", "X-Password", "X-Passphrase", "X-Pwd",
    "X-WSSE", "Session-Id", "X-Client-Secret", "X-Auth", "X-Ticket", "X-Pin", "X-Sig"];
  for (const name of secret) t.equal(isSecretField(name), true, name);
  const open = ["Accept", "Host", "User-Agent", "WWW-Authenticate", "Proxy-Authenticate", "ETag",
    "If-Match", "If-None-Match", "Depth", "Destination", "Timeout", "Content-Type", "Author",
    "X-Authors", "Keep-Alive", "Range", "Date", "Server", "Digest", "Sync-Token",
    "X-Requested-With", "X-Page-Token", "Overwrite", "Passed-By", "X-Design", "Monkey", "Origin"];
  for (const name of open) t.equal(isSecretField(name), false, name);
});

t.test("parameters and members", async (t) => {
  for (const name of ["access_token", "accessToken", "refresh%5Ftoken", "sig", "Signature",
    "password", "passwd", "pwd", "client_secret", "clientSecret", "api_key", "apiKey", "key",
    "code", "code_verifier", "X-Amz-Signature", "X-Amz-Credential", "jsessionid", "PHPSESSID",
    "sid", "otp", "SAMLResponse", "client_assertion", "authToken", "pass", "privateKey"]) {
    t.equal(isSecretParameter(name), true, name);
  }
  for (const name of ["q", "page", "pageToken", "continuation-token", "sync-token", "author",
    "keyword", "size", "token_type", "expires", "bypass", "design", "username"]) {
    t.equal(isSecretParameter(name), false, name);
  }
  t.equal(isSecretName("key"), false, "a member called key names anything");
  t.equal(isSecretName("code"), false);
  t.equal(isSecretName("locktoken"), true);
  t.equal(isSecretName("lock-token-submitted"), false, "a condition of RFC 4918");
});

t.test("text", async (t) => {
  const rows: [text: string, shown: string][] = [
    ["http://me:pw@example.com/x", "http://…@example.com/x"],
    ["see https://ghp_12345@h/ and http://h2/", "see https://…@h/ and http://h2/"],
    ["http://me:p@ss@h/", "http://…@h/"],
    ["//me:pw@h/p", "//…@h/p"],
    ["/dir//at@home/x", "/dir//at@home/x"],
    ["mailto:me@example.com", "mailto:me@example.com"],
    ["/x?a=1&access_token=abc&b=2", "/x?a=1&access_token=…&b=2"],
    ["/x?sig=a%2Bb#access_token=zz", "/x?sig=…#access_token=…"],
    ["/x;jsessionid=1F2E?y=1", "/x;jsessionid=…?y=1"],
    ["/x?access_token=", "/x?access_token="],
    ["(<opaquelocktoken:aa-bb> [\"e\"])", "(<opaquelocktoken:…> [\"e\"])"],
    ["sent Bearer abcdefghijk.", "sent Bearer …"],
    ["Basic realm=\"x\"", "Basic realm=\"x\""],
    ["id eyJhbGciOiJI.eyJzdWIi.c2ln end", "id … end"],
    ["404 Not Found", "404 Not Found"],
  ];
  for (const [text, shown] of rows) t.equal(hideInText(text), shown, text);
});

t.test("heads", async (t) => {
  const head = "GET http://u:p@h/?token=1234 HTTP/1.1\r\nHost: h\r\nX-Api-Key:  abc \r\n" +
    "Authorization: Basic\r\n dXNlcg==\r\nAccept: */*\r\nCookie: \r\nLocation: /?sig=x\r\n\r\n";
  const shown = "GET http://…@h/?token=… HTTP/1.1\r\nHost: h\r\nX-Api-Key: …\r\n" +
    "Authorization: …\r\nAccept: */*\r\nCookie: \r\nLocation: /?sig=…\r\n\r\n";
  t.equal(hideInHead(head), shown);
  const crosses = (secret: string): string => "x".repeat(secret.length);
  t.equal(hideInHead("a: b\nLock-Token: <x:1>\n", crosses), "a: b\nLock-Token: xxxxx\n");
  t.equal(hideInField("Cookie", "a=b"), "…");
  t.equal(hideInField("Location", "/?key=1"), "/?key=…");
  t.equal(hideInField("Cookie", ""), "");
});

t.test("values that come back", async (t) => {
  const login = Buffer.from("aladdin:open sesame<&").toString("base64");
  const head = `GET /a?access_token=tok%2F123456 HTTP/1.1\r\nAuthorization: Basic ${login}\r\n` +
    "Cookie: sid=cookie-value; b=12\r\nIf: (<opaquelocktoken:lock-1>)\r\nX-Api-Key: k1\r\n" +
    "User-Agent: agent\r\n\r\n";
  const values = secretValues(head);
  const gone = [login, "open sesame<&", "open sesame&lt;&amp;", "open%20sesame%3C%26",
    "tok/123456", "tok%2F123456", "cookie-value", "opaquelocktoken:lock-1"];
  for (const secret of gone) {
    t.equal(hideValues(`it was ${secret}, sorry`, values), "it was …, sorry", secret);
  }
  t.equal(hideValues("key k1, not k12 or ak1", values), "key …, not k12 or ak1");
  t.equal(hideValues("agent", values), "agent");
  t.equal(hideValues("xabcdefghx abcdefg", ["abcdefgh", "bcdefg"]), "x…x abcdefg", "8 are no word");
  t.equal(hideValues('{"p":"a\\"b"}', ['a"b']), '{"p":"…"}', "as JSON writes it");
  t.equal(hideValues("nothing", []), "nothing");
  t.equal(hideValues("a.b axb", ["a.b"]), "… axb", "a value is no pattern");
  t.equal(hideValues("\ud800 x", ["\ud800"]), "\ud800 x", "half a pair is no failure");
});

t.test("the password in a target is a value of its own", async (t) => {
  const values = secretValues("GET http://me:hunter:2@h/ HTTP/1.1\r\nHost: h\r\n\r\n");
  t.same(values, ["me:hunter:2", "hunter:2"]);
  t.same(secretValues("GET http://h/?token=Bearer+abc%2Fdef HTTP/1.1\r\n\r\n"), [
    "Bearer+abc%2Fdef",
    "Bearer abc/def",
    "abc/def",
  ]);
});

t.test("long text takes time in proportion", async (t) => {
  for (const piece of ["a", "//a:", "?a", "a=", "&a=b", "eyJ", "Bearer a", "opaquelocktoken:"]) {
    const text = piece.repeat(Math.ceil(200_000 / piece.length));
    const begun = process.cpuUsage().user;
    hideInText(text);
    hideInHead(text);
    t.ok(process.cpuUsage().user - begun < 5_000_000, piece);
  }
});

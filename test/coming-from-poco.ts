// docs/coming-from-poco.md promises a row for each member of Poco's sessions, and an example for
// each row: the members are listed here, the examples are run. Needs the build.
import { fileURLToPath } from "node:url";
import t from "tap";
import { readText } from "./fixtures/sources.js";

/** Public and protected members of Poco 1.14 and 1.15. */
const MEMBERS = {
  HTTPClientSession: [
    ["HTTPClientSession()", "HTTPClientSession(socket)", "HTTPClientSession(address)"],
    ["HTTPClientSession(host, port)", "HTTPClientSession(host, port, proxyConfig)"],
    ["HTTPClientSession(socket, proxyConfig)", "~HTTPClientSession"],
    ["setHost", "getHost", "setPort", "getPort", "setSourceAddress", "getSourceAddress"],
    ["getSourceAddress4", "getSourceAddress6", "setProxy", "setProxyHost", "setProxyPort"],
    ["setProxyProtocol", "setProxyTunnel", "getProxyHost", "getProxyPort", "getProxyProtocol"],
    ["isProxyTunnel", "setProxyCredentials", "setProxyUsername", "getProxyUsername"],
    ["setProxyPassword", "getProxyPassword", "setProxyConfig", "getProxyConfig"],
    ["setGlobalProxyConfig", "getGlobalProxyConfig", "setKeepAliveTimeout"],
    ["getKeepAliveTimeout", "sendRequest", "receiveResponse", "peekResponse", "flushRequest"],
    ["reset", "secure", "bypassProxy", "clientAddress", "serverAddress", "reconnect"],
    ["sendRequestImpl", "proxyRequestPrefix", "mustReconnect", "proxyAuthenticate"],
    ["proxyAuthenticateImpl", "proxyAuthenticateDigest", "proxyAuthenticateNTLM"],
    ["sendChallengeRequest", "proxyConnect", "proxyTunnel", "_proxySessionFactory"],
    ["DEFAULT_KEEP_ALIVE_TIMEOUT", "ProxyConfig::authMethod", "ProxyConfig::nonProxyHosts"],
  ].flat(),
  HTTPSession: [
    ["HTTPSession()", "HTTPSession(socket)", "HTTPSession(socket, keepAlive)", "~HTTPSession"],
    ["HTTP_PORT", "setKeepAlive", "getKeepAlive", "setTimeout", "getTimeout"],
    ["setConnectTimeout", "getConnectTimeout", "setSendTimeout", "getSendTimeout"],
    ["setReceiveTimeout", "getReceiveTimeout", "connected", "abort", "networkException"],
    ["attachSessionData", "sessionData", "detachSocket", "socket", "drainBuffer"],
    ["requestTrailer", "responseTrailer", "clientAddress", "serverAddress", "get", "peek"],
    ["read", "write", "receive", "buffered", "refill", "connect(address)"],
    ["connect(target, source)", "attachSocket", "close", "setException", "clearException"],
  ].flat(),
};

interface Row {
  title: string;
  member: string;
  here: string;
  example: string;
}

function rows(): Row[] {
  const found: Row[] = [];
  let title = "";
  for (const line of readText("docs/coming-from-poco.md").split("\n")) {
    if (line.startsWith("## ")) title = line.slice(3);
    const cells = line.split("|").map((cell) => cell.trim());
    const example = /^`(\w+)`$/.exec(cells[3] ?? "")?.[1];
    if (example === undefined) continue;
    const member = /^`(.*)`$/.exec(cells[1] ?? "")?.[1] ?? cells[1] ?? "";
    found.push({ title, member, here: cells[2] ?? "", example });
  }
  return found;
}

type Play = (stage: unknown) => Promise<void>;

const EXAMPLES = fileURLToPath(new URL("../dist/examples/poco.js", import.meta.url));

t.test("every member has its row", async (t) => {
  for (const [title, members] of Object.entries(MEMBERS)) {
    const listed = rows().filter((row) => row.title === title);
    for (const member of members) {
      t.ok(listed.some((row) => row.member === member), `${title}: ${member}`);
    }
    for (const { member, here } of listed) {
      t.not(here, "", `${member} has an answer`);
      t.ok(members.includes(member) || !/^[\w~]+$/.test(member), `${member} is Poco's`);
    }
  }
});

t.test("every row has an example that runs", async (t) => {
  const module = (await import(EXAMPLES)) as Record<string, Play>;
  const { playRow, ...examples } = module;
  if (playRow === undefined) return void t.fail("playRow");
  const wanted = new Set(rows().map(({ example }) => example));
  t.strictSame(Object.keys(examples).sort(), [...wanted].sort(), "no example is left over");
  for (const name of wanted) {
    const example = examples[name];
    if (example === undefined) continue;
    await t.test(name, async (t) => {
      await playRow(example);
      t.pass("it does what it says");
    });
  }
});

t.test("names of this library in the table are names of it", async (t) => {
  const exported = await import("../lib/index.js");
  for (const { here } of rows()) {
    for (const [name] of here.matchAll(/\b(?:ne|nx|NE)_\w+/g)) t.ok(name in exported, name);
  }
});

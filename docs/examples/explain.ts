// The report of a failure as text that a person reads.
import type { nx_failure, nx_phase } from "libneon/nx_trace";

const DOING: Readonly<Record<nx_phase, string>> = {
  queue: "waiting for its turn",
  lookup: "looking up the host name",
  connect: "connecting",
  proxy: "talking to the proxy",
  handshake: "shaking hands (TLS)",
  verify: "judging the certificate",
  send: "sending the request",
  wait: "waiting for the answer",
  head: "reading the head of the answer",
  body: "reading the body of the answer",
  auth: "logging in",
  parse: "reading the content",
  callback: "running a callback of the program",
};

/** Characters of a proxy's page that are shown. */
const MAX_TEXT = 200;

/** Lines for a terminal; everything that came from a peer is printable. */
export function explain(failure: nx_failure): string[] {
  const { tls, tunnel, dav, timings } = failure;
  const lines: [what: string, text: string][] = [
    ["failed while", DOING[failure.phase]],
    ["error", failure.error],
    ["origin", failure.origin],
    ["proxy", failure.proxy ?? ""],
    ...failure.addresses.map(({ address, error }): [string, string] => [
      "tried",
      `${address}: ${error ?? "connected"}`,
    ]),
    ["TLS", tls === null ? "" : describeTls(tls)],
    ["bytes", `${failure.sent} sent, ${failure.received} received`],
    ["tunnel", tunnel === null ? "" : `${tunnel.status} ${tunnel.reason}: ${tunnel.text}`],
    ["WebDAV", dav === null ? "" : describeDav(dav)],
    ["repeated", failure.retry],
    ["time", timings === null ? "" : `${(timings.total * 1000).toFixed(1)} ms`],
  ];
  const shown = lines.filter(([, text]) => text !== "");
  const width = Math.max(...shown.map(([what]) => what.length));
  return shown.map(([what, text]) => `${what.padEnd(width)}  ${oneLine(text)}`);
}

function oneLine(text: string): string {
  const line = text.replace(/[\0-\x1f\x7f-\x9f\s]+/g, " ").trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

function describeTls({ protocol, cipher, failures }: NonNullable<nx_failure["tls"]>): string {
  const parts = [protocol ?? "no connection yet", cipher ?? ""];
  if (failures !== 0) parts.push(`the certificate is refused (0x${failures.toString(16)})`);
  return parts.filter((part) => part !== "").join(", ");
}

function describeDav(dav: NonNullable<nx_failure["dav"]>): string {
  const { path, status, condition, description } = dav;
  return [path, status, condition, description].filter((part) => part !== null).join(", ");
}

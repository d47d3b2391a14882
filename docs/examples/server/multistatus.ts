// 207 Multi-Status documents of the demo's server, streamed: the next part is made when the
// connection has taken the last.

import { STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { answer, type Exchange, hrefOf, writeHead } from "./share.js";
import { escapeXml, XML_DECLARATION, XML_TYPE } from "./xml.js";

const PART_CHARS = 32 * 1024;
const OPENING = `${XML_DECLARATION}<D:multistatus xmlns:D="DAV:">\n`;
const CLOSING = "</D:multistatus>\n";

/** A resource for which a method failed. */
export interface Failure {
  path: string;
  collection: boolean;
  status: number;
}

/** A status as it stands in a multistatus document. */
export function statusElement(status: number): string {
  return `<D:status>HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}</D:status>`;
}

/** Answers 207 with the failures. */
export function answerFailures(x: Exchange, failures: readonly Failure[]): void {
  const responses = failures.map(
    ({ path, collection, status }) =>
      `<D:response><D:href>${escapeXml(hrefOf(path, collection))}</D:href>` +
      `${statusElement(status)}</D:response>\n`,
  );
  answer(x, 207, { "Content-Type": XML_TYPE }, OPENING + responses.join("") + CLOSING);
}

/** Answers 207 with response elements as they come. */
export async function streamMultistatus(
  x: Exchange,
  responses: AsyncIterable<string>,
  trailer = "",
): Promise<void> {
  writeHead(x, 207, { "Content-Type": XML_TYPE });
  await pipeline(Readable.from(inParts(responses, trailer)), x.res);
}

async function* inParts(responses: AsyncIterable<string>, trailer: string): AsyncIterable<string> {
  let part = OPENING;
  for await (const response of responses) {
    part += response;
    if (part.length < PART_CHARS) continue;
    yield part;
    part = "";
  }
  yield part + trailer + CLOSING;
}

// The matrix of docs/servers.md: one set of WebDAV operations with awkward names over real servers.
// Each column of the page is held against what its server does now; `npm run servers` writes the
// page anew. A server that is not installed is skipped, with a word about it.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import t, { type Test } from "tap";
import { startDavServer } from "../docs/examples/server/server.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../lib/ne_session.js";
import { ROWS, runMatrix } from "./fixtures/matrix.js";
import { startApache } from "./fixtures/real/apache.js";
import { startHaproxy } from "./fixtures/real/haproxy.js";
import { startLighttpd } from "./fixtures/real/lighttpd.js";
import { nginxHasDavExt, startNginx } from "./fixtures/real/nginx.js";
import { startRclone } from "./fixtures/real/rclone.js";
import { startSabre } from "./fixtures/real/sabre.js";
import { startTomcat } from "./fixtures/real/tomcat.js";
import { ROOT } from "./fixtures/sources.js";

interface Target {
  port: number;
  /** A collection to work in. */
  at: string;
}

const SERVERS: Record<string, (t: Test) => Promise<Target | null>> = {
  "the examples' own": async (t) => {
    const server = await startDavServer();
    t.teardown(() => server.close());
    return { port: server.port, at: "/" };
  },
  "Apache mod_dav": async (t) => at("/dav/", await startApache(t)),
  "nginx dav-ext": async (t) => (nginxHasDavExt() ? at("/dav/", await startNginx(t)) : null),
  "lighttpd mod_webdav": async (t) => at("/dav/", await startLighttpd(t)),
  "sabre/dav": async (t) => at("/", await startSabre(t, "files")),
  rclone: async (t) => at("/", await startRclone(t)),
  "Tomcat 10": async (t) => at("/", await startTomcat(t)),
  "Apache behind HAProxy": async (t) => {
    const server = await startApache(t);
    return server === null ? null : at("/dav/", await startHaproxy(t, server.port));
  },
};

function at(collection: string, server: { port: number } | null): Target | null {
  return server === null ? null : { port: server.port, at: collection };
}

const PAGE = path.join(ROOT, "docs/servers.md");
const TABLE = /(?<=<!-- matrix: begin -->)[^]*(?=<!-- matrix: end -->)/;

/** The columns of the page, by server, each cell by its operation. */
function columnsOf(page: string): Map<string, Map<string, string>> {
  const rows = (TABLE.exec(page)?.[0] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "));
  const columns = new Map<string, Map<string, string>>();
  for (const [column, server] of (rows[0] ?? []).entries()) {
    const cells = rows.slice(2).map((row) => [row[0] ?? "", row[column] ?? ""] as const);
    if (column > 0) columns.set(server, new Map(cells));
  }
  return columns;
}

function tableOf(columns: Map<string, Map<string, string>>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  const body = ROWS.map((row) =>
    line([row, ...[...columns.values()].map((column) => column.get(row) ?? "")]),
  );
  const head = ["operation", ...columns.keys()];
  return line(head) + line(head.map(() => "---")) + body.join("");
}

const page = readFileSync(PAGE, "utf8");
const columns = columnsOf(page);
const isWriting = process.env["NEON_WRITE_PAGES"] === "1";

for (const [name, start] of Object.entries(SERVERS)) {
  t.test(name, async (t) => {
    const target = await start(t);
    if (target === null) return t.comment(`skipped: ${name} is not installed`);
    const session = (): ne_session => {
      const sess = ne_session_create("http", "127.0.0.1", target.port);
      t.teardown(() => ne_session_destroy(sess));
      return sess;
    };
    const cells = await runMatrix(session(), session(), target.at);
    if (isWriting) columns.set(name, cells);
    for (const row of ROWS) t.equal(cells.get(row), columns.get(name)?.get(row), row);
  });
}

t.test("the page has every server", async (t) => {
  t.strictSame([...columns.keys()], Object.keys(SERVERS));
  if (isWriting) writeFileSync(PAGE, page.replace(TABLE, () => `\n\n${tableOf(columns)}\n`));
});

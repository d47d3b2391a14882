// The tables of docs/servers.md: WebDAV operations with awkward names, and those of calendars and
// address books, over real servers. Each column of the page is held against what its server does
// now; `npm run servers` writes the page anew. A server that is not installed is skipped, with a
// word about it.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import t, { type Test } from "tap";
import { startDavServer } from "../docs/examples/server/server.js";
import { ne_session_create, ne_session_destroy, type ne_session } from "../lib/ne_session.js";
import { NE_AUTH_DEFAULT } from "../lib/ne_auth.js";
import { nx_set_credentials } from "../lib/nx_auth.js";
import { GROUPWARE_ROWS, runGroupware } from "./fixtures/groupware.js";
import { ROWS, runMatrix } from "./fixtures/matrix.js";
import { startApache } from "./fixtures/real/apache.js";
import { startRadicale, startXandikos } from "./fixtures/real/groupware.js";
import { startHaproxy } from "./fixtures/real/haproxy.js";
import { PASSWORD, USER } from "./fixtures/real/launch.js";
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

type Servers = Record<string, (t: Test) => Promise<Target | null>>;

const SERVERS: Servers = {
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

/** Servers of calendars and address books, for USER and PASSWORD. */
const GROUPWARE: Servers = {
  Radicale: async (t) => at("/", await startRadicale(t)),
  xandikos: async (t) => at("/", await startXandikos(t)),
  "sabre/dav": async (t) => at("/", await startSabre(t, "groupware")),
};

function at(collection: string, server: { port: number } | null): Target | null {
  return server === null ? null : { port: server.port, at: collection };
}

const PAGE = path.join(ROOT, "docs/servers.md");

/** One table of the page: which servers, and how its cells are found out. */
interface Table {
  readonly name: string;
  readonly servers: Servers;
  readonly rows: readonly string[];
  run(session: () => ne_session, target: Target): Promise<Map<string, string>>;
}

const TABLES: readonly Table[] = [
  {
    name: "matrix",
    servers: SERVERS,
    rows: ROWS,
    run: (session, target) => runMatrix(session(), session(), target.at),
  },
  {
    name: "groupware",
    servers: GROUPWARE,
    rows: GROUPWARE_ROWS,
    run: (session) => {
      const sess = session();
      nx_set_credentials(sess, NE_AUTH_DEFAULT, USER, PASSWORD);
      return runGroupware(sess);
    },
  },
];

function tableIn(name: string): RegExp {
  return new RegExp(`(?<=<!-- ${name}: begin -->)[^]*(?=<!-- ${name}: end -->)`);
}

/** The columns of a table of the page, by server, each cell by its operation. */
function columnsOf(page: string, name: string): Map<string, Map<string, string>> {
  const rows = (tableIn(name).exec(page)?.[0] ?? "")
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

function textOf(columns: Map<string, Map<string, string>>, rows: readonly string[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  const body = rows.map((row) =>
    line([row, ...[...columns.values()].map((column) => column.get(row) ?? "")]),
  );
  const head = ["operation", ...columns.keys()];
  return line(head) + line(head.map(() => "---")) + body.join("");
}

const isWriting = process.env["NEON_WRITE_PAGES"] === "1";

for (const table of TABLES) {
  const columns = columnsOf(readFileSync(PAGE, "utf8"), table.name);

  for (const [name, start] of Object.entries(table.servers)) {
    t.test(`${table.name}: ${name}`, async (t) => {
      const target = await start(t);
      if (target === null) return t.comment(`skipped: ${name} is not installed`);
      const session = (): ne_session => {
        const sess = ne_session_create("http", "127.0.0.1", target.port);
        t.teardown(() => ne_session_destroy(sess));
        return sess;
      };
      const cells = await table.run(session, target);
      if (isWriting) columns.set(name, cells);
      for (const row of table.rows) t.equal(cells.get(row), columns.get(name)?.get(row), row);
    });
  }

  t.test(`${table.name}: the page has every server`, async (t) => {
    t.strictSame([...columns.keys()], Object.keys(table.servers));
    if (!isWriting) return;
    const text = textOf(columns, table.rows);
    const page = readFileSync(PAGE, "utf8");
    writeFileSync(PAGE, page.replace(tableIn(table.name), () => `\n\n${text}\n`));
  });
}

// The house has floors: a module imports only what stands on a lower floor, or to its left on its
// own, types too. The list below is the architecture; to change it is a decision.
import path from "node:path";
import t from "tap";
import ts from "typescript";
import { filesBelow, readText } from "../fixtures/sources.js";

/** From the ground up; a name that ends in "/" is a room. */
const FLOORS = [
  [
    ["internal/base/"],
    ["ne_defs", "ne_alloc", "ne_md5", "ne_string", "ne_dates", "ne_uri", "ne_utils", "ne_i18n"],
  ].flat(),
  [
    ["internal/uri/", "internal/http/", "internal/proxy/", "internal/asn1/", "internal/tls/"],
    ["internal/auth/", "internal/xml/", "ne_xml"],
  ].flat(),
  ["internal/wire/", "ne_ssl", "ne_socket"],
  ["internal/session/", "ne_session", "ne_request"],
  ["internal/plugins/", "ne_redirect", "ne_auth", "ne_compress"],
  [
    ["internal/multistatus/", "internal/dav/"],
    ["ne_xmlreq", "ne_207", "ne_basic", "ne_props", "ne_locks", "ne_acl3744", "ne_acl"],
  ].flat(),
  [
    ["internal/script/nx_error"],
    ["nx_session", "nx_stream", "nx_proxy", "nx_auth", "nx_cookies"],
    ["internal/resources/", "internal/script/", "nx_script", "nx_dav"],
    ["internal/locks/", "nx_locks"],
    ["internal/trace/", "nx_trace"],
    ["internal/transfer/", "nx_transfer"],
    ["index"],
  ].flat(),
] as const;

/** What may speak to the network: floor 2 alone. */
const NETWORK = /^(node:)?(net|tls|dns|dns\/promises|dgram|http|https|http2)$/;

/** Ways from the plugins into the conversation, each with its reason in the module it leads to. */
const DOORS = [
  ...[
    ["internal/plugins/login", "internal/plugins/login_state"],
    ["ne_auth", "ne_compress", "ne_props", "ne_xmlreq"],
  ]
    .flat()
    .map((from) => `${from}.ts to internal/session/plugin_access.ts`),
  ...["internal/dav/acl_request", "internal/dav/lock_method", "ne_basic", "ne_props"].map(
    (from) => `${from}.ts to internal/session/create_request.ts`,
  ),
  ...[
    ["internal/plugins/login", "internal/multistatus/outcome_reader"],
    ["internal/multistatus/response_document"],
    ["internal/dav/lock_method", "ne_compress", "ne_xmlreq", "ne_basic", "ne_props", "ne_locks"],
  ]
    .flat()
    .map((from) => `${from}.ts to internal/session/failed_response.ts`),
];

interface Place {
  floor: number;
  at: number;
  name: string;
}

/** Where a module stands, or `null` for one that has no place. */
function placeOf(file: string): Place | null {
  const name = file.replace(/\.ts$/, "");
  for (const [floor, places] of FLOORS.entries()) {
    const at = places.findIndex((p) => (p.endsWith("/") ? name.startsWith(p) : name === p));
    if (at >= 0) return { floor, at, name: places[at] as string };
  }
  return null;
}

const files = filesBelow("lib", ".ts");
const imports = new Map(
  files.map((file) => {
    const { importedFiles } = ts.preProcessFile(readText(`lib/${file}`));
    return [file, importedFiles.map(({ fileName }) => fileName)];
  }),
);

/** The project's own modules that one imports. */
function neighbours(file: string): string[] {
  return (imports.get(file) ?? [])
    .filter((name) => name.startsWith("."))
    .map((name) => path.posix.join(path.posix.dirname(file), name).replace(/\.js$/, ".ts"));
}

t.test("every module has a place", async (t) => {
  t.ok(files.length > 0);
  for (const file of files) t.ok(placeOf(file), `lib/${file}`);
});

t.test("docs/architecture.md shows every room where it is", async (t) => {
  const [, picture = ""] = /^## Floors[^]*?^```text\n([^]*?)^```/m.exec(
    readText("docs/architecture.md"),
  ) ?? [];
  for (const [floor, places] of FLOORS.entries()) {
    const [shown = ""] = new RegExp(`^${floor}  [^]*?(?=^\\d|$(?![^]))`, "m").exec(picture) ?? [];
    const words = shown.split(/\s+/);
    for (const name of places.filter((place) => place.startsWith("internal/"))) {
      t.ok(words.includes(name.slice("internal/".length)), `${name} on floor ${floor}`);
    }
  }
});

t.test("imports go down, or to the left", async (t) => {
  for (const file of files) {
    const from = placeOf(file);
    for (const wanted of neighbours(file)) {
      const to = placeOf(wanted);
      if (from === null || to === null) continue;
      // the files of one room may see each other
      const allowed = to.floor < from.floor || (to.floor === from.floor && to.at <= from.at);
      t.ok(allowed, `${file} imports ${wanted}`);
    }
  }
});

t.test("no import leads back to where it began", async (t) => {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) return void t.fail([...trail, file].join(" imports "));
    if (done.has(file)) return;
    for (const next of neighbours(file)) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  t.equal(done.size >= files.length, true);
});

t.test("plugins and WebDAV see a conversation only as any program could", async (t) => {
  for (const file of files) {
    const from = placeOf(file);
    if (from === null || (from.floor !== 4 && from.floor !== 5)) continue;
    for (const wanted of neighbours(file)) {
      const to = placeOf(wanted);
      const inside = wanted.startsWith("internal/") && (to?.floor === 2 || to?.floor === 3);
      const hidden = inside && !DOORS.includes(`${file} to ${wanted}`);
      t.notOk(hidden, `${file} imports ${wanted}`);
    }
  }
});

t.test("only the wire speaks to the network, and nothing is installed", async (t) => {
  for (const [file, names] of imports) {
    for (const name of names.filter((name) => !name.startsWith("."))) {
      t.match(name, /^node:/, `${file} imports ${name}: Node's own modules only`);
      if (NETWORK.test(name)) t.equal(placeOf(file)?.floor, 2, `${file} imports ${name}`);
    }
  }
  const manifest = JSON.parse(readText("package.json")) as Record<string, unknown>;
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    t.equal(manifest[kind], undefined, kind);
  }
});

t.test("the rooms of floor 1 are pure: no waiting, no clock", async (t) => {
  const impure = /\bawait\b|\basync\b|\bsetTimeout\b|\bsetImmediate\b|\bDate\.now\b|\bnew Date\(\)/;
  for (const file of files) {
    const place = placeOf(file);
    if (place?.floor !== 1 || !file.startsWith("internal/")) continue;
    const code = readText(`lib/${file}`)
      .replace(/\/\*[^]*?\*\//g, "")
      .replace(/\/\/.*$/gm, "");
    t.notMatch(code, impure, `lib/${file}`);
  }
});

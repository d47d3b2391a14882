// Which module goes into which chunk.
import { known, modules, read, variableOf } from "./modules.mjs";

/** @typedef {import("./modules.mjs").Origin} Origin */

/**
 * The chunks in their order, each with the beginnings of the names of its modules; the longest that
 * fits counts. A module that none names is in the first chunk that needs it.
 * @type {{ name: string, late?: true, roots: string }[]}
 */
const PLAN = [
  {
    name: "text",
    roots:
      "ne_defs ne_alloc ne_string ne_uri ne_dates ne_md5 ne_utils ne_i18n internal/base/promise",
  },
  { name: "xml", late: true, roots: "ne_xml internal/xml/" },
  {
    name: "client",
    roots:
      "ne_session ne_request ne_redirect ne_acl nx_session nx_script nx_proxy index " +
      "internal/asn1/der internal/session/plugin_access " +
      "internal/auth/protocol_bits internal/plugins/registration internal/tls/certificate_handles",
  },
  {
    name: "tls",
    late: true,
    roots: "ne_ssl internal/tls/ internal/asn1/ internal/wire/tls internal/wire/default_roots",
  },
  {
    name: "sockets",
    late: true,
    roots:
      "ne_socket internal/wire/socket. internal/wire/socks_client internal/proxy/socks_protocol " +
      "internal/asn1/keyfile internal/asn1/pkcs12 internal/asn1/rc2 internal/asn1/ber " +
      "internal/tls/late_certificate internal/tls/flight internal/tls/record_layer " +
      "internal/wire/tls_tap",
  },
  { name: "auth", late: true, roots: "ne_auth nx_auth internal/auth/ internal/plugins/login" },
  {
    name: "coding",
    late: true,
    roots: "ne_compress internal/http/inflate internal/http/huffman internal/http/gzip",
  },
  {
    name: "streams",
    late: true,
    roots:
      "nx_stream nx_cookies internal/http/cookies internal/script/decode " +
      "internal/script/form_data",
  },
  {
    name: "dav",
    late: true,
    roots:
      "ne_xmlreq ne_207 ne_basic ne_props internal/multistatus/ internal/plugins/ " +
      "internal/uri/same_path",
  },
  {
    name: "locking",
    late: true,
    roots: "ne_locks ne_acl3744 internal/dav/ internal/plugins/lock_",
  },
  { name: "resources", late: true, roots: "nx_dav internal/resources/" },
  {
    name: "reports",
    late: true,
    roots:
      "internal/resources/calendars internal/resources/discover " +
      "internal/resources/mkcol internal/resources/search internal/resources/sync " +
      "internal/resources/versions",
  },
  { name: "transfer", late: true, roots: "nx_transfer internal/transfer/" },
  { name: "locks", late: true, roots: "nx_locks internal/locks/" },
  { name: "trace", late: true, roots: "nx_trace internal/trace/" },
];

/**
 * A joined file: its modules in the order in which they run, the names that it takes from Node and
 * from chunks before it, the late chunks that it opens up at its start. A late one has a host,
 * which holds functions in place of its own.
 * @typedef {{
 *   name: string, late: boolean, host: Chunk | null, files: string[], builtins: Set<string>,
 *   needs: Map<string, Chunk>, opens: Set<Chunk>, opened: Set<string>, stubs: Map<Origin, string>,
 * }} Chunk
 */

/** Where a module is. @type {Map<string, Chunk>} */
const places = new Map();
/** In the order of the plan. @type {Chunk[]} */
export const chunks = [];

/** The chunk of a module. @param {string} file */
export function placeOf(file) {
  return known(places, file);
}

/** The chunk that the plan names for a module. @param {string} file */
function planned(file) {
  let longest = "";
  let name = "";
  for (const one of PLAN) {
    for (const root of one.roots.split(" ")) {
      if (!file.startsWith(root) || root.length <= longest.length) continue;
      longest = root;
      name = one.name;
    }
  }
  return name;
}

/** Puts a module into a chunk, behind those that it imports. @param {string} file
 * @param {Chunk} chunk */
function place(file, chunk) {
  if (places.has(file)) return;
  const home = planned(file);
  if (home !== "" && home !== chunk.name) return;
  places.set(file, chunk);
  for (const needed of known(modules, file).needs) place(needed, chunk);
  chunk.files.push(file);
}

export function placeAll() {
  /** @type {Chunk | null} */
  let host = null;
  for (const { name, late = false } of PLAN) {
    /** @type {Chunk} */
    const chunk = {
      ...{ name, late, host: late ? host : null, files: [], builtins: new Set() },
      ...{ needs: new Map(), opens: new Set(), opened: new Set(), stubs: new Map() },
    };
    chunks.push(chunk);
    if (!late) host = chunk;
  }
  // what both need is not late
  for (const chunk of [...chunks].sort((a, b) => Number(a.late) - Number(b.late))) {
    for (const file of modules.keys()) if (planned(file) === chunk.name) place(file, chunk);
  }
}

/** Whether what a late module declares stands in its host, since it needs nothing.
 * @param {Origin} origin */
export function isKept({ file, local }) {
  if (!placeOf(file).late) return false;
  return [...known(modules, file).plain.values()].some((names) => names.includes(local));
}

/** The ES module that has a name, or stands in for the late chunk that has it.
 * @param {Origin} origin */
export function esmOf({ file }) {
  const chunk = placeOf(file);
  return chunk.host ?? chunk;
}

/**
 * The names by which the joined module exports what the faces have: their own, but two of neon's
 * headers have an ne_acl_entry. @param {string[]} faces
 */
export function publicNames(faces) {
  /** @type {Map<Origin, string>} */
  const names = new Map();
  const taken = new Set();
  for (const face of faces) {
    for (const [name, origin] of read(face).exports) {
      if (names.has(origin)) continue;
      const free = taken.has(name) ? `${variableOf(origin.file)}_${name}` : name;
      names.set(origin, free);
      taken.add(free);
    }
  }
  return names;
}

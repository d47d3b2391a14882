// What `npm run docs` adds to typedoc: each module opens with the words of its source file, and its
// functions stand by subject, as in neon's manual.
import fs from "node:fs";
import { Comment, CommentTag, Converter, ReflectionKind } from "typedoc";

/** The subjects of the larger modules: a name belongs to the first one that it matches. */
const SUBJECTS = {
  ne_basic: [
    ["Files", /get|put|post|read_range/],
    ["Resources and collections", /copy|delete|move|mkcol/],
    ["What a server can do", /options|CAP|capabilities/],
    ["Types and dates", /content|modtime|date/],
  ],
  ne_locks: [
    ["Lock stores", /lockstore/],
    ["Requests under a lock", /using/],
    ["Taking and giving back", /lock$|unlock|refresh|discover/],
    ["Lock records", /./],
  ],
  ne_props: [
    ["Finding properties", /propfind|propnames|props_result|done/],
    ["Results", /propset_|prop_result|iterator/],
    ["Setting properties", /proppatch|propset|propremove|operation/],
    ["Names", /./],
  ],
  ne_request: [
    ["Making and ending a request", /create|destroy|method|priv|get_session|target/],
    ["Header fields", /header|cursor/],
    ["The request body", /body|provide/],
    ["Dispatching", /dispatch|begin|end_request|read_response|discard|to_fd/],
    ["The response", /reader|accept|status|response/],
    ["Hooks", /hook|post_send|pre_send|post_headers|interim/],
    ["Flags", /flag|FLAG/],
  ],
  ne_session: [
    ["Making and ending a session", /create|destroy|close_connection/],
    ["Where it connects", /proxy|addr|hostport|scheme|server_uri|fill/],
    ["TLS", /ssl|cert|CERT/],
    ["Timeouts and flags", /timeout|flag|FLAG/],
    ["What happens", /notif|status|progress|hook|priv/],
    ["Errors and identity", /error|useragent|version/],
  ],
  ne_socket: [
    ["The library", /sock_init|sock_exit/],
    ["Names and addresses", /addr|iaddr/],
    ["Sockets", /sock_(create|connect|close|fd|shutdown|accept|listen|peer|prebind|proxy)/],
    ["Reading and writing", /read|write|peek|block|full/],
    ["TLS", /ssl|handshake|sessid|cipher/],
    ["Errors", /error|NE_SOCK/],
  ],
  ne_ssl: [
    ["Certificates", /ssl_(cert|readable|dname)/],
    ["Client certificates", /clicert/],
    ["Contexts", /context|protovers|PROTO/],
    ["Verification", /verify|NE_SSL|trust/],
  ],
  ne_string: [
    ["String buffers", /buffer/],
    ["Tokens", /token|shave|strclean|strparam|qappend/],
    ["Encodings and sums", /base64|hash|hex|quoted|strn?qdup|nonce/],
    ["Strings", /./],
  ],
  nx_session: [
    ["Transports", /connector|unix|source|addresses|connected|attempt/],
    ["Ending early", /abort|signal|cause/],
    ["Bounds", /timeout|deadline|limit|max_connections/],
    ["Seeing what happened", /timing|debug|fields/],
  ],
  nx_dav: [
    ["Paths", /path/],
    ["Elements", /element/],
    ["Synchronising and searching", /sync|search|report|change/],
    ["Calendars and address books", /discover|multiget|query/],
    ["Versions", /version/],
    ["Resources", /./],
  ],
  nx_script: [
    ["Requests", /send|fetch|must|result|body/],
    ["Sessions", /session/],
    ["Listings", /list|resource/],
    ["Errors", /error/],
  ],
};

/** The opening words of a module's source: its first comment. @param {string} name */
function openingOf(name) {
  const text = fs.readFileSync(new URL(`../lib/${name}.ts`, import.meta.url), "utf8");
  const [opening = ""] = /^(?:\/\/.*\n)+/.exec(text) ?? [];
  return opening.replace(/^\/\/ ?/gm, "").trim();
}

/** @param {string} module @param {string} name */
function subjectOf(module, name) {
  const subjects = SUBJECTS[/** @type {keyof typeof SUBJECTS} */ (module)] ?? [];
  return subjects.find(([, pattern]) => pattern.test(name))?.[0] ?? null;
}

/**
 * Puts a declaration under its subject.
 * @param {import("typedoc").DeclarationReflection} declaration @param {string} subject
 */
function classify(declaration, subject) {
  const tag = () => new CommentTag("@category", [{ kind: "text", text: subject }]);
  const places = declaration.signatures ?? [declaration];
  for (const place of places) {
    place.comment ??= new Comment();
    place.comment.blockTags.push(tag());
  }
}

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      if (module.name === "index") continue;
      module.comment ??= new Comment([{ kind: "text", text: openingOf(module.name) }]);
      for (const child of module.children ?? []) {
        const subject = subjectOf(module.name, child.name);
        if (subject !== null) classify(child, subject);
      }
    }
  });
}

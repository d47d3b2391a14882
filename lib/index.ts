// Everything that the library offers, from one place: neon's headers, and what goes beyond them.
export * from "./ne_207.js";
export * from "./ne_acl.js";
export * from "./ne_acl3744.js";
export * from "./ne_alloc.js";
export * from "./ne_auth.js";
export * from "./ne_compress.js";
export * from "./ne_dates.js";
export * from "./ne_defs.js";
export * from "./ne_i18n.js";
export * from "./ne_md5.js";
export * from "./ne_redirect.js";
export * from "./ne_request.js";
export * from "./ne_session.js";
export * from "./ne_string.js";
export * from "./ne_uri.js";
export * from "./ne_utils.js";
export * from "./ne_xml.js";
export * from "./ne_xmlreq.js";
export * from "./nx_auth.js";
export * from "./nx_proxy.js";
export * from "./nx_session.js";
export * from "./nx_stream.js";
// both modules have a type of this name, and neon's newer one is the one to use
export { ne_acl_entry } from "./ne_acl3744.js";

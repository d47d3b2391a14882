// Everything that the library offers, from one place: neon's headers, and what goes beyond them.
export * from "./ne_alloc.js";
export * from "./ne_dates.js";
export * from "./ne_defs.js";
export * from "./ne_i18n.js";
export * from "./ne_md5.js";
export * from "./ne_request.js";
export * from "./ne_string.js";
export * from "./ne_uri.js";
export * from "./ne_utils.js";
export * from "./ne_xml.js";

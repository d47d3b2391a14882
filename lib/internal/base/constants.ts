// Numbers that more than one floor needs: return codes, debug channels, depths, and the limits that
// keep a peer from using up time or memory, each with its reason. Faces re-export what C declares.

/** 8192: the size in bytes of the library's own I/O blocks, a good size for a caller's buffer. */
export const NE_BUFSIZ = 8192;

/** Success. */
export const NE_OK = 0;
/** Failed; the session error string says why. */
export const NE_ERROR = 1;
/** The host name of the server or proxy could not be resolved. */
export const NE_LOOKUP = 2;
/** The user could not be authenticated by the server. */
export const NE_AUTH = 3;
/** The user could not be authenticated by the proxy. */
export const NE_PROXYAUTH = 4;
/** The connection could not be established. */
export const NE_CONNECT = 5;
/** The connection timed out. */
export const NE_TIMEOUT = 6;
/** A precondition of the call was not met. */
export const NE_FAILED = 7;
/** Begin the request again (between `ne_end_request` and `ne_begin_request`). */
export const NE_RETRY = 8;
/** The response was a redirect; see `ne_redirect_location`. */
export const NE_REDIRECT = 9;

/** Any failure without a code of its own. */
export const NE_SOCK_ERROR = -1;
/** No answer within the timeout. */
export const NE_SOCK_TIMEOUT = -2;
/** The peer closed the connection in good order. */
export const NE_SOCK_CLOSED = -3;
/** The connection was reset. */
export const NE_SOCK_RESET = -4;
/** A TLS connection ended without the closing alert. */
export const NE_SOCK_TRUNC = -5;
/** Not finished; try again later (`ne_sock_shutdown` on TLS only). */
export const NE_SOCK_RETRY = -6;

/** Debug channel: sockets. */
export const NE_DBG_SOCKET = 1;
/** Debug channel: requests and responses, without credentials. */
export const NE_DBG_HTTP = 2;
/** Debug channel: XML handling. */
export const NE_DBG_XML = 4;
/** Debug channel: authentication, without credentials. */
export const NE_DBG_HTTPAUTH = 8;
/** Debug channel: shows Authorization fields that are otherwise blanked out with `x`. */
export const NE_DBG_HTTPPLAIN = 16;
/** Debug channel: WebDAV locks. */
export const NE_DBG_LOCKS = 32;
/** Debug channel: low-level XML parsing. */
export const NE_DBG_XMLPARSE = 64;
/** Debug channel: body blocks. */
export const NE_DBG_HTTPBODY = 128;
/** Debug channel: TLS. */
export const NE_DBG_SSL = 256;
/** Added to a channel: flush after the message. */
export const NE_DBG_FLUSH = 1073741824;

/** Depth: the resource itself. */
export const NE_DEPTH_ZERO = 0;
/** Depth: the resource and its direct members. */
export const NE_DEPTH_ONE = 1;
/** Depth: the resource and everything below. */
export const NE_DEPTH_INFINITE = 2;

/** Characters of a session's error string: neon's buffer of 512 less its end mark. */
export const MAX_SESSION_ERROR = 511;
/** Characters of a socket's error string: neon's buffer of 192 less its end mark. */
export const MAX_SOCKET_ERROR = 191;
/** Characters of an XML parser's error string: neon's buffer of 2048 less its end mark. */
export const MAX_XML_ERROR = 2047;

/** Bytes of a line of a message head, CRLF included: neon's buffer, which fails the response. */
export const MAX_LINE = 4096;
/** Bytes of one header field with its continuation lines: neon's limit. */
export const MAX_HEADER_FIELD = 8192;
/** Header fields of a message that are still accepted: neon fails on the hundredth. */
export const MAX_HEADER_COUNT = 99;
/** Interim (1xx) responses before the final one: more is a peer that never means to answer. */
export const MAX_INTERIM = 1000;
/** The largest chunk of a chunked body: neon reads the size as 32 bits. */
export const MAX_CHUNK = 2 ** 32 - 1;
/** Bytes that are collected into memory for a caller who has not said how many. */
export const MAX_COLLECTED = 2 ** 30;
/** Decoded bytes to which no `inflate_ratio` applies: small bodies of one byte are honest. */
export const INFLATE_RATIO_FREE = 1 << 20;
/** Milliseconds that a read may wait where nobody has said how long: neon's 120 seconds. */
export const DEFAULT_READ_TIMEOUT_MS = 120_000;
/** Milliseconds that a timer of Node can wait at most: it fires at once for more. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** Bytes of a chunk of an upload of unknown length, so that the frame fits neon's block. */
export const UPLOAD_CHUNK = 8184;

/** Keep connections for further requests. On at start. */
export const NE_SESSFLAG_PERSIST = 0;
/** Accept status lines of the form `ICY 200 OK` (taken as HTTP/1.0). */
export const NE_SESSFLAG_ICYPROTO = 1;
/** Without effect. */
export const NE_SESSFLAG_SSLv2 = 2;
/**
 * Use what only RFC 4918 allows: the Destination field of COPY and MOVE holds a path, not a URL.
 */
export const NE_SESSFLAG_RFC4918 = 3;
/**
 * Authentication belongs to the connection, so a non-idempotent request may use a kept connection.
 * Authentication sets and clears it by itself.
 */
export const NE_SESSFLAG_CONNAUTH = 4;
/** Send the host name in the TLS handshake. */
export const NE_SESSFLAG_TLS_SNI = 5;
/** New requests start with `NE_REQFLAG_EXPECT100` set to this flag's value. */
export const NE_SESSFLAG_EXPECT100 = 6;
/**
 * Work around SharePoint: `If` fields without resource tags, href values escaped before parsing.
 */
export const NE_SESSFLAG_SHAREPOINT = 7;
/**
 * Parse messages strictly. On at start; the reference version stores it and parses strictly anyway.
 */
export const NE_SESSFLAG_STRICT = 8;
/** The number of session flags; no flag itself. */
export const NE_SESSFLAG_LAST = 9;
/**
 * About to look up a host name (`lu`): never for a literal or an address list, nor again once it
 * was resolved.
 */
export const ne_status_lookup = 0;
/** About to connect to an address (`ci`); once per address tried. */
export const ne_status_connecting = 1;
/** Connected (`cd`). */
export const ne_status_connected = 2;
/** Sending a request body (`sr`): once at the start with progress 0, then after each block. */
export const ne_status_sending = 3;
/**
 * Receiving a response body (`sr`): once with progress 0 when the header is in (also without a
 * body), then after each block, and once more at the end, with `total` filled in, if it was
 * unknown.
 */
export const ne_status_recving = 4;
/** The connection is being closed (`cd`). */
export const ne_status_disconnected = 5;
/** TLS is ready and the server's certificate was accepted (`hs`). */
export const ne_status_handshake = 6;
/**
 * Send `Expect: 100-continue` and the body only after a 100 response. Has no effect without a body.
 */
export const NE_REQFLAG_EXPECT100 = 0;
/** The request may be sent twice. On at start; turn it off for methods like POST. */
export const NE_REQFLAG_IDEMPOTENT = 1;
/**
 * Bound the time spent on interim responses by the session's read timeout, if one was set. On at
 * start. When it passes the request gives `NE_ERROR`.
 */
export const NE_REQFLAG_1XXTIMEOUT = 2;
/** The number of request flags; no flag itself. */
export const NE_REQFLAG_LAST = 3;

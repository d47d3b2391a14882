// What in a message is secret, and how it is hidden: the one rule that debug output, redirects,
// recordings, failure reports and error strings ask. Names decide (of fields, query parameters,
// cookies, members of a body), and a few values that nothing else looks like. A harmless value that
// is hidden costs a reader little; a secret that is shown cannot be taken back.

/** What stands in the place of a secret. */
export const HIDDEN = "…";

/** Makes what is shown in the place of a secret. */
export type Mark = (secret: string) => string;

const ellipsis: Mark = () => HIDDEN;

// Parts of names, in lower case with "-" between words.
const SECRET_NAME = new RegExp(
  [
    "auth(?!ors?$|ority)",
    "cookie|token|secret|credential|signature|session|sess-?id",
    "pass(?:w|phrase|code)|(?:^|-|user)pass(?:$|-)|(?:^|-)pwd|psk$|code-verifier",
    "(?:^|-|api|access|account|admin|client|license|master|private|shared|user)key(?:$|-)",
    "jwt|dpop|saml|wsse|oauth|csrf|xsrf|hmac|assertion|ticket|bearer",
    "(?:^|-)(?:t?otp|mfa|2fa|pin|tan|sig|sid)(?:$|-)",
  ].join("|"),
);

// Names that the pattern finds though what they hold is meant to be seen: challenges, where a
// listing goes on, WebDAV's preconditions.
const OPEN_NAME = new RegExp(
  "^(?:(?:www|proxy)-authenticate|(?:.*-)?(?:sync|page|continuation)-?token" +
    "|lock-token-.+|token-type)$",
);

/** Fields that hold secrets though their names do not say so: lock tokens. */
const SECRET_FIELDS = new Set(["if"]);

/** Parameters of queries and forms, too general as names of anything else. */
const SECRET_PARAMETERS = new Set(["key", "code", "pass"]);

/** Whether what bears this name is secret: a field, a parameter, a cookie, a member of a body. */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/[_.:\s]/g, "-")
    .toLowerCase();
  // a bare "key" names many things
  return words !== "key" && SECRET_NAME.test(words) && !OPEN_NAME.test(words);
}

/** Whether a header field is secret, whatever its value. */
export function isSecretField(name: string): boolean {
  const lower = name.toLowerCase();
  return SECRET_FIELDS.has(lower) || isSecretName(lower);
}

/** Whether a parameter of a query or a form is secret. `name` is still percent-encoded. */
export function isSecretParameter(name: string): boolean {
  const plain = decoded(name);
  return SECRET_PARAMETERS.has(plain.toLowerCase()) || isSecretName(plain);
}

// ---- text ----

// The user info of a URL; without a scheme only what has a password.
const USER_INFO =
  /(?<=:\/\/)[^\s/?#"<>]*(?=@)|(?<=\/\/)[^\s/?#"<>@:]*:[^\s/?#"<>]*(?=@)/g;
const PARAMETER = /([?&#])([^=&#;?\s"'<>/]+)=([^&#;\s"'<>]+)/g;
// of a path (RFC 3986 section 3.3), which ends where the query begins
const PATH_PARAMETER = /(;)([^=&#;?\s"'<>/]+)=([^&#;?\s"'<>]+)/g;
const LOCK_TOKEN = /\b(opaquelocktoken:)([^\s<>"')\]]+)/gi;
// Credentials as RFC 9110 section 11.4 has them, a token and no parameter. The group in the
// lookahead makes the token whole or nothing.
const CREDENTIALS =
  /\b(Basic|Bearer|Negotiate|NTLM|DPoP|Token)( +)(?=([\w\-.~+/]{8,}={0,2}))\3(?![\w="])/g;
const JWT = /(?<![\w-])eyJ[\w-]{6,}\.[\w-]{4,}\.[\w-]*/g;

/**
 * Text of any kind, such as an error string or a URL, without the secrets that can be told by their
 * form: user info and parameters of URLs, lock tokens, credentials, JSON web tokens.
 */
export function hideInText(text: string, mark: Mark = ellipsis): string {
  const parameter = (all: string, before: string, name: string, value: string): string =>
    isSecretParameter(name) ? `${before}${name}=${mark(value)}` : all;
  return text
    .replace(USER_INFO, mark)
    .replace(PARAMETER, parameter)
    .replace(PATH_PARAMETER, parameter)
    .replace(LOCK_TOKEN, (_all, scheme: string, rest: string) => scheme + mark(rest))
    .replace(
      CREDENTIALS,
      (_all, scheme: string, gap: string, token: string) => scheme + gap + mark(token),
    )
    .replace(JWT, mark);
}

const FIELD = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)$/;

/**
 * A head, or some lines of one: secret fields lose their values, all other lines what
 * `hideInText` finds. Line ends stay as they are.
 */
export function hideInHead(head: string, mark: Mark = ellipsis): string {
  return head
    .split(/(\r?\n(?![ \t]))/)
    .map((line) => {
      const [, name = "", value = ""] = FIELD.exec(line) ?? [];
      if (!isSecretField(name)) return hideInText(line, mark);
      const secret = value.trimEnd();
      return `${name}: ${secret === "" ? "" : mark(secret)}`;
    })
    .join("");
}

/** The value of one field as it may be shown. */
export function hideInField(name: string, value: string, mark: Mark = ellipsis): string {
  if (!isSecretField(name)) return hideInText(value, mark);
  return value === "" ? "" : mark(value);
}

// ---- values ----

/** Secrets shorter than this are hidden only where they stand as a word of their own. */
const WORD_LENGTH = 8;
/** A single character says too little to be looked for. */
const MIN_LENGTH = 2;

/**
 * The secret values that a request head holds, for finding them in what a peer sends back: whole
 * fields, tokens, passwords behind Basic, cookies, parameters and user info of its target.
 */
export function secretValues(head: string): string[] {
  const found = new Set<string>();
  const keep: Mark = (secret) => {
    for (const part of [secret, decoded(secret)]) found.add(part);
    return HIDDEN;
  };
  hideInHead(head, keep);
  for (const secret of [...found]) for (const part of partsOf(secret)) found.add(part);
  return [...found].filter((secret) => secret.length >= MIN_LENGTH);
}

// What stands inside a secret and is one by itself.
function partsOf(secret: string): string[] {
  const parts: string[] = [];
  const credentials = /^([A-Za-z][\w-]*) +(\S+)$/.exec(secret);
  if (credentials !== null) {
    const [, scheme = "", token = ""] = credentials;
    parts.push(token);
    if (scheme.toLowerCase() === "basic") {
      const login = Buffer.from(token, "base64").toString("utf8");
      parts.push(login, login.slice(login.indexOf(":") + 1));
    }
  } else if (/^[^\s:@/]*:[^\s@]+$/.test(secret)) {
    parts.push(secret.slice(secret.indexOf(":") + 1));
  }
  // cookies, parameters of Digest, lock tokens in an If field
  for (const [, value = ""] of secret.matchAll(/[=]"?([^\s;,"]{4,})"?/g)) parts.push(value);
  for (const [, value = ""] of secret.matchAll(/<([^>]{4,})>/g)) parts.push(value);
  return parts;
}

/** Text without these values, as they are and as pages, queries and JSON write them. */
export function hideValues(text: string, values: Iterable<string>, mark: Mark = ellipsis): string {
  const spellings = new Set<string>();
  for (const value of values) {
    if (value.length < MIN_LENGTH) continue;
    // fields are bytes, one a character; a page shows them as UTF-8
    const bytes = Buffer.from(value, "latin1").toString("utf8");
    const quoted = JSON.stringify(value).slice(1, -1);
    for (const each of [value, bytes, ...encoded(value), escapeHtml(value), quoted]) {
      spellings.add(each);
    }
  }
  // a secret that begins with another one goes as a whole
  const longestFirst = [...spellings].sort((a, b) => b.length - a.length);
  if (longestFirst.length === 0) return text;
  const pattern = longestFirst.map((value) => {
    const literal = value.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    return value.length >= WORD_LENGTH ? literal : `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])`;
  });
  return text.replace(new RegExp(pattern.join("|"), "g"), mark);
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function encoded(text: string): string[] {
  try {
    return [encodeURI(text), encodeURIComponent(text)];
  } catch {
    return [];
  }
}

/** A name or value with its percent-encoding undone, as far as that goes. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

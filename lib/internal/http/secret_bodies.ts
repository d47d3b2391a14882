// Secrets in bodies: parameters of a form, members of JSON, parts of multipart/form-data, elements
// of XML. A body may be cut off anywhere (a recording keeps the beginning of a long one), so none
// of these needs a whole document, and a secret that is cut off is hidden like any other.
import { HIDDEN, hideInText, isSecretName, isSecretParameter } from "./secrets.js";

/** A body as it may be shown. `type` is its Content-Type, `null` if unknown. */
export function hideInBody(type: string | null, text: string): string {
  return hideInText(hideByForm(mediaType(type), text));
}

function mediaType(type: string | null): string {
  return (type ?? "").replace(/;.*/s, "").trim().toLowerCase();
}

function hideByForm(media: string, text: string): string {
  if (media === "application/x-www-form-urlencoded") return hideInForm(text);
  if (/[/+]json$/.test(media)) return hideInJson(text);
  if (media === "multipart/form-data") return hideInParts(text);
  if (/[/+](xml|html)$/.test(media)) return hideInXml(text);
  // of another type or none: as it looks
  if (/^\s*[[{]/.test(text)) return hideInJson(text);
  if (/^\s*</.test(text)) return hideInXml(text);
  return /^[\w.%+-]+=\S*$/.test(text) ? hideInForm(text) : text;
}

function hideInForm(text: string): string {
  return text.replace(/([^&=]+)=([^&]+)/g, (pair, name: string) =>
    isSecretParameter(name.trim()) ? `${name}=${HIDDEN}` : pair,
  );
}

// A string, with the colon that makes it a name; a number or word; what opens or closes.
const JSON_TOKEN = /("(?:[^"\\]|\\[^])*(?:"|\\?$))(\s*:)?|[^\s"{}[\],:]+|[{}[\]]/g;

// A secret name hides its value, and everything inside that value.
function hideInJson(text: string): string {
  const outer: boolean[] = [];
  let secret = false;
  return text.replace(JSON_TOKEN, (token, quoted?: string, colon?: string) => {
    if (quoted !== undefined && colon !== undefined) {
      secret = outer.at(-1) === true || isSecretName(unquoted(quoted));
      return token;
    }
    if (token === "{" || token === "[") {
      outer.push(secret);
      return token;
    }
    if (token === "}" || token === "]") outer.pop();
    const shown = secret && !/^(?:[}\]]|null|true|false)$/.test(token) ? `"${HIDDEN}"` : token;
    secret = outer.at(-1) === true;
    return shown;
  });
}

function unquoted(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}

// The content of the parts whose name is secret (RFC 7578).
function hideInParts(text: string): string {
  const part = /(\r?\n\r?\n)([^]*?)(?=\r?\n--|$(?![^]))/g;
  let end = 0;
  return text.replace(part, (all, gap: string, content: string, at: number) => {
    const head = text.slice(end, at);
    end = at + all.length;
    const name = /\bname="?([^";\r\n]*)/i.exec(head)?.[1] ?? "";
    return content !== "" && isSecretParameter(name) ? gap + HIDDEN : all;
  });
}

const XML_TAG = /<(\/?)(?:[^\s<>/:]*:)?([^\s<>/:]+)[^<>]*?(\/?)>|[^<]+|</g;

// All text in elements with a secret name, and in those inside them (DAV:locktoken).
function hideInXml(text: string): string {
  let secret: string | null = null;
  let depth = 0;
  return text.replace(XML_TAG, (token, close?: string, name?: string, empty?: string) => {
    if (name === undefined) {
      return secret === null || token.trim() === "" ? token : HIDDEN;
    }
    if (empty === "/") return token;
    if (secret === null) {
      if (close === "" && isSecretName(name)) [secret, depth] = [name, 1];
    } else if (name === secret) {
      depth += close === "/" ? -1 : 1;
      if (depth === 0) secret = null;
    }
    return token;
  });
}

// A command line's words, quoted as in sh, and names as the paths of a server.

import { ne_path_escape, ne_path_has_trailing_slash, ne_path_unescape } from "libneon/ne_uri";

/** The words of a line up to a `#` that begins one, or `null` where a quote does not end. */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (quote !== "" && c === quote) quote = "";
    else if (c === "\\" && quote !== "'") word = (word ?? "") + line.charAt(++i);
    else if (quote !== "") word += c;
    else if (c === "'" || c === '"') {
      quote = c;
      word ??= "";
    } else if (c === " " || c === "\t") {
      if (word !== null) words.push(word);
      word = null;
    } else if (c === "#" && word === null) break;
    else word = (word ?? "") + c;
  }
  if (quote !== "") return null;
  return word === null ? words : [...words, word];
}

/** A word as it is typed to be read back the same. */
export function quoteWord(word: string): string {
  return word.replace(/[\s'"\\#]/g, "\\$&");
}

/** The path, escaped, that a name means in a folder; a slash at its end stays. */
export function resolvePath(folder: string, name: string): string {
  const base = name.startsWith("/") ? [] : folder.split("/").filter((part) => part !== "");
  const parts = name.split("/");
  const last = parts.at(-1) ?? "";
  for (const part of parts) {
    if (part === "..") base.pop();
    else if (part !== "." && part !== "") base.push(ne_path_escape(part));
  }
  const ends = last === "" || last === "." || last === "..";
  return base.length === 0 ? "/" : `/${base.join("/")}${ends ? "/" : ""}`;
}

/** The last part of an escaped path, as a person writes it. */
export function nameOf(path: string): string {
  const bare = path.replace(/\/+$/, "");
  const name = bare.slice(bare.lastIndexOf("/") + 1);
  return ne_path_unescape(name) ?? name;
}

/** An escaped path as a person writes it. */
export function shownPath(path: string): string {
  return ne_path_unescape(path) ?? path;
}

/** The path of a collection: with a slash at its end. */
export function asCollection(path: string): string {
  return ne_path_has_trailing_slash(path) ? path : `${path}/`;
}

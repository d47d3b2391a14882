// Completion of a line being typed: commands, names on the server, and local names for put.

import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { NE_DEPTH_ONE } from "libneon/ne_basic";
import { NE_OK } from "libneon/ne_request";
import { isCollection, propfind } from "./resources.js";
import { COMMANDS, QUIT } from "./commands.js";
import { silently, type Shell } from "./session.js";
import { asCollection, nameOf, quoteWord, resolvePath, splitWords } from "./words.js";

const TYPE = [{ nspace: "DAV:", name: "resourcetype" }];

/** What may stand for the last word of a line, quoted, and that word as it was typed. */
export async function complete(shell: Shell, line: string): Promise<[string[], string]> {
  const typed = /(?:\\.|[^\s\\])*$/.exec(line)?.[0] ?? "";
  const before = splitWords(line.slice(0, line.length - typed.length)) ?? [];
  const [word = ""] = splitWords(typed) ?? [];
  const [command] = before;
  if (command === undefined) {
    return [matching([...COMMANDS.keys(), ...QUIT], typed).map((name) => `${name} `), typed];
  }
  const folder = word.slice(0, word.lastIndexOf("/") + 1);
  const isLocal = command === "put" && before.filter((each) => !each.startsWith("-")).length === 1;
  const names = isLocal ? await localNames(folder) : await remoteNames(shell, folder);
  const found = matching(names.map((name) => folder + name), word);
  return [found.sort().map(quoteWord), typed];
}

function matching(names: string[], beginning: string): string[] {
  return names.filter((name) => name.startsWith(beginning));
}

async function localNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder === "" ? "." : dirname(`${folder}x`), {
      withFileTypes: true,
    });
    return entries.map((entry) => entry.name + (entry.isDirectory() ? "/" : ""));
  } catch {
    return []; // no such folder has no names to offer
  }
}

// Nobody is asked for a password in the middle of a line; a failure offers nothing.
function remoteNames(shell: Shell, folder: string): Promise<string[]> {
  const path = asCollection(resolvePath(shell.folder, folder === "" ? "." : folder));
  return silently(shell, async () => {
    const names: string[] = [];
    const ret = await propfind(shell, path, NE_DEPTH_ONE, TYPE, (uri, results) => {
      const member = uri.path ?? "";
      if (asCollection(member) === path) return;
      names.push(nameOf(member) + (isCollection(results) ? "/" : ""));
    });
    return ret === NE_OK ? names : [];
  });
}

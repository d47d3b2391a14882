// The table of commands, and how one is run: looked up, its arguments counted, its failure said in
// the words of the library.

import { NE_OK } from "libneon/ne_request";
import { ne_get_error } from "libneon/ne_session";
import { nx_error } from "libneon/nx_script";
import { paint, printable } from "../terminal.js";
import { edit } from "./edit.js";
import { cat, get, put } from "./files.js";
import { changeFolder, copy, list, makeFolder, move, printFolder, remove } from "./folders.js";
import { listLocks, lock, unlock } from "./locks.js";
import {
  getProperties,
  listProperties,
  removeProperty,
  search,
  setProperty,
} from "./properties.js";
import { print, type Shell } from "./session.js";
import { splitWords } from "./words.js";

interface Command {
  /** The arguments as help shows them; `least` of them must be there, and `most` may. */
  readonly usage: string;
  readonly least: number;
  readonly most: number;
  /** Letters that may stand behind a `-`. */
  readonly flags: string;
  readonly help: string;
  /** @returns an `NE_*` code; the error line is the session's */
  run(shell: Shell, args: string[], flags: string): Promise<number>;
}

// usage, least and most arguments, flags, help
type Row = [string, number, number, string, string, Command["run"]];

const ROWS: Record<string, Row> = {
  ls: ["[PATH]", 0, 1, "", "list a folder", list],
  cd: ["[FOLDER]", 0, 1, "", "go to a folder", changeFolder],
  pwd: ["", 0, 0, "", "say which folder this is", printFolder],
  get: ["[-f] FILE [LOCAL]", 1, 2, "f", "fetch a file; -f replaces the local one", get],
  put: ["[-f] LOCAL [FILE]", 1, 2, "f", "store a file; -f replaces the server's", put],
  cat: ["FILE", 1, 1, "", "show a file", cat],
  edit: ["FILE", 1, 1, "", "change a file with $EDITOR, locked meanwhile", edit],
  mkcol: ["FOLDER", 1, 1, "", "make a folder", makeFolder],
  copy: ["[-f] FROM TO", 2, 2, "f", "copy a file or folder; -f replaces", copy],
  move: ["[-f] FROM TO", 2, 2, "f", "move a file or folder; -f replaces", move],
  rm: ["[-r] PATH", 1, 1, "r", "remove a file, or with -r a folder", remove],
  lock: ["[-s0] [PATH]", 0, 1, "s0", "lock; -s shared, -0 a folder alone", lock],
  unlock: ["[PATH]", 0, 1, "", "give a lock of this shell back", unlock],
  locks: ["[PATH]", 0, 1, "", "list this shell's locks, or a path's", listLocks],
  propget: ["PATH [NAME]", 1, 2, "", "show properties; NAME is x or {ns}x", getProperties],
  propnames: ["[PATH]", 0, 1, "", "list the names of properties", listProperties],
  propset: ["PATH NAME VALUE", 3, 3, "", "set a property", setProperty],
  propdel: ["PATH NAME", 2, 2, "", "remove a property", removeProperty],
  search: ["TEXT", 1, 1, "", "find by name, or by a DAV:where's XML", search],
  help: ["[COMMAND]", 0, 1, "", "show this", help],
};

/** All commands, by name; `quit` is the program's own. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries(ROWS).map(([name, [usage, least, most, flags, text, run]]) => [
    name,
    { usage, least, most, flags, help: text, run },
  ]),
);

export const QUIT: readonly string[] = ["quit", "exit"];

/** Runs a line. @returns whether it did what it says, or "quit" */
export async function runLine(shell: Shell, line: string): Promise<boolean | "quit"> {
  const words = splitWords(line);
  if (words === null) return complain("a quote does not end");
  const [name, ...rest] = words;
  if (name === undefined) return true;
  if (QUIT.includes(name)) return "quit";
  const command = COMMANDS.get(name);
  if (command === undefined) return complain(`${name}: there is no such command; try help`);
  const { flags, args } = readFlags(rest);
  const fits = args.length >= command.least && args.length <= command.most;
  const unknown = [...flags].some((flag) => !command.flags.includes(flag));
  if (!fits || unknown) return complain(`usage: ${name} ${command.usage}`);
  try {
    const ret = await command.run(shell, args, flags);
    return ret === NE_OK ? true : complain(`${name}: ${ne_get_error(shell.sess)}`);
  } catch (error) {
    if (!(error instanceof nx_error)) throw error;
    return complain(`${name}: ${error.message}`);
  }
}

// Flags stand before the arguments; `--` ends them.
function readFlags(words: string[]): { flags: string; args: string[] } {
  let flags = "";
  for (const [i, word] of words.entries()) {
    if (word === "--") return { flags, args: words.slice(i + 1) };
    if (!/^-./.test(word)) return { flags, args: words.slice(i) };
    flags += word.slice(1);
  }
  return { flags, args: [] };
}

/** Says what went wrong. @returns false */
export function complain(text: string): false {
  process.stderr.write(`${paint(printable(text), "bad", process.stderr)}\n`);
  return false;
}

async function help(_: Shell, args: string[]): Promise<number> {
  const known = [...COMMANDS].filter(([name]) => args[0] === undefined || args[0] === name);
  for (const [name, { usage, help }] of known) print(`${`${name} ${usage}`.padEnd(26)} ${help}`);
  if (args[0] === undefined) print(`${"quit".padEnd(26)} give back the locks and end`);
  return NE_OK;
}

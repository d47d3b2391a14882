// The shell's session: made from a URL, with everything that a person may be asked on the way, and
// with the store of the locks that the shell holds.

import {
  ne_lockstore_create,
  ne_lockstore_destroy,
  ne_lockstore_register,
  type ne_lock_store,
} from "libneon/ne_locks";
import { ne_redirect_register } from "libneon/ne_redirect";
import { NE_ERROR } from "libneon/ne_request";
import {
  ne_session_destroy,
  ne_session_system_proxy,
  ne_set_error,
  ne_set_notifier,
  ne_status_recving,
  ne_status_sending,
  type ne_session,
  type ne_session_status,
  type ne_session_status_info,
} from "libneon/ne_session";
import { openInteractive, type SessionOptions } from "../interactive-session.js";
import type { Asking } from "../questions.js";
import { hasColours, paint, printable, ProgressBar } from "../terminal.js";
import { asCollection } from "./words.js";

/** All that a command works with. */
export interface Shell {
  readonly sess: ne_session;
  readonly store: ne_lock_store;
  /** Who logs in, or an empty text. */
  readonly user: string;
  /** The folder that names are looked for in: escaped, with a slash at its end. */
  folder: string;
  /** Set while nobody is to be asked; all questions look at it. */
  readonly asking: readonly Asking[];
  /** The transfer whose progress is shown, if any. */
  transfer: Transfer | null;
}

interface Transfer {
  readonly label: string;
  readonly status: ne_session_status;
  readonly bar: ProgressBar;
}

/** Says something about the work, where it does not get into what a command writes. */
export function note(line: string): void {
  process.stderr.write(`${paint(printable(line), "dim", process.stderr)}\n`);
}

/** A line of what a command was asked for. */
export function print(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** A session to the server of a URL, in the folder that its path names. Nothing is sent yet. */
export function openShell(options: SessionOptions): Shell {
  const { sess, uri, login, certificate } = openInteractive(options, "dav-shell/0.2", note);
  ne_session_system_proxy(sess, 0);
  ne_redirect_register(sess);
  const store = ne_lockstore_create();
  ne_lockstore_register(store, sess);
  const shell: Shell = {
    sess,
    store,
    user: login.name,
    folder: asCollection(uri.path ?? "/"),
    asking: [login, certificate],
    transfer: null,
  };
  ne_set_notifier(sess, notify, shell);
  return shell;
}

/** Ends the session; locks that are still held stay on the server. */
export function closeShell(shell: Shell): void {
  ne_lockstore_destroy(shell.store);
  ne_session_destroy(shell.sess);
}

/** Runs something during which nobody can be asked. */
export async function silently<T>(shell: Shell, work: () => Promise<T>): Promise<T> {
  for (const asking of shell.asking) asking.silent = true;
  try {
    return await work();
  } finally {
    for (const asking of shell.asking) asking.silent = false;
  }
}

/** Shows the progress of what a transfer sends or receives, on a terminal that can. */
export async function showing(
  shell: Shell,
  label: string,
  status: ne_session_status,
  work: () => Promise<number>,
): Promise<number> {
  if (!hasColours(process.stderr)) return work();
  const bar = new ProgressBar(process.stderr);
  shell.transfer = { label: printable(label), status, bar };
  try {
    return await work();
  } finally {
    shell.transfer = null;
    bar.end();
  }
}

function notify(shell: Shell, status: ne_session_status, info: ne_session_status_info): void {
  const { transfer } = shell;
  if (transfer === null || transfer.status !== status) return;
  if (status !== ne_status_sending && status !== ne_status_recving) return;
  if (info.sr.total !== 0) transfer.bar.update(transfer.label, info.sr.progress, info.sr.total);
}

/** Leaves an error line behind, as a failed call of the library does. @returns `NE_ERROR` */
export function failed(shell: Shell, text: string): number {
  ne_set_error(shell.sess, "%s", text);
  return NE_ERROR;
}

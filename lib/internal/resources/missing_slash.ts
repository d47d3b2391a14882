// Servers that response a collection's path without its slash by pointing to the one that has it
// (Apache): a caller cannot know which of the two a path needs.
import { firstValue, type FieldPair } from "../http/field_pairs.js";
import { pathSegments, sameSegments } from "../uri/same_path.js";
import { nx_error } from "../script/nx_error.js";
import type { ne_status } from "../../ne_utils.js";

const REDIRECTS = [301, 302, 303, 307, 308];

/** What a response says of where to go. */
interface Pointing {
  readonly status: Readonly<ne_status> | null;
  readonly headers: readonly FieldPair[];
}

/** Whether a response points from a path to the same one with a slash at its end. */
export function isSlashMissing({ status, headers }: Pointing, path: string): boolean {
  if (status === null || !REDIRECTS.includes(status.code) || /[?]|\/$/.test(path)) return false;
  const location = firstValue(headers, "location")?.trim() ?? "";
  const to = location.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "").replace(/[?#].*$/s, "");
  return to.endsWith("/") && sameSegments(pathSegments(to), pathSegments(path));
}

/** Gives what a listing of a path gives, or of the same path with a slash. */
export async function* withSlash<T>(
  path: string,
  list: (path: string) => AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  try {
    yield* list(path);
  } catch (error) {
    if (!(error instanceof nx_error) || !isSlashMissing(error, path)) throw error;
    yield* list(`${path}/`);
  }
}

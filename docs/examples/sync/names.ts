// Names: which of them both sides can have, which are the program's own, and what the second
// version of a file is called. A server chooses the names that it lists, so none of them is used
// before it has been looked at here.

/** The folder for the program's own files, in the folder that is synchronised. */
export const OWN_FOLDER = ".libneon-sync";

/** Why a name cannot be had on both sides, or `null`. */
export function faultOf(name: string): string | null {
  if (name === "" || name === "." || name === "..") return "is no name";
  if (/[/\\\0]/.test(name)) return "has a slash, a backslash or NUL in it";
  if (/\p{Surrogate}/u.test(name)) return "is not UTF-8";
  if (process.platform === "win32" && /[<>:"|?*\u0001-\u001f]|[. ]$/.test(name)) {
    return "is no name on Windows";
  }
  return null;
}

/** Names that are left out: the program's own, and uploads that are under way. */
export function isOwn(name: string): boolean {
  const folded = foldName(name);
  return folded === OWN_FOLDER || /^\.libneon-.*\.part$/.test(folded);
}

/** Some servers and disks keep names in another case, or in another form of Unicode. */
export function foldName(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** `notes.txt` becomes `notes (conflict 2026-11-29 12.30.05).txt`. */
export function conflictName(path: string, now: Date, count: number): string {
  const slash = path.lastIndexOf("/") + 1;
  const dot = path.lastIndexOf(".");
  const end = dot > slash ? dot : path.length;
  const date = now.toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  const again = count === 1 ? "" : ` ${count}`;
  return `${path.slice(0, end)} (conflict ${date}${again})${path.slice(end)}`;
}

/** The folder that a path is in; `""` is the folder that is synchronised. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The folders above a path, the outermost first, without the one that is synchronised. */
export function foldersAbove(path: string): string[] {
  const parent = parentOf(path);
  return parent === "" ? [] : [...foldersAbove(parent), parent];
}

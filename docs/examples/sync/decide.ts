// What to do with a file, by comparing three versions of it: the one that both sides had when they
// were last alike (the base), the one that is here, and the one that is there. Pure.

/** The version that both sides had. */
export interface Base {
  /** hash of the content */
  readonly hash: string;
  /** what tells the server's versions apart: its ETag, or size and date where there is none */
  readonly version: string;
  /** how the file looked on the disk; `""` where it was too young for that to mean anything */
  readonly mark: string;
  /** a step was begun and may have been interrupted: what is here may have been fetched or kept */
  readonly pending: boolean;
}

export type Decision =
  | "nothing"
  | "forget"
  | "create there"
  | "create here"
  | "replace there"
  | "replace here"
  | "remove there"
  | "remove here"
  | "compare";

/**
 * @param here hash of the local file, `null` where there surely is none
 * @param there version of the server's file, `null` where there surely is none
 */
export function decide(base: Base | null, here: string | null, there: string | null): Decision {
  if (here === null && there === null) return base === null ? "nothing" : "forget";
  const newThere = base === null || !isSameVersion(there, base.version);
  if (base !== null && here === base.hash && !newThere) return "nothing";
  const newHere = base === null || base.pending || here !== base.hash;
  // a deletion counts only where the other side still has what was known when it was made
  if (here === null) return newThere ? "create here" : "remove there";
  if (there === null) return newHere ? "create there" : "remove here";
  if (newHere && newThere) return "compare";
  if (newHere) return "replace there";
  return newThere ? "replace here" : "nothing";
}

/** Some servers call an ETag weak while the file is young, and strong later. */
export function isSameVersion(a: string | null, b: string): boolean {
  return a !== null && a.replace(/^W\//, "") === b.replace(/^W\//, "");
}

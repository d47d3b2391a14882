// What one side has: files, folders, and the paths of which nothing can be said. A path that is
// unknown, and all below it, is left alone on both sides.

export interface Side<File> {
  readonly files: Map<string, File>;
  /** path to the way that this side spells it */
  readonly folders: Map<string, string>;
  /** path to reason */
  readonly unknown: Map<string, string>;
}

export function emptySide<File>(): Side<File> {
  return { files: new Map(), folders: new Map(), unknown: new Map() };
}

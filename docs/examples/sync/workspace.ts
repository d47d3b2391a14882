// The program's own folder inside of the one that is synchronised: the state, files that are being
// fetched, and a lock that keeps a second run out.
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { OWN_FOLDER } from "./names.js";

export class Workspace {
  readonly state: string;
  #lock: string;
  #incoming: string;
  #count = 0;

  private constructor(folder: string) {
    this.state = join(folder, "state.json");
    this.#lock = join(folder, "lock");
    this.#incoming = join(folder, "incoming");
  }

  /** Throws where another run is at work. What a killed run had half fetched is removed. */
  static async open(root: string): Promise<Workspace> {
    const folder = join(root, OWN_FOLDER);
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    const workspace = new Workspace(folder);
    await workspace.#takeLock();
    await rm(workspace.#incoming, { recursive: true, force: true });
    await mkdir(workspace.#incoming);
    return workspace;
  }

  async close(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
    await rm(this.#lock, { force: true });
  }

  /** A name for a file that is being fetched. */
  incoming(): string {
    return join(this.#incoming, String(++this.#count));
  }

  async #takeLock(): Promise<void> {
    try {
      const handle = await open(this.#lock, "wx");
      await handle.writeFile(String(process.pid));
      await handle.close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const owner = Number(await readFile(this.#lock, "utf8"));
      if (isAlive(owner)) throw new Error(`process ${owner} is at work; its lock is ${this.#lock}`);
      await rm(this.#lock);
      await this.#takeLock();
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

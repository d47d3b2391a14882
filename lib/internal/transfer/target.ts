// The interface of a download's destination: a named file, a descriptor or a stream.

export interface Target {
  /** Whether it can start over once it has been written to. */
  readonly canRewind: boolean;
  /** The bytes that it holds. */
  readonly at: number;
  /** Forgets what it holds, where it can. */
  restart(): Promise<void>;
  /** Takes what comes next; the block may change once it has. */
  write(block: Buffer): Promise<void>;
  /** What it holds, from the beginning, where that can be read. */
  readBack(): AsyncIterable<Buffer> | null;
  /** It is whole. */
  finish(): Promise<void>;
  /** It will not become whole now. */
  fail(error: unknown): Promise<void>;
  /** The entity tag of the resource that the bytes are from, where it was kept with them. */
  keptTag?(): Promise<string | null>;
  /** Keeps it, or forgets the one that was kept. */
  keepTag?(etag: string | null): Promise<void>;
}

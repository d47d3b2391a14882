// Where command lines come from: a person at a terminal, with history and completion, or a pipe.

import { createInterface } from "node:readline";

/** Lines, one after the other. */
export interface Input {
  /** Whether a person types. */
  readonly interactive: boolean;
  /** @returns the next line, or `null` after the last */
  next(prompt: string): Promise<string | null>;
  /** Ends the lines of a pipe, also while the next is waited for. */
  end(): void;
}

type Completer = (line: string) => Promise<[string[], string]>;

/** The program's standard input. */
export function openInput(completer: Completer): Input {
  return process.stdin.isTTY === true ? new Terminal(completer) : new Pipe();
}

class Pipe implements Input {
  readonly interactive = false;
  #reader = createInterface({ input: process.stdin });
  #lines = this.#reader[Symbol.asyncIterator]();

  end(): void {
    this.#reader.close();
  }

  async next(): Promise<string | null> {
    const { value, done } = await this.#lines.next();
    return done === true ? null : String(value);
  }
}

// Each line has an editor of its own, closed before the line is run: meanwhile the terminal belongs
// to the questions that a command may ask. Lines that came in one piece wait for their turn.
class Terminal implements Input {
  readonly interactive = true;
  #completer: Completer;
  #history: string[] = [];
  #waiting: string[] = [];
  #begun = "";

  constructor(completer: Completer) {
    this.#completer = completer;
  }

  // Ctrl-C empties the line, or breaks a command off; the shell goes on
  end(): void {}

  async next(prompt: string): Promise<string | null> {
    const ready = this.#waiting.shift();
    if (ready !== undefined) return ready;
    const editor = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt,
      history: [...this.#history],
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, found: [string[], string]) => void) => {
        this.#completer(line).then(
          (found) => done(null, found),
          () => done(null, [[], line]), // nothing to offer
        );
      },
    });
    const lines: string[] = [];
    await new Promise<void>((resolve) => {
      editor.on("history", (history) => (this.#history = [...history]));
      editor.on("SIGINT", () => {
        process.stdout.write("^C\n");
        editor.write(null, { ctrl: true, name: "e" });
        editor.write(null, { ctrl: true, name: "u" });
        editor.prompt();
      });
      editor.on("line", (line) => {
        // closed once all that came with it has been read
        if (lines.push(line) === 1) setImmediate(() => editor.close());
      });
      editor.on("close", resolve);
      editor.prompt();
      if (this.#begun !== "") editor.write(this.#begun);
    });
    this.#begun = lines.length > 0 ? editor.line : "";
    const [first = null, ...rest] = lines;
    this.#waiting = rest;
    return first;
  }
}

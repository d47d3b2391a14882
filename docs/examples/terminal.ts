// The terminal, as the example programs use it: text of a server made safe to show, questions with
// and without echo, and a bar for transfers. Where there is no terminal nothing is asked and the
// bar becomes one line.

import type { WriteStream } from "node:tty";

const BAR_CELLS = 30;
const FEWEST_COLUMNS = 20;
const REDRAW_MS = 50;
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

/** Text of a server with what could steer the terminal replaced. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");
}

/** How wide a line may be: as the terminal, and elsewhere as it likes. */
export function columnsOf(stream: WriteStream): number {
  return stream.isTTY ? Math.max(stream.columns || 80, FEWEST_COLUMNS) : Infinity;
}

/** Lines that fit, broken at blanks where there are any; what goes on is indented. */
export function fit(line: string, columns: number): string[] {
  const lines: string[] = [];
  const indent = " ".repeat(Math.min(/^ */.exec(line)?.[0].length ?? 0, columns / 4) + 2);
  let rest = line;
  while (rest.length > columns) {
    const blank = rest.lastIndexOf(" ", columns);
    const at = rest.slice(0, blank).trim() === "" ? columns : blank;
    lines.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

const COLOURS = { good: "32", bad: "31", dim: "2", title: "1" } as const;

/** Whether a stream takes colours and drawing: a terminal that can, without NO_COLOR. */
export function hasColours(stream: WriteStream): boolean {
  const { NO_COLOR = "", TERM = "" } = process.env;
  return stream.isTTY && NO_COLOR === "" && TERM !== "dumb";
}

/** Text in colour: on a terminal only, and never under NO_COLOR (https://no-color.org). */
export function paint(
  text: string,
  colour: keyof typeof COLOURS,
  stream: WriteStream = process.stdout,
): string {
  return hasColours(stream) ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text;
}

/** A number of bytes, for people. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** Asks, and shows what is typed. @returns the answer, `null` where nobody can be asked. */
export function ask(question: string): Promise<string | null> {
  return readAnswer(question, false);
}

/** Asks without showing what is typed. @returns as `ask`. */
export function askSecret(question: string): Promise<string | null> {
  return readAnswer(question, true);
}

let typedAhead = ""; // what came in one piece with the answer before

async function readAnswer(question: string, secret: boolean): Promise<string | null> {
  const input = process.stdin;
  if (!input.isTTY) return null;
  input.setEncoding("utf8");
  if (secret) input.setRawMode(true); // before asking: what is typed at once is not shown either
  process.stderr.write(question);
  const line = new Line(secret);
  try {
    if (!line.take(typedAhead)) {
      await new Promise<void>((resolve) => {
        const stop = (): void => {
          input.off("data", take);
          input.off("end", stop);
          resolve();
        };
        const take = (text: string): void => {
          if (line.take(text)) stop();
        };
        input.on("data", take);
        input.on("end", stop);
        input.resume();
      });
    }
  } finally {
    input.pause();
    if (secret) {
      input.setRawMode(false);
      process.stderr.write("\n");
    }
  }
  typedAhead = line.rest;
  if (line.interrupted) process.kill(process.pid, "SIGINT");
  return line.complete ? line.text : null;
}

// One line being typed. Without echo the terminal leaves editing to us as well.
class Line {
  text = "";
  rest = "";
  complete = false;
  interrupted = false;
  #secret: boolean;

  constructor(secret: boolean) {
    this.#secret = secret;
  }

  /** @returns whether the line has come to its end. */
  take(typed: string): boolean {
    const characters = [...typed];
    for (const [i, c] of characters.entries()) {
      this.complete = c === "\r" || c === "\n";
      this.interrupted = this.#secret && c === CTRL_C;
      if (this.complete || this.interrupted || c === CTRL_D) {
        this.rest = characters.slice(i + 1).join("");
        return true;
      }
      if (this.#secret && (c === "\u007f" || c === "\b")) {
        this.text = [...this.text].slice(0, -1).join("");
      } else {
        this.text += c;
      }
    }
    return false;
  }
}

/** Shows how far a transfer is: a bar on a terminal, elsewhere a line when it has ended. */
export class ProgressBar {
  #stream: WriteStream;
  #label = "";
  #startMs = 0;
  #drawnMs = 0;
  #drawn = 0;
  #progress = 0;
  #running = false;

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  /** Begins (with 0) or continues a transfer; a `total` of -1 is unknown. */
  update(label: string, progress: number, total: number): void {
    const nowMs = performance.now();
    if (!this.#running) {
      this.#running = true;
      this.#startMs = nowMs;
      this.#drawnMs = 0;
    }
    this.#label = label;
    this.#progress = progress;
    const ended = progress === total;
    if (this.#stream.isTTY && (ended || nowMs - this.#drawnMs >= REDRAW_MS)) {
      this.#drawnMs = nowMs;
      const line = this.#line(progress, total);
      this.#drawn = line.length;
      this.#stream.write(`\r${line}\x1b[K`);
    }
    if (ended) this.end();
  }

  /** Ends the transfer that is shown, if any, complete or not. */
  end(): void {
    if (!this.#running) return;
    this.#running = false;
    const seconds = (performance.now() - this.#startMs) / 1000;
    const rate = formatBytes(this.#progress / Math.max(seconds, 0.001));
    const text = `  ${this.#label} ${formatBytes(this.#progress)}, ${rate}/s`;
    const shown = this.#stream.isTTY ? this.#rateBehind(rate) : text;
    this.#stream.write(`${shown}\n`);
  }

  // behind the bar where there is room for it
  #rateBehind(rate: string): string {
    return this.#drawn + rate.length + 4 < columnsOf(this.#stream) ? `  ${rate}/s` : "";
  }

  // never as wide as the terminal: a line that wraps can't be drawn over
  #line(progress: number, total: number): string {
    const width = columnsOf(this.#stream) - 1;
    if (total <= 0) return `  ${this.#label} ${formatBytes(progress)}`.slice(0, width);
    const percent = String(Math.floor((progress / total) * 100)).padStart(3);
    const [before, behind] = [`  ${this.#label} [`, `] ${percent} % of ${formatBytes(total)}`];
    const room = Math.min(BAR_CELLS, width - before.length - behind.length);
    if (room < 3) return `  ${this.#label}${behind.slice(1)}`.slice(0, width);
    const cells = Math.floor((progress / total) * room);
    return before + "#".repeat(cells) + ".".repeat(room - cells) + behind;
  }
}

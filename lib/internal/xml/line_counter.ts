// The line of a place in a document that comes in pieces of text. Lines are counted when somebody
// asks, and only once.
import { countNewlines } from "./encoding.js";

export class LineCounter {
  /** The line at `pos` of the text. */
  line = 1;
  /** Line ends behind `pos` in the text, -1 where nobody has counted them. */
  ahead = 0;
  #pos = 0;

  /** Begins with a text at `pos`, where the line is that of the place reached before. */
  begin(pos: number, ahead: number): void {
    this.#pos = pos;
    this.ahead = ahead;
  }

  /** The line at a place of the text, which is not before one asked for earlier. */
  at(s: string, pos: number): number {
    if (pos > this.#pos) {
      this.line += countNewlines(s, this.#pos, pos);
      this.#pos = pos;
      this.ahead = -1;
    }
    return this.line;
  }

  /** Goes to a place of the text from which on nothing is asked about. */
  goTo(s: string, pos: number): void {
    if (this.ahead < 0) this.at(s, pos);
    else this.line += this.ahead - (pos < s.length ? countNewlines(s, pos, s.length) : 0);
  }
}

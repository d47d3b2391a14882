// What a recording shows of one request: everything, or everything but its secrets, which are also
// hidden where the server repeats them.
import { HIDDEN, hideInField, hideInText, hideValues, secretValues } from "../http/secrets.js";
import { hideInBody } from "../http/secret_bodies.js";
import type { Tape } from "./recorded_attempt.js";

/** How to show the parts of a message. */
export interface Veil {
  /** A URL, an error or any other line. */
  text(text: string): string;
  field(name: string, value: string): string;
  body(text: string, contentType: string): string;
  cookie(value: string): string;
  /** Whether bytes that cannot be shown in part hold a secret. */
  hides(bytes: Buffer): boolean;
}

const OPEN: Veil = {
  text: (text) => text,
  field: (_name, value) => value,
  body: (text) => text,
  cookie: (value) => value,
  hides: () => false,
};

/** The veil of a tape. @param secrets show them */
export function veilOf(tape: Tape, secrets: boolean): Veil {
  if (secrets) return OPEN;
  const answer = tape.fields.list.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  const values = new Set(
    [tape.head ?? `${tape.method} ${tape.target}\r\n`, answer].flatMap(secretValues),
  );
  return {
    text: (text) => hideValues(hideInText(text), values),
    field: (name, value) => hideValues(hideInField(name, value), values),
    body: (text, type) => hideValues(hideInBody(type, text), values),
    cookie: (value) => (value === "" ? "" : HIDDEN),
    hides: (bytes) => {
      const text = bytes.toString("latin1");
      return hideValues(text, values) !== text;
    },
  };
}

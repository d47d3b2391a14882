// What a recording shows of one request: everything, or everything but its secrets, which are also
// hidden where the server repeats them.
import { latin1Text } from "../base/bytes.js";
import { HIDDEN, hideInField, hideInText, hideValues, secretValues } from "../http/secrets.js";
import { hideInBody } from "../http/secret_bodies.js";
import type { RecordedAttempt } from "./recorded_attempt.js";

/** How to show the parts of a message. */
export interface Redaction {
  /** A URL, an error or any other line. */
  text(text: string): string;
  field(name: string, value: string): string;
  body(text: string, contentType: string): string;
  cookie(value: string): string;
  /** Whether a body of bytes that are no text holds a secret: it is not shown in part. */
  hides(bytes: Buffer, type: string): boolean;
}

const OPEN: Redaction = {
  text: (text) => text,
  field: (_name, value) => value,
  body: (text) => text,
  cookie: (value) => value,
  hides: () => false,
};

/** The redaction of an attempt. @param secrets show them */
export function redactionOf(attempt: RecordedAttempt, secrets: boolean): Redaction {
  if (secrets) return OPEN;
  const fields = attempt.fields.list.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  const values = new Set(
    [attempt.head ?? `${attempt.method} ${attempt.target}\r\n`, fields].flatMap(secretValues),
  );
  return {
    text: (text) => hideValues(hideInText(text), values),
    field: (name, value) => hideValues(hideInField(name, value), values),
    body: (text, type) => hideValues(hideInBody(type, text), values),
    cookie: (value) => (value === "" ? "" : HIDDEN),
    hides: (bytes, type) => {
      const text = latin1Text(bytes);
      return hideValues(hideInBody(type, text), values) !== text;
    },
  };
}

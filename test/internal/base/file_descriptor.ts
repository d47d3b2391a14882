// Descriptors as callers give them, and what is none.
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { fdNumber } from "../../../lib/internal/base/file_descriptor.js";

t.test("numbers and handles", async (t) => {
  t.equal(fdNumber(0, "f"), 0);
  t.equal(fdNumber(7, "f"), 7);
  const handle = await open(fileURLToPath(import.meta.url));
  t.equal(fdNumber(handle, "f"), handle.fd);
  await handle.close();
  t.throws(() => fdNumber(handle, "f"), new TypeError("f: the file descriptor is not open"));
});

t.test("anything but a descriptor is refused", async (t) => {
  const wrong = [-1, 1.5, NaN, Infinity, "1", null, undefined, {}] as unknown as number[];
  for (const value of wrong) {
    t.throws(() => fdNumber(value, "f"), new TypeError("f: the file descriptor is not open"));
  }
});

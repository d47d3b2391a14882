// What callers may ask of a transfer: each mistake is named, and a state of another upload is
// refused.
import t from "tap";
import * as options from "../../../lib/internal/transfer/options.js";
import type { State } from "../../../lib/internal/transfer/upload_job.js";

const mistake = (call: () => unknown): string => {
  try {
    call();
    return "no mistake";
  } catch (error) {
    return error instanceof TypeError ? error.message : `no TypeError: ${String(error)}`;
  }
};

t.test("fields of the transfer are its own", async (t) => {
  t.strictSame(options.readHeaders(undefined, "f"), []);
  t.strictSame(options.readHeaders({ "X-A": "b" }, "f"), [["X-A", "b"]]);
  for (const name of ["Range", "If-Match", "IF", "Destination", "Upload-Offset", "Tus-Resumable"]) {
    const message = `f: the field ${name} is the transfer's own, or one of its options`;
    t.equal(mistake(() => options.readHeaders({ [name]: "x" }, "f")), message);
  }
});

t.test("conditions", async (t) => {
  const good = ["*", '"a"', 'W/"a"', '"a", "b"', '""'];
  for (const tag of good) t.equal(options.readConditions(tag, undefined, "f").match, tag);
  t.strictSame(options.readConditions(undefined, "*", "f"), { match: null, noneMatch: "*" });
  for (const tag of ["a", '"a', "", '"a" "b"', '"a",', "w/\"a\""]) {
    const message = "f: if_match must be * or an ETag with its quotes";
    t.equal(mistake(() => options.readConditions(tag, undefined, "f")), message, tag);
  }
  t.match(mistake(() => options.readConditions(undefined, '"a"\r\nX: y', "f")), /holds CR, LF or NUL/);
  t.match(mistake(() => options.readConditions(7 as unknown as string, undefined, "f")), /must be a string/);
});

t.test("values", async (t) => {
  const count = { name: "chunk", least: 1, usual: 5 };
  t.equal(options.readCount(undefined, count, "f"), 5);
  t.equal(options.readCount(1, count, "f"), 1);
  for (const value of [0, 1.5, NaN, Infinity, "1"] as number[]) {
    t.equal(mistake(() => options.readCount(value, count, "f")), "f: chunk must be a whole number from 1 on");
  }
  t.equal(options.readDate(undefined, "mtime", "f"), null);
  t.match(mistake(() => options.readDate(new Date(NaN), "mtime", "f")), /must be a valid Date/);
  t.match(mistake(() => options.readDate(1 as unknown as Date, "mtime", "f")), /must be a valid Date/);
  t.match(mistake(() => options.readSignal({} as AbortSignal, "f")), /must be an AbortSignal/);
  t.match(mistake(() => options.readCallback("x" as unknown as () => void, "progress", "f")), /must be a function/);
  t.equal(options.readProtocol(undefined, "f"), "auto");
  t.equal(options.readProtocol("tus", "f"), "tus");
  t.equal(mistake(() => options.readProtocol("ftp" as "tus", "f")), "f: there is no protocol ftp");
  for (const source of [null, 7, {}, [1]] as unknown as string[]) {
    t.match(mistake(() => options.readSource(source, "f")), /the source must be/);
  }
});

const STATE: State = { protocol: "tus", path: "/a", url: "/up/1", size: 10, done: 4, source: "v1:x" };

t.test("a state that fits", async (t) => {
  t.strictSame(options.readState(STATE, "/a", "auto", "f"), STATE);
  t.strictSame(options.readState(STATE, "/a", "tus", "f"), STATE);
  t.equal(options.readState(null, "/a", "auto", "f"), null);
  t.strictSame(options.readState({ ...STATE, size: null, done: 99 }, "/a", "auto", "f")?.done, 99);
  const more = { ...STATE, evil: 1 } as State;
  t.notOk("evil" in (options.readState(more, "/a", "auto", "f") ?? {}), "nothing else of it is kept");
});

t.test("states that do not", async (t) => {
  const rows: [change: object, message: string][] = [
    [{ protocol: "x" }, "names no protocol of this version"],
    [{ protocol: "put" }, "is of put, not of tus"],
    [{ path: "/b" }, "is one of another path"],
    [{ url: "http://evil/up" }, "has no place of its pieces"],
    [{ url: 7 }, "has no place of its pieces"],
    [{ source: undefined }, "does not say what its source was"],
    [{ source: "v99:x" }, "is another version's"],
    [{ done: -1 }, "has numbers that make no sense"],
    [{ done: 11 }, "has numbers that make no sense"],
    [{ size: 1.5 }, "has numbers that make no sense"],
    [{ size: "10" }, "has numbers that make no sense"],
  ];
  for (const [change, message] of rows) {
    const state = { ...STATE, ...change } as State;
    t.equal(mistake(() => options.readState(state, "/a", "tus", "f")), `f: the state ${message}`);
  }
  t.match(mistake(() => options.readState("x" as unknown as State, "/a", "tus", "f")), /must be an object/);
});

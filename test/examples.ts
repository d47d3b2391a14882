// The examples of docs/examples, each run as the program that it is, against the server that it
// starts. What it says has to be what it is there to show. Needs the build.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";

const EXAMPLES = fileURLToPath(new URL("../dist/examples/", import.meta.url));

const SAID: [name: string, lines: string[]][] = [
  [
    "shell",
    [
      'password for "libneon demo", attempt 1',
      'password for "libneon demo", attempt 2',
      "/notes is at /notes/",
      "  /notes/%231%3Bx%3Dy.txt is #1;x=y.txt",
      "  /notes/100%25%20odd.txt is 100% odd.txt",
      "  /notes/a%20%26%20b.txt is a & b.txt",
      "  /notes/caf%C3%A9.txt is café.txt",
      "  /notes/what%3F.txt is what?.txt",
      "locked /notes/",
      "edited: 204 No Content, with a new tag",
      "edited again, by the tag of before: 412 Precondition Failed",
      'password for "libneon demo", attempt 1',
      'password for "libneon demo", attempt 2',
      "edited by somebody else: 423 Locked",
      "moved: 201 Created",
      "unlocked; edited by somebody else: 204 No Content",
    ],
  ],
  [
    "cache",
    [
      "/page.html: 200, 3000 bytes, gzip, weak tag",
      "/page.html: 304, 3000 bytes from the cache",
      "/page.html: 200, 6000 bytes, gzip, weak tag",
      "/page.html: 304, 6000 bytes from the cache",
      "connections closed so far: 1",
      "asked at another server: elsewhere, 304, 6000 bytes from the cache",
    ],
  ],
  [
    "transfers",
    [
      "upload: Aborted; 1 part there",
      "upload again: 3 parts were missing; throttled: true",
      "download: broken off after a third",
      "download again: 206 Partial Content",
      "it is the same: true",
      "changed in between: 200 OK",
      "it is the new one: a new version",
    ],
  ],
  [
    "synchroniser",
    [
      "/copy/: made",
      "/copy/a%20b.txt: new",
      "/copy/sub/: made",
      "/copy/sub/free.txt: new",
      "/copy/sub/kept.txt: new",
      "once more",
      "/copy/: there already",
      "/copy/a%20b.txt: changed by somebody else, left alone",
      "/copy/sub/: there already",
      "/copy/sub/free.txt: replaced",
      "/copy/sub/kept.txt: replaced",
      "theirs is kept: true",
      "removing /copy/sub/: /copy/sub/kept.txt: 403 Forbidden",
    ],
  ],
  [
    "report",
    [
      "/calendar/1.ics: SUMMARY:Event 1",
      "/calendar/2.ics: SUMMARY:Event 2",
      "/calendar/3.ics: SUMMARY:Event 3",
      "/calendar/4.ics: SUMMARY:Event 4",
      "/calendar/5.ics: SUMMARY:Event 5",
      "5 members, each read before the next was looked at",
    ],
  ],
  [
    "script-shell",
    [
      'password for "libneon demo", attempt 1',
      'password for "libneon demo", attempt 2',
      "/notes is at /notes/",
      "  /notes/%231%3Bx%3Dy.txt is #1;x=y.txt",
      "  /notes/100%25%20odd.txt is 100% odd.txt",
      "  /notes/a%20%26%20b.txt is a & b.txt",
      "  /notes/caf%C3%A9.txt is café.txt",
      "  /notes/what%3F.txt is what?.txt",
      "locked /notes/",
      "edited: 204 No Content, with a new tag",
      "edited again, by the tag of before: 412 Precondition Failed",
      'password for "libneon demo", attempt 1',
      'password for "libneon demo", attempt 2',
      "edited by somebody else: 423 Locked",
      "moved: 201 Created",
      "unlocked; edited by somebody else: 204 No Content",
    ],
  ],
  [
    "script-cache",
    [
      "200, 3000 bytes, gzip",
      "304, 3000 bytes from the cache",
      "200, 6000 bytes, gzip",
      "the server has closed the connection",
      "304, 6000 bytes from the cache",
      "asked at another server: 304, 6000 bytes from the cache",
    ],
  ],
  [
    "script-transfers",
    [
      "upload: Aborted; 1 part there",
      "upload again: 3 parts were missing",
      "download: broken off after a third",
      "download again: 206 Partial Content",
      "it is the same: true",
    ],
  ],
  [
    "script-synchroniser",
    [
      "/copy/: made",
      "/copy/a%20b.txt: new",
      "/copy/sub/: made",
      "/copy/sub/free.txt: new",
      "/copy/sub/kept.txt: new",
      "once more",
      "/copy/: there already",
      "/copy/a%20b.txt: changed by somebody else, left alone",
      "/copy/sub/: there already",
      "/copy/sub/free.txt: replaced",
      "/copy/sub/kept.txt: replaced",
      "removing /copy/sub/: 207 Multi-Status",
      "  /copy/sub/ stayed",
      "  /copy/sub/kept.txt stayed",
    ],
  ],
  [
    "script-report",
    [
      "/calendar/1.ics: SUMMARY:Event 1",
      "/calendar/2.ics: SUMMARY:Event 2",
      "/calendar/3.ics: SUMMARY:Event 3",
      "/calendar/4.ics: SUMMARY:Event 4",
      "/calendar/5.ics: SUMMARY:Event 5",
      "5 members, each read before the next was looked at",
    ],
  ],
  [
    "editor-lock",
    [
      "somebody else, while it is open: 423 Locked",
      "saved: Dear Sir or Madam",
      "somebody else, afterwards: 204 No Content",
      "somebody else, who broke the lock: 204 No Content",
      "an autosave: 412 Precondition Failed",
      "the editor was told",
      "saving: The lock on /letter.txt is not there any more (412 Precondition Failed)",
      "it is theirs still: Dear nobody",
    ],
  ],
  [
    "tape",
    [
      "live: /notes/a.txt: remember the milk",
      "the key is on the tape: false",
      "from the tape: /notes/a.txt: remember the milk",
      "Could not read status line: DELETE http://server/notes/a.txt was not recorded; " +
        "nearest is GET http://server/notes/a.txt: the method differs",
    ],
  ],
];

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

function run(name: string, temp: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(EXAMPLES, `${name}.js`)], {
      env: { TMPDIR: temp, PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const outcome: Outcome = { code: null, out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (outcome.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (outcome.err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...outcome, code }));
  });
}

function folder(t: Test): string {
  const made = mkdtempSync(join(tmpdir(), "libneon-examples-"));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

for (const [name, lines] of SAID) {
  t.test(name, async (t) => {
    const temp = folder(t);
    const { code, out, err } = await run(name, temp);
    t.equal(err, "");
    t.strictSame(out.trimEnd().split("\n"), lines);
    t.equal(code, 0);
    t.strictSame(readdirSync(temp), [], "nothing is left behind");
  });
}

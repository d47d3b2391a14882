// Tests mirror the rooms: lib/internal/x/y.ts is tested by test/internal/x/y.ts. The few files that
// have no test of their own are listed with the one that covers them.
import t from "tap";
import { filesBelow } from "../fixtures/sources.js";

/** Files that are types, constants, or the middle of one way that is only tested as a whole. */
const COVERED: Readonly<Record<string, string>> = {
  ...by("house/symbols.ts", "base/constants"),
  ...by("internal/base/digest_text.ts", "base/crypto"),
  ...by("internal/tls/certificate_handles.ts", "tls/certificate"),
  ...by("ne_auth.ts", "plugins/login"),
  ...by("ne_basic.ts", "plugins/file_output"),
  ...by("internal/plugins/lock_store.ts", "plugins/lock_record", "plugins/lock_submission"),
  ...by("ne_request.ts", "session/request", "session/request_state"),
  ...by("ne_request_callbacks.ts", "session/ending"),
  ...by("ne_request_kept.ts", "session/connection"),
  ...by("ne_session.ts", "session/connect", "session/new_connection"),
  ...by("ne_session.ts", "session/session", "session/session_state"),
  ...by("ne_ssl_session.ts", "session/start_tls"),
  ...by("nx_session.ts", "session/given_transport"),
  ...by("internal/session/send_body.ts", "session/body_source"),
  ...by("nx_proxy.ts", "session/tunnel"),
  ...by("nx_stream.ts", "session/upgrade"),
  ...by("faults.ts", "session/report", "trace/failure_report"),
  ...by("nx_trace.ts", "trace/har"),
  ...by("nx_list.ts", "resources/multistatus_reader", "resources/nx_list", "resources/resource"),
  ...by("nx_dav.ts", "resources/walk"),
  ...by("nx_dav_calendars.ts", "resources/calendars", "resources/discover"),
  ...by("nx_dav_sync.ts", "resources/changes", "resources/sync"),
  ...by("internal/script/send.ts", "script/result_record", "script/one_request"),
  ...by("internal/transfer/open_target.ts", "transfer/target"),
  ...by("internal/transfer/upload.ts", "transfer/choose_protocol", "transfer/collection"),
  ...by("internal/transfer/upload.ts", "transfer/nextcloud", "transfer/tus", "transfer/sabre_patch"),
  ...by("internal/transfer/upload.ts", "transfer/content_range"),
};

function by(test: string, ...files: string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [`internal/${file}.ts`, test]));
}

const files = filesBelow("lib", ".ts").filter((file) => file.startsWith("internal/"));
const tests = new Set(filesBelow("test", ".ts"));

t.test("every file has its test, or stands in the list", async (t) => {
  t.ok(files.length > 0);
  const without = files.filter((file) => !tests.has(file) && !(file in COVERED));
  t.strictSame(without, []);
});

t.test("the list holds nothing that is not needed", async (t) => {
  for (const [file, test] of Object.entries(COVERED)) {
    t.ok(files.includes(file), `${file} is a file`);
    t.notOk(tests.has(file), `${file} has no test of its own`);
    t.ok(tests.has(test), `test/${test} exists`);
  }
});

t.test("the list stays short", async (t) => {
  t.ok(Object.keys(COVERED).length <= files.length / 5);
});

t.test("no test is left behind by its file", async (t) => {
  const orphans = [...tests].filter((test) => test.startsWith("internal/") && !files.includes(test));
  t.strictSame(orphans, []);
});

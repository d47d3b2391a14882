// What has to hold of the resource that is replaced: as fields, and looked at by ourselves.
import t from "tap";
import {
  checkConditions,
  hasConditions,
  moveCondition,
  overwriteField,
  putConditions,
} from "../../../lib/internal/transfer/conditions.js";
import { failureOf, openSession } from "../../fixtures/conversation.js";
import { answering } from "../../fixtures/dav.js";
import { jobOf } from "../../fixtures/transfer/job.js";

const NONE = { match: null, noneMatch: null };

t.test("fields of a PUT and of a MOVE", async (t) => {
  t.equal(hasConditions(NONE), false);
  t.strictSame(putConditions(NONE), []);
  const both = { match: '"a"', noneMatch: "*" };
  t.equal(hasConditions(both), true);
  t.strictSame(putConditions(both), [["If-Match", '"a"'], ["If-None-Match", "*"]]);
  t.strictSame(overwriteField(NONE), ["Overwrite", "T"]);
  t.strictSame(overwriteField(both), ["Overwrite", "F"]);
  t.strictSame(overwriteField({ ...NONE, noneMatch: '"a"' }), ["Overwrite", "T"]);
});

t.test("the field If of a MOVE, tagged with the target", async (t) => {
  const sess = openSession(t, 81, "h");
  const rows: [match: string | null, noneMatch: string | null, lists: string | null][] = [
    [null, null, null],
    ["*", null, null],
    ['"a"', null, '(["a"])'],
    ['"a", W/"b"', null, '(["a"]) ([W/"b"])'],
    [null, '"a", "b"', '(Not ["a"] Not ["b"])'],
    ['"a"', '"b"', '(["a"]) (Not ["b"])'],
  ];
  for (const [match, noneMatch, lists] of rows) {
    const job = jobOf(sess, Buffer.alloc(0), { conditions: { match, noneMatch } });
    t.equal(moveCondition(job), lists === null ? null : `<http://h:81/d/file> ${lists}`);
  }
});

t.test("looked at by ourselves", async (t) => {
  const there = (etag?: string) => ({ status: "200 OK", fields: etag === undefined ? [] : [`ETag: ${etag}`] });
  const gone = { status: "404 Not Found" };
  const rows: [match: string | null, noneMatch: string | null, found: object, holds: boolean][] = [
    ['"a"', null, there('"a"'), true],
    ['"a"', null, there('"b"'), false],
    ['"b", "a"', null, there('"a"'), true],
    ['W/"a"', null, there('W/"a"'), false],
    ['"a"', null, there(), false],
    ['"a"', null, gone, false],
    ["*", null, there(), true],
    ["*", null, gone, false],
    [null, "*", there('"a"'), false],
    [null, "*", gone, true],
    [null, '"a"', there('"b"'), true],
    [null, '"a"', there('W/"a"'), false],
    [null, '"a"', there(), true],
  ];
  for (const [match, noneMatch, found, holds] of rows) {
    const { sess, server } = await answering(t, found);
    const job = jobOf(sess, Buffer.alloc(0), { conditions: { match, noneMatch } });
    const error = await failureOf(() => checkConditions(job));
    const what = `${match} ${noneMatch} ${JSON.stringify(found)}`;
    if (holds) t.equal(error, null, what);
    else t.match(error, { message: "412 Precondition Failed" }, what);
    t.equal(server.requests[0]?.method, "HEAD");
  }
});

t.test("what cannot be found out does not hold", async (t) => {
  const { sess } = await answering(t, { status: "403 Forbidden" });
  const job = jobOf(sess, Buffer.alloc(0), { conditions: { match: '"a"', noneMatch: null } });
  t.match(await failureOf(() => checkConditions(job)), { message: "403 Forbidden" });
});

t.test("nothing is asked where there is nothing to look at", async (t) => {
  t.equal(await failureOf(() => checkConditions(jobOf(openSession(t, 1), Buffer.alloc(0)))), null);
});

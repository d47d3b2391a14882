// Creates and destroys requests. The attempt to get a response is in attempt.ts.
import {
  NE_DBG_HTTP,
  NE_SESSFLAG_EXPECT100,
  NE_SESSFLAG_PERSIST,
} from "../base/constants.js";
import { HandleType, type ne_request } from "../base/handle.js";
import { fixedFields } from "../http/request_head.js";
import { ne_status } from "../../ne_utils.js";
import { connectionIn, turnOf } from "./attempt.js";
import { eachHook, needSync } from "./callbacks.js";
import { Scope } from "./cancellation.js";
import { breakOff } from "./ending.js";
import { NO_REPORT } from "./report.js";
import { NO_CLOCK, NO_FIELDS, type OpenTunnel, type Request } from "./request_state.js";
import { httpProxyInUse } from "./route.js";
import type { Session } from "./session_state.js";
import { trace } from "./trace.js";

export const requests = new HandleType<"ne_request", Request>(
  "ne_request",
  destroyRequest,
  ({ method, target, answered, status }) =>
    `${method} ${target.replace(/\?.*$/s, "?…")}${answered ? `, ${status.code}` : ""}`,
);

/** Makes the record of a request; hooks are the caller's matter. */
export function createRequest(
  s: Session,
  method: string,
  target: string,
  openTunnel: OpenTunnel,
): Request {
  return requests.createWith((handle) => ({
    handle,
    session: s,
    method,
    target,
    fragment: "",
    fields: {
      fixed: fixedFields({
        userAgent: s.userAgent,
        hostport: s.hostport,
        persist: s.flags[NE_SESSFLAG_PERSIST] !== 0,
        plainTe: s.http11 || httpProxyInUse(s) !== null,
      }),
      added: "",
      trailer: "",
    },
    flags: [s.flags[NE_SESSFLAG_EXPECT100] ?? 0, 1, 1],
    body: null,
    readers: [],
    interims: [],
    privates: null,
    tunnel: null,
    openTunnel,
    scope: new Scope(),
    bounds: { deadlineMs: 0, signal: null },
    once: false,
    attempt: { at: "idle", kept: null },
    answered: false,
    traced: null,
    clock: NO_CLOCK,
    report: NO_REPORT,
    status: new ne_status(),
    response: { fields: NO_FIELDS, trailer: NO_FIELDS },
    targetUri: null,
  }));
}

/** Tells the session's hooks of a new request. */
export function runCreateHooks(r: Request): void {
  for (const { fn, userdata } of eachHook(r.session.hooks.createRequest)) {
    needSync(fn(r.handle, userdata, r.method, r.target), "ne_create_request_fn");
  }
}

/** The connection that the request uses or will use, `null` while there is none. */
export function connectionOf(req: ne_request): object | null {
  const r = requests.open(req, "connectionOf");
  const held = connectionIn(r) ?? ("kept" in r.attempt ? r.attempt.kept : null);
  if (held !== null) return held.open ? held : null;
  return turnOf(r)?.extra === true ? null : (r.session.work.idle.at(-1) ?? null);
}

function destroyRequest(r: Request): void {
  const s = r.session;
  if (turnOf(r) !== null) {
    const why = r.attempt.at === "body" ? null : "the request was destroyed";
    r.scope.abort(new Error("the request was destroyed"));
    breakOff(r, why);
  }
  r.response = { fields: NO_FIELDS, trailer: NO_FIELDS };
  trace(s, NE_DBG_HTTP, "Running destroy hooks.\n");
  for (const { fn, userdata } of eachHook(s.hooks.destroyRequest)) {
    needSync(fn(r.handle, userdata), "ne_destroy_req_fn");
  }
  trace(s, NE_DBG_HTTP, "Request ends.\n");
}

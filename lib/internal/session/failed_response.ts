// For nx_get_failure: how functions above the conversation report that they take a response for a
// failure, or cannot read it. One of the doors that test/house/floors.ts lists.
import { NE_ERROR, NE_OK } from "../base/constants.js";
import type { ne_request } from "../base/handle.js";
import { requests } from "./request.js";
import { reportEnd } from "./report.js";

/** The content of the response cannot be read; the code that says so is still to come. */
export function reportUnreadable(req: ne_request): void {
  requests.open(req, "reportUnreadable").report.phase = "parse";
}

/** A login failed in another way than by being refused; the code is still to come. */
export function reportLogin(req: ne_request): void {
  requests.open(req, "reportLogin").report.phase = "auth";
}

/**
 * Makes the response of a request that has ended a failure. The session's error string says why.
 * @returns `NE_ERROR`, or the code that it has ended with already
 */
export function failResponse(req: ne_request): number {
  const r = requests.open(req, "failAnswer");
  const { report } = r;
  if (report.code !== NE_OK) return report.code;
  const { status } = report;
  if (status === 401 || status === 407) report.phase = "auth";
  else if (report.phase !== "parse") report.phase = status === 207 ? "body" : "head";
  reportEnd(r, NE_ERROR);
  return NE_ERROR;
}

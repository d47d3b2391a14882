// What has to hold of the resource that an upload replaces (RFC 9110 section 13): as fields of the
// request that replaces it, and looked at beforehand where a protocol knows no such fields.
import { inspect } from "./verify_upload.js";
import type { TransferResponse, Field } from "./transfer_request.js";
import { conditionFailed } from "./failed_transfer.js";
import { urlOf, type Conditions, type Job } from "./upload_job.js";

/** Whether there is anything to look at. */
export function hasConditions({ match, noneMatch }: Conditions): boolean {
  return match !== null || noneMatch !== null;
}

/** The fields of a PUT to the resource itself. */
export function putConditions({ match, noneMatch }: Conditions): Field[] {
  const fields: Field[] = [];
  if (match !== null) fields.push(["If-Match", match]);
  if (noneMatch !== null) fields.push(["If-None-Match", noneMatch]);
  return fields;
}

/** The Overwrite field of a MOVE to the resource. */
export function overwriteField({ noneMatch }: Conditions): Field {
  return ["Overwrite", noneMatch === "*" ? "F" : "T"];
}

/**
 * The value of the field If of a MOVE to the resource, tagged with it (RFC 4918 section 10.4):
 * several lists are alternatives. `null` where no entity tag is asked for.
 */
export function moveCondition(job: Job): string | null {
  const { match, noneMatch } = job.conditions;
  const wanted = tagsOf(match).map((tag) => `([${tag}])`);
  const unwanted = tagsOf(noneMatch).map((tag) => `Not [${tag}]`);
  if (unwanted.length > 0) wanted.push(`(${unwanted.join(" ")})`);
  return wanted.length === 0 ? null : `<${urlOf(job.context, job.path)}> ${wanted.join(" ")}`;
}

/** Looks whether the conditions hold now. Throws a 412 of our own where they do not. */
export async function checkConditions(job: Job): Promise<void> {
  const { conditions, path } = job;
  if (!hasConditions(conditions)) return;
  const { exists, etag } = await inspect(job, path);
  if (!holds(conditions, exists, etag)) throw conditionFailed(ownResponse(path));
}

function holds({ match, noneMatch }: Conditions, exists: boolean, etag: string | null): boolean {
  if (match !== null) {
    if (!exists) return false;
    // the strong comparison
    const isSame = etag !== null && !etag.startsWith("W/") && tagsOf(match).includes(etag);
    if (match !== "*" && !isSame) return false;
  }
  if (noneMatch === null || !exists) return true;
  if (noneMatch === "*") return false;
  const plain = (tag: string): string => tag.replace(/^W\//, "");
  return etag === null || !tagsOf(noneMatch).map(plain).includes(plain(etag));
}

function tagsOf(list: string | null): string[] {
  return list?.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

function ownResponse(path: string): TransferResponse {
  return {
    method: "HEAD",
    path,
    code: 0,
    error: "",
    cause: null,
    status: null,
    headers: [],
    body: Buffer.alloc(0),
    challenged: false,
  };
}

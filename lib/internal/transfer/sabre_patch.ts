// Partial updates as SabreDAV has them: PATCH with the type application/x-sabredav-partialupdate
// and the bytes that it replaces in X-Update-Range (https://sabre.io/dav/http-patch/).
import { NE_DEPTH_ZERO } from "../base/constants.js";
import { discard, progressFrom, type Protocol } from "./upload_job.js";
import { makeTemporary, moveIntoPlace, nameBeside, standingOf, writePiece } from "./temporary.js";

export const sabrePatch: Protocol = {
  name: "sabre-patch",
  piecesLeft: () => Infinity,
  begin: (job) => makeTemporary(job, nameBeside(job.path)),
  standing: standingOf,
  send(job, url, piece) {
    const { start, length } = piece;
    if (length === 0) return Promise.resolve(start);
    return writePiece(job, piece, {
      method: "PATCH",
      target: url,
      fields: [
        ["Content-Type", "application/x-sabredav-partialupdate"],
        ["X-Update-Range", `bytes=${start}-${start + length - 1}`],
        ["If-Match", "*"],
      ],
      body: (req) => job.source.give(req, start, length, progressFrom(job, start)),
      changes: [[url, NE_DEPTH_ZERO]],
    });
  },
  finish: moveIntoPlace,
  remove: discard,
};

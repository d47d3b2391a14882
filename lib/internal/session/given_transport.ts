// What a session is connected by in place of TCP: a stream that the application makes, or a
// Unix-domain socket.
import type { Duplex } from "node:stream";
import { NE_SOCK_ERROR } from "../base/constants.js";
import { isPromise } from "../base/promise.js";
import { hasMethods } from "../base/unknown_value.js";
import { connectUnix } from "../wire/tcp.js";
import { Wire } from "../wire/wire.js";
import { failureOf, type WireFailure } from "../wire/wire_failure.js";
import { awaitApplication } from "./callbacks.js";
import type { NewConnection } from "./new_connection.js";
import type { Route } from "./route.js";

/** Connects to a Unix-domain socket. */
export function openUnix(o: NewConnection, path: string): Promise<Wire | WireFailure> {
  return connectUnix(path, o.session.timeouts.connect, (cancel) => {
    o.scope.onBreak(({ message, cause }) =>
      cancel({ code: NE_SOCK_ERROR, error: message, cause }),
    );
  });
}

/** Asks the application for a stream. */
export async function askConnector(
  o: NewConnection,
  { fn, userdata }: NonNullable<Route["connector"]>,
): Promise<Wire | WireFailure> {
  const s = o.session;
  try {
    const result = fn(userdata, s.server.hostname, s.server.port);
    const stream = isPromise(result) ? await awaitStream(o, result) : result;
    if (!isStream(stream)) {
      return { code: NE_SOCK_ERROR, error: "the connector gave no stream", cause: null };
    }
    // the connector itself broke the request off
    if (o.scope.broken !== null) stream.destroy();
    o.scope.check();
    return new Wire(stream);
  } catch (error) {
    o.scope.check();
    return { ...failureOf(error), code: NE_SOCK_ERROR };
  }
}

function isStream(given: unknown): given is Duplex {
  return hasMethods(given, "write", "on");
}

// A stream that comes after the request was broken off is nobody's.
function awaitStream(o: NewConnection, promise: PromiseLike<unknown>): Promise<unknown> {
  const drop = (stream: unknown): void => {
    if (o.scope.broken === null || !isStream(stream)) return;
    if (hasMethods(stream, "destroy")) stream.destroy();
  };
  promise.then(drop, () => {});
  return awaitApplication(o.session, o.turn, o.scope, promise);
}

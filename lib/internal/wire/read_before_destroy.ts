// Node destroys a socket as soon as a write fails, and what its peer had sent before is lost with
// it: the answer that says why the peer reads no more, for one. So a socket that failed to write is
// first read to its end, which the system knows by then. Where Node does not call its own public
// methods in this way, the socket is destroyed at once, as any other.
import type { Socket } from "node:net";

/** Lets a socket whose write fails be read to its end before it is destroyed. */
export function readBeforeDestroy(socket: Socket): void {
  socket.destroy = function (error?: Error): Socket {
    stopReadingBeforeDestroy(socket);
    const isWrite = (error as NodeJS.ErrnoException | undefined)?.syscall === "write";
    if (!isWrite || socket.readableEnded) return socket.destroy(error);
    const { push } = socket;
    // a read that fails destroys the socket by itself
    socket.push = function (chunk: unknown, encoding?: BufferEncoding): boolean {
      const more = push.call(socket, chunk, encoding);
      if (chunk === null) socket.destroy(error);
      return more;
    };
    return socket;
  };
}

/** Takes that back. */
export function stopReadingBeforeDestroy(socket: Socket): void {
  if (Object.hasOwn(socket, "destroy")) Reflect.deleteProperty(socket, "destroy");
}

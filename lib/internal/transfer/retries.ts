// When a request is tried again, and how long to wait before.
import { NE_AUTH, NE_OK, NE_PROXYAUTH } from "../base/constants.js";
import { onAbort } from "../base/abort_signal.js";
import { pauseMs } from "../script/retry.js";
import {
  fieldOf,
  isLive,
  type TransferResponse,
  type TransferContext,
} from "./transfer_request.js";
import { checkSignal, refused } from "./failed_transfer.js";

/** A server that asks for more patience than this, in milliseconds, is not waited for. */
const LONGEST_PAUSE = 600_000;

/** Statuses of class 5 that no repetition changes (RFC 9110, RFC 4918 section 11.5). */
const LASTING = [501, 505, 507];

/** Whether a response never came, so that nobody knows what became of the request. */
export function isLost({ status, code }: TransferResponse): boolean {
  if (status === null) return code !== NE_OK && code !== NE_AUTH && code !== NE_PROXYAUTH;
  // a gateway that has lost the response
  return status.code === 502 || status.code === 504;
}

/** Whether the same request may do better later. */
export function isTransient(response: TransferResponse): boolean {
  const { status, code } = response;
  if (status === null) return isLost(response);
  if (code !== NE_OK) return false;
  if (status.code === 408 || status.code === 429) return true;
  return status.klass === 5 && !LASTING.includes(status.code);
}

/** Counts the tries of one step. */
export class Tries {
  #made = 0;

  /**
   * @param most how often to try again
   * @param passes what passes besides
   */
  constructor(
    readonly context: TransferContext,
    readonly most: number,
    readonly passes: (response: TransferResponse) => boolean = () => false,
  ) {}

  /** The step went forward: what follows is another. */
  reset(): void {
    this.#made = 0;
  }

  /** Waits until it is time to try again; throws if the failure is not one of those that pass. */
  async again(response: TransferResponse): Promise<void> {
    if (!(await this.may(response))) throw refused(response);
  }

  /** Waits until it is time to try again. @returns whether there is anything to hope for */
  async may(response: TransferResponse): Promise<boolean> {
    checkSignal(this.context);
    const isAborted = response.cause?.name === "AbortError";
    const passes = isTransient(response) || this.passes(response);
    if (!passes || isAborted || !isLive(this.context) || this.#made >= this.most) return false;
    const ms = pauseMs(++this.#made, fieldOf(response, "retry-after"));
    if (ms > LONGEST_PAUSE) return false;
    await pause(ms, this.context.signal);
    checkSignal(this.context);
    return isLive(this.context);
  }
}

/** Waits so many milliseconds, or until the signal fires. */
function pause(ms: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(over, ms);
    const forget = signal === null ? (): void => {} : onAbort(signal, over);
  });
}

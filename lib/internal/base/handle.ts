// What stands behind every opaque pointer of C: one class whose state only the library can reach,
// and the type object that makes, opens and destroys handles of one name. A caller's mistake
// becomes a TypeError that names the function, here and nowhere else.

/** A mistake of the caller: names the function and what was wrong with the call. */
export function misuse(caller: string, what: string): TypeError {
  return new TypeError(`${caller}: ${what}`);
}

declare const brand: unique symbol;

/**
 * An opaque handle with a destroy function. Leaving the scope of a `using` declaration calls that
 * function. Every call given a destroyed handle throws a `TypeError`.
 */
export interface ne_handle<Name extends string> extends ne_opaque<Name> {
  /** Destroys the handle: what leaving the scope of a `using` declaration calls. */
  [Symbol.dispose](): void;
  /** The same for `await using`. Nothing is waited for: destroying is synchronous, as in C. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An opaque value: it can be passed around and compared with `===`, nothing else. */
export interface ne_opaque<Name extends string> {
  /** Keeps the kinds apart for the compiler; nothing of the kind is there at run time. */
  readonly [brand]: Name;
}

// What a handle knows of its type.
interface Kind {
  readonly name: string;
  describe(state: unknown): string;
  destroy(handle: unknown, caller: string): void;
}

// The state slot is emptied when the handle is destroyed.
class Handle<Name extends string> {
  declare readonly [brand]: Name;
  #type: Kind;
  #state: unknown;
  #borrowed: boolean;
  #ending = false;

  constructor(type: Kind, state: unknown, borrowed: boolean) {
    this.#type = type;
    this.#state = state;
    this.#borrowed = borrowed;
  }

  // undefined for anything that is no live handle of this type
  static stateOf(handle: unknown, type: Kind): unknown {
    if (typeof handle !== "object" || handle === null || !(#type in handle)) return undefined;
    return handle.#type === type ? handle.#state : undefined;
  }

  static describe(handle: unknown, name: string): string {
    if (typeof handle === "object" && handle !== null && #type in handle) {
      return handle.#type.name === name
        ? `the ${name} was destroyed already`
        : `expected a ${name}, got a ${handle.#type.name}`;
    }
    return `expected a ${name}, got ${handle === null ? "null" : typeof handle}`;
  }

  static isLive(handle: unknown, name: string): boolean {
    if (typeof handle !== "object" || handle === null || !(#type in handle)) return false;
    return handle.#type.name === name && handle.#state !== undefined;
  }

  static isBorrowed(handle: unknown): boolean {
    return typeof handle === "object" && handle !== null && #type in handle && handle.#borrowed;
  }

  // whether the teardown may run: once
  static beginEnding(handle: unknown): boolean {
    if (typeof handle !== "object" || handle === null || !(#type in handle)) return false;
    const begun = handle.#ending;
    handle.#ending = true;
    return !begun;
  }

  static fill(handle: Handle<string>, state: unknown): void {
    handle.#state = state;
  }

  static empty(handle: unknown): void {
    if (typeof handle === "object" && handle !== null && #type in handle) handle.#state = undefined;
  }

  [Symbol.dispose](): void {
    if (this.#state !== undefined) this.#type.destroy(this, `${this.#type.name} disposal`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }

  // what console.log shows: one line
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const { name } = this.#type;
    const state = this.#state;
    return `${name} <${state === undefined ? "destroyed" : this.#type.describe(state)}>`;
  }
}
Reflect.deleteProperty(Handle.prototype, "constructor");
Object.freeze(Handle.prototype);

/** Makes, opens and destroys the handles of one C pointer type. */
export class HandleType<Name extends string, State> {
  /**
   * @param name the C name of the type, for messages
   * @param teardown what destroying does; it runs while the handle can still be opened
   * @param describe a few words for people, without secrets
   */
  constructor(
    readonly name: Name,
    readonly teardown: (state: State) => void = () => {},
    readonly describe: (state: State) => string = () => "live",
  ) {}

  /** A handle owned by the caller. */
  create(state: State): ne_handle<Name> {
    return Object.freeze(new Handle<Name>(this, state, false));
  }

  /** As `create`, for a state that holds its handle. */
  createWith<S extends State>(make: (handle: ne_handle<Name>) => S): S {
    const handle = new Handle<Name>(this, undefined, false);
    const state = make(Object.freeze(handle));
    Handle.fill(handle, state);
    return state;
  }

  /** A handle lent to the caller, who must not destroy it (pointers to const in C). */
  lend(state: State): ne_handle<Name> {
    return Object.freeze(new Handle<Name>(this, state, true));
  }

  /** The state behind a handle. Throws for another type or a destroyed handle, naming `caller`. */
  open(handle: unknown, caller: string): State {
    const state = Handle.stateOf(handle, this);
    if (state === undefined) throw misuse(caller, Handle.describe(handle, this.name));
    // only this type makes handles of it, each with such a state
    return state as State;
  }

  /** Whether this is a live handle of the type. */
  is(handle: unknown): boolean {
    return Handle.stateOf(handle, this) !== undefined;
  }

  /** Destroys a handle that the caller owns: teardown, then the state is gone. */
  destroy(handle: unknown, caller: string): void {
    const state = this.open(handle, caller);
    if (Handle.isBorrowed(handle)) {
      throw misuse(caller, `this ${this.name} is borrowed and must not be destroyed`);
    }
    if (!Handle.beginEnding(handle)) {
      throw misuse(caller, `the ${this.name} is being destroyed already`);
    }
    try {
      this.teardown(state);
    } finally {
      Handle.empty(handle);
    }
  }

  /** Ends a lent handle from the lender's side. */
  revoke(handle: unknown): void {
    if (this.is(handle)) Handle.empty(handle);
  }
}

/** Throws for what is no live handle of a type whose state only another module can open. */
export function needHandle(handle: unknown, name: string, caller: string): void {
  if (!Handle.isLive(handle, name)) throw misuse(caller, Handle.describe(handle, name));
}

// The pointer types of C, listed here on the ground floor so that any module may speak of any of
// them. Each face exports the ones that its header declares.

/** A session with one origin server. */
export interface ne_session extends ne_handle<"ne_session"> {}
/** A request and its response. */
export interface ne_request extends ne_handle<"ne_request"> {}
/** A TCP socket, with or without TLS. */
export interface ne_socket extends ne_handle<"ne_socket"> {}
/** The result of a name lookup. */
export interface ne_sock_addr extends ne_handle<"ne_sock_addr"> {}
/** A network address without port. */
export interface ne_inet_addr extends ne_handle<"ne_inet_addr"> {}
/** The distinguished name of a subject or issuer. Borrowed from its certificate. */
export interface ne_ssl_dname extends ne_opaque<"ne_ssl_dname"> {}
/** A certificate, possibly with the chain that the server sent. */
export interface ne_ssl_certificate extends ne_handle<"ne_ssl_certificate"> {}
/** A client certificate with its private key, either "encrypted" or "decrypted". */
export interface ne_ssl_client_cert extends ne_handle<"ne_ssl_client_cert"> {}
/** Settings for TLS connections. Needed only with ne_socket; a session has its own. */
export interface ne_ssl_context extends ne_handle<"ne_ssl_context"> {}

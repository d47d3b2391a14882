// Negotiate (RFC 4559) with tokens that the application makes. Some servers authenticate a
// connection and some every request: a challenge on a connection that was authenticated tells.
//
//   (no state) ── sign: first token ──► sent ── challenge with a token ──► answer
//   answer ── sign: next token ──► sent ── finish ──► done
//   done ── challenge without token: a server of the other kind, a token for every request from now
//   sent ── challenge without token: refused
import { ne_base64, ne_unbase64 } from "../../ne_string.js";
import { parseChallenges } from "./challenge.js";
import { NE_AUTH_GSSAPI_ONLY, NE_AUTH_SSPI } from "./protocol_bits.js";
import { rejected, type Asking, type Login, type Scheme } from "./scheme.js";
import { isBytes } from "../base/bytes.js";
import type { ne_out } from "../../ne_defs.js";

/** Handshakes begun again without success. */
const MAX_RESTARTS = 3;

/** A token, and the exchange that it belongs to: the same object for all its legs. */
interface Leg {
  readonly token: Uint8Array;
  readonly exchange: object;
}

type Phase = { readonly is: "sent" | "done" } | { readonly is: "answer"; readonly leg: Leg };

interface State {
  readonly phases: WeakMap<object, Phase>;
  /** The first leg of an exchange, made when the challenge was answered. */
  first: Leg | null;
  everyRequest: boolean;
  restarts: number;
}

interface NegotiateLogin extends Login {
  readonly negotiate: State;
}

function isNegotiate(login: Login | null): login is NegotiateLogin {
  return login?.scheme === NEGOTIATE;
}

/** Negotiate. */
export const NEGOTIATE: Scheme = {
  protocols: NE_AUTH_GSSAPI_ONLY | NE_AUTH_SSPI,
  protocol: NE_AUTH_GSSAPI_ONLY,
  name: "Negotiate",
  token: true,
  strength: () => 30,
  *challenge(challenge, at) {
    const old = isNegotiate(at.old) ? at.old : null;
    const state = old?.negotiate ?? newState();
    const phase = at.connection === null ? undefined : state.phases.get(at.connection);
    if (challenge.token === null && phase?.is === "sent") {
      return "ignoring empty Negotiate continuation";
    }
    if (old !== null && challenge.token === null && ++state.restarts > MAX_RESTARTS) {
      return rejected(NEGOTIATE);
    }
    if (phase?.is === "done") state.everyRequest = true;
    const theirs = challenge.token === null ? NO_TOKEN : decode(challenge.token);
    if (theirs === null) return "could not parse Negotiate challenge";
    const goesOn = theirs.length > 0 && at.connection !== null;
    const leg = yield* nextLeg(theirs, (goesOn && at.signature?.exchange) || {});
    if (leg === null) return rejected(NEGOTIATE);
    if (at.connection !== null && goesOn) {
      state.phases.set(at.connection, { is: "answer", leg });
    } else {
      state.first = leg;
      if (at.connection !== null) state.phases.delete(at.connection);
    }
    return old ?? negotiateLogin(state);
  },
};

const NO_TOKEN = Buffer.alloc(0);

function newState(): State {
  return { phases: new WeakMap(), first: null, everyRequest: false, restarts: 0 };
}

function negotiateLogin(state: State): NegotiateLogin {
  const { phases } = state;
  return {
    scheme: NEGOTIATE,
    bound: true,
    negotiate: state,
    applies: () => true,
    *sign({ connection }) {
      const phase = connection === null ? undefined : phases.get(connection);
      if (phase?.is === "sent" || (phase?.is === "done" && !state.everyRequest)) return null;
      let leg = phase?.is === "answer" ? phase.leg : state.first;
      if (phase?.is !== "answer") state.first = null;
      leg ??= yield* nextLeg(NO_TOKEN, {});
      if (leg === null) return null;
      if (connection !== null) phases.set(connection, { is: "sent" });
      const value = `Negotiate ${ne_base64(leg.token)}`;
      return { value, check: null, exchange: leg.exchange };
    },
    *finish({ connection }, signature, field) {
      state.restarts = 0;
      if (connection !== null) phases.set(connection, { is: "done" });
      // the server's own proof (RFC 4559, 5)
      const last = parseChallenges(field ?? "", () => true).find(
        (challenge) => challenge.scheme.toLowerCase() === "negotiate",
      );
      if (signature?.exchange === undefined || last?.token == null) return null;
      const theirs = decode(last.token);
      const verified = theirs === null ? null : yield* nextLeg(theirs, signature.exchange);
      return verified === null ? "Negotiate response verification failure" : null;
    },
  };
}

function decode(token: string): Buffer | null {
  const bytes: ne_out<Buffer | null> = { value: null };
  return ne_unbase64(token, bytes) === 0 ? null : bytes.value;
}

function* nextLeg(challenge: Buffer, exchange: object): Asking<Leg | null> {
  const token = yield { want: "token", challenge, exchange };
  return isBytes(token) ? { token, exchange } : null;
}

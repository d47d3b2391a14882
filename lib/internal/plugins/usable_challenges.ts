// The challenges of a response, and which of them is answered: the strongest that somebody is
// registered for and can answer.
import { parseChallenges, type Challenge } from "../auth/challenge.js";
import { expandProtocols, NE_AUTH_LEGACY_DIGEST } from "../auth/protocol_bits.js";
import { schemeByName } from "../auth/registry.js";
import type { Asking, Circumstances, Login, Scheme } from "../auth/scheme.js";
import { ne_get_scheme } from "../../ne_session.js";
import { ne_strclean } from "../../ne_string.js";
import { traceAuth, type Guarded } from "./login_state.js";
import type { Registration } from "./registration.js";

/** Characters of one reason in an error string: neon's buffer of 128 less its end mark. */
const MAX_REASON = 127;

/** A challenge, and who is asked about it. */
export interface UsableChallenge {
  readonly scheme: Scheme;
  readonly challenge: Challenge;
  readonly registration: Registration;
}

/** The challenges that somebody is registered for, the strongest first. */
export function usableChallenges(g: Guarded, field: string, reasons: string[]): UsableChallenge[] {
  const challenges: UsableChallenge[] = [];
  // only for a scheme that will be answered is what follows its name a token
  const takesToken = (name: string): boolean => {
    const scheme = schemeByName(name);
    return scheme !== null && scheme.token && registeredFor(g, scheme) !== undefined;
  };
  for (const challenge of parseChallenges(field, takesToken)) {
    const scheme = schemeByName(challenge.scheme);
    const registration = scheme === null ? undefined : registeredFor(g, scheme);
    if (scheme !== null && registration !== undefined) {
      traceAuth(g, "Got '%s' challenge.\n", scheme.name);
      challenges.push({ scheme, challenge, registration });
    } else {
      reasons.push(`ignored ${ne_strclean(challenge.scheme)} challenge`.slice(0, MAX_REASON));
    }
  }
  return challenges.sort((a, b) => b.scheme.strength(b.challenge) - a.scheme.strength(a.challenge));
}

function registeredFor(g: Guarded, scheme: Scheme): Registration | undefined {
  const negotiate = g.cls.proxy || ne_get_scheme(g.sess) === "https";
  return g.registrations.find(
    ({ protocols, answers, active }) =>
      (expandProtocols(protocols, negotiate) & answers & scheme.protocols) !== 0 &&
      (active?.(g.sess) ?? true),
  );
}

/** Answers a challenge: a login, or the reason why not. */
export function* answerChallenge(
  usable: UsableChallenge,
  at: Circumstances,
): Asking<Login | string> {
  const legacy = (usable.registration.protocols & NE_AUTH_LEGACY_DIGEST) !== 0;
  const result = yield* usable.scheme.challenge(usable.challenge, { ...at, legacy });
  return typeof result === "string" ? result.slice(0, MAX_REASON) : result;
}

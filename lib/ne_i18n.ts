// ne_i18n.h: translated messages, of which the port has none.

/**
 * Prepares message translation in C. The port's messages are English only and its strings are
 * Unicode, so the call is accepted at any time and has no effect; `NE_FEATURE_I18N` is reported as
 * unsupported.
 * @param encoding character encoding wanted for messages; ignored.
 */
export function ne_i18n_init(encoding?: string | null): void {
  void encoding;
}

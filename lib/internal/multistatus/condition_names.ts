// The conditions that a DAV:error element names (RFC 4918 section 14.5), and their namespaces.

export const CALDAV = "urn:ietf:params:xml:ns:caldav";
export const CARDDAV = "urn:ietf:params:xml:ns:carddav";

/** Whether the namespace has names of conditions; servers put their own words beside them. */
export function isConditionSpace(nspace: string): boolean {
  return nspace === "DAV:" || nspace === CALDAV || nspace === CARDDAV;
}

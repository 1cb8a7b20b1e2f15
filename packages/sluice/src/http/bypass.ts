const EXACT = /^\/(?:(?:health|live|ready)z?|metrics)$/
const BELOW = /^\/(?:health|metrics)\//

/** A path that some handler may read as another one: dot segments, escapes, backslashes. */
const AMBIGUOUS = /\/\.|[%\\]/

/**
 * True for what must be answered under any load: `/health`, `/health/*`, `/healthz`, `/live`, `/livez`, `/ready`,
 * `/readyz`, `/metrics`, `/metrics/*`, in lower case and with any query string.
 * `/health/../orders` is not among them: what bypasses the gate must not be able to mean something else.
 * @param target the request target as it came: a path, with or without a query string
 */
export function isHealthPath(target: string): boolean {
  // One comparison turns almost every ordinary request away: h, l, m, r.
  const first = target.charCodeAt(1)
  if (first !== 104 && first !== 108 && first !== 109 && first !== 114) return false
  const cut = target.indexOf('?')
  const path = cut === -1 ? target : target.slice(0, cut)
  return EXACT.test(path) || (BELOW.test(path) && !AMBIGUOUS.test(path))
}

import type { Millis } from '../../ground/index.ts'
import type { RefusalClass, RefusalRule } from '../profile.ts'
import type { ToldError } from './told-error.ts'

/** Who is told to come again after so long is not told about a quota of minutes, in ms. */
const LONG: Millis = 600_000

/** What every provider says, the first that fits decides. For who does not know which provider it is. */
export const ANY_PROVIDER: readonly RefusalRule[] = [
  { says: /insufficient_quota|credit_balance|spend_limit|spend limit|credit balance|billing/i, is: 'never' },
  { says: /request too large|request_too_large|context_length_exceeded|\blimit: ?0\b/i, is: 'never' },
  { status: 413, is: 'never' },
  { says: /slow_down|ramp_limit_exceeded|usage increase rate|acceleration limit/i, is: 'ramp' },
  { says: /overloaded|high demand|resource[ _]?unavailable/i, is: 'capacity' },
  { status: 429, says: /per ?day|\(RPD\)|\(TPD\)/i, is: 'long' },
  { says: /rate_limit_e|ThrottlingException|RESOURCE_EXHAUSTED/, is: 'wait' },
  { status: 429, is: 'wait' },
  { status: 498, is: 'capacity' },
  { status: 503, is: 'capacity' },
  { status: 529, is: 'capacity' },
]

/**
 * What an error of a provider means for those who send: to wait, to wait long, never to try again, to grow more slowly, or
 * that the provider itself is overloaded.
 * @param rules those of a profile, or what every provider says
 */
export function refusalOf(error: ToldError, rules: readonly RefusalRule[] = ANY_PROVIDER): RefusalClass {
  const { limit, requested, delay } = error
  if (error.status === 429 && limit !== undefined && (limit === 0 || (requested !== undefined && requested > limit)))
    return 'never'
  const said = `${error.code ?? ''} ${error.type ?? ''} ${error.status} ${error.message}`
  for (const { status, says, is } of rules) {
    if ((status !== undefined && status !== error.status) || (says !== undefined && !says.test(said))) continue
    return is === 'wait' && delay !== undefined && delay >= LONG ? 'long' : is
  }
  return byStatus(error)
}

function byStatus({ status, type }: ToldError): RefusalClass {
  if (status === 429) return 'wait'
  if (status === 408 || status === 409 || status >= 500) return 'fault'
  // In the middle of a stream there is no status, and a wrong request would have been told before.
  return status < 300 && !/invalid|not_found|authentication|permission/.test(type ?? '') ? 'fault' : 'request'
}

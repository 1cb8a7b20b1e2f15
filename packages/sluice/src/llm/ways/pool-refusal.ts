import { explain, REFUSALS, RejectedError, type Millis, type RejectionCode } from '../../ground/index.ts'
import { goDuration } from '../dialects/go-duration.ts'
import type { NativeRefusal } from '../dialects/native-error.ts'
import type { RefusalClass } from '../profile.ts'

/** What the pool's own refusals are in the words of a provider. */
const CLASS: Partial<Record<RejectionCode, RefusalClass>> = { breaker_open: 'capacity', closed: 'capacity' }

/** What the pool refused, to be told in a provider's words; undefined for an error that is no refusal of the pool's. */
export function poolRefusal(error: unknown): (NativeRefusal & { readonly code: string }) | undefined {
  if (error instanceof RejectedError) {
    const { rejection, code } = error
    const delay: Millis | undefined = rejection.retryAfter
    const is = CLASS[code] ?? 'wait'
    return { code, is, message: `sluice: not sent: ${said(error)}`, delay, mayRetry: false, budget: 'tokens' }
  }
  if (!(error instanceof RangeError)) return undefined
  const message = `sluice: not sent: ${error.message}`
  if (error.message.startsWith('request.model'))
    return { code: 'unknown_model', is: 'request', status: 404, message, mayRetry: false }
  if (error.message.startsWith('request:'))
    return { code: 'never_fits', is: 'never', message, mayRetry: false, budget: 'tokens' }
  return { code: 'invalid', is: 'request', message, mayRetry: false }
}

/** The figures of a deadline are instants of a clock that nobody else has: when it could begin says more. */
function said({ code, rejection }: RejectedError): string {
  if (code !== 'deadline') return explain(rejection)
  const { gate, retryAfter } = rejection
  const when = retryAfter === undefined ? '' : `; it could begin in ${goDuration(retryAfter)}`
  return `${gate} refused: ${REFUSALS[code].means}${when}`
}

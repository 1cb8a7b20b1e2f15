import { refusalOf } from '../dialects/refusal.ts'
import type { ToldError } from '../dialects/told-error.ts'
import type { ProviderRefusal } from '../refused.ts'

/** An error in the middle of a stream, as the status that would have said it; undefined for an error that is not the provider's failing. */
export function refusalInStream(failure: ToldError): ProviderRefusal | undefined {
  const is = refusalOf(failure)
  if (is === 'request' || is === 'never') return undefined
  const { type, code, message } = failure
  const status = is === 'capacity' ? 503 : is === 'fault' ? 500 : 429
  return { status, body: { error: { type, code, message } } }
}

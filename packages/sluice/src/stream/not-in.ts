import { RejectedError, Rejection, type RejectionCode } from '../ground/index.ts'
import type { RefusalReason } from './stream.ts'

/** How each way not to get in is called where it is thrown. */
const CODES: Readonly<Record<RefusalReason, RejectionCode>> = {
  full: 'queue_full',
  timeout: 'queue_timeout',
  cancelled: 'cancelled',
  closed: 'closed',
}

/** What is thrown at a producer whose item is not in. */
export function notIn(reason: RefusalReason, name: string, load: number, capacity: number): RejectedError {
  return new RejectedError(new Rejection(CODES[reason], name, load, reason === 'closed' ? 0 : capacity))
}

import { checkNumber, type Millis } from '../ground/index.ts'
import { checkOperator } from './check-source.ts'
import { latestDue } from './latest-due.ts'
import type { Operated, OperatorOptions } from './operator.ts'

export interface AuditOptions<T> extends OperatorOptions<T> {
  /** How long after an item the newest comes out, in ms. Above 0. */
  readonly every: Millis
}

/**
 * At most one item in `every` ms: the newest, `every` ms after the first that came. What is held when the source ends
 * comes out.
 * @throws RangeError for an option out of range
 */
export function audit<T>(source: AsyncIterable<T>, options: AuditOptions<T>): Operated<T> {
  checkOperator('audit', source, options)
  const every = checkNumber('audit.every', options.every, Number.MIN_VALUE)
  return latestDue(source, options, () => (now, due) => due ?? now + every)
}

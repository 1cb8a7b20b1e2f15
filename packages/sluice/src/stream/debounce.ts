import { checkNumber, type Millis } from '../ground/index.ts'
import { checkOperator } from './check-source.ts'
import { latestDue } from './latest-due.ts'
import type { Operated, OperatorOptions } from './operator.ts'

export interface DebounceOptions<T> extends OperatorOptions<T> {
  /** The silence, in ms, after which an item comes out. Above 0. */
  readonly quiet: Millis
}

/**
 * The last item before each silence: somebody has stopped typing. A source that is never silent says nothing until it
 * ends; see `audit` and `sample`. What is held when it ends comes out.
 * @throws RangeError for an option out of range
 */
export function debounce<T>(source: AsyncIterable<T>, options: DebounceOptions<T>): Operated<T> {
  checkOperator('debounce', source, options)
  const quiet = checkNumber('debounce.quiet', options.quiet, Number.MIN_VALUE)
  return latestDue(source, options, () => (now) => now + quiet)
}

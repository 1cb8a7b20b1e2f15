import { checkNumber, checkOptions, checkWhole, type Millis } from '../ground/index.ts'

/** What every queue discipline is bounded by. */
export interface QueueOptions {
  /** How many may wait. A whole number of at least 0. Default 1000. */
  readonly capacity?: number
  /** The longest anybody waits, in ms. At least 0. Default 3000. */
  readonly maxWait?: Millis
}

/** The bounds of a discipline, checked. @throws RangeError naming the field */
export function boundsOf(name: string, options: QueueOptions): { readonly capacity: number; readonly maxWait: Millis } {
  checkOptions(name, options)
  return {
    capacity: checkWhole(`${name}.capacity`, options.capacity ?? 1000, 0),
    maxWait: checkNumber(`${name}.maxWait`, options.maxWait ?? 3000, 0),
  }
}

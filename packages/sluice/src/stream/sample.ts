import { checkNumber, type Millis } from '../ground/index.ts'
import { checkOperator } from './check-source.ts'
import { latestDue } from './latest-due.ts'
import type { Operated, OperatorOptions } from './operator.ts'

export interface SampleOptions<T> extends OperatorOptions<T> {
  /** The distance of the ticks, in ms. Above 0. */
  readonly every: Millis
}

/**
 * The newest item at each tick of a fixed rhythm, and nothing where nothing came: a reading of a sensor once a second.
 * The rhythm begins with this call; no timer runs while nothing is held. What is held when the source ends comes out.
 * @throws RangeError for an option out of range
 */
export function sample<T>(source: AsyncIterable<T>, options: SampleOptions<T>): Operated<T> {
  checkOperator('sample', source, options)
  const every = checkNumber('sample.every', options.every, Number.MIN_VALUE)
  return latestDue(source, options, (clock) => {
    const start = clock.now()
    return (now, due) => due ?? start + (Math.floor((now - start) / every) + 1) * every
  })
}

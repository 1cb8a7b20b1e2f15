import { liveHead } from './give-up.ts'
import { boundsOf, type QueueOptions } from './options.ts'
import type { QueueDiscipline } from './queue.ts'
import { SingleLine } from './single-line.ts'

/**
 * First in, first out, bounded in length and in time. Newcomers to a full queue are refused (tail drop).
 * Under lasting overload everybody who is served has waited close to the bound: keep `maxWait` well below what a
 * caller endures.
 * @throws RangeError for an option out of range
 */
export function fifo(options: QueueOptions = {}): QueueDiscipline {
  const { capacity, maxWait } = boundsOf('fifo', options)
  return { name: 'fifo', maxWait, open: () => new SingleLine(capacity, liveHead) }
}

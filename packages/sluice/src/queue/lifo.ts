import { liveTail } from './give-up.ts'
import { boundsOf, type QueueOptions } from './options.ts'
import type { QueueDiscipline } from './queue.ts'
import { SingleLine } from './single-line.ts'

/**
 * Last in, first out: under overload whoever is served was served quickly, and the oldest time out. Unfair by intent;
 * {@link adaptiveLifo} is so only while it must.
 * @throws RangeError for an option out of range
 */
export function lifo(options: QueueOptions = {}): QueueDiscipline {
  const { capacity, maxWait } = boundsOf('lifo', options)
  return { name: 'lifo', maxWait, open: () => new SingleLine(capacity, liveTail) }
}

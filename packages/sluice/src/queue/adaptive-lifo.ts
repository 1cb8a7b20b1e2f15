import { ControlledDelay, delayOptions, type ControlledDelayOptions } from './controlled-delay.ts'
import { liveHead, liveTail } from './give-up.ts'
import type { QueueDiscipline, Waiter } from './queue.ts'
import { SingleLine, type Pick } from './single-line.ts'

/**
 * First in, first out while calm; newest first while the queue stands, so that some are answered in good time instead
 * of all of them late (Facebook's adaptive LIFO: Maurer, "Fail at Scale", 2015). The oldest time out at `maxWait`.
 * @throws RangeError for an option out of range
 */
export function adaptiveLifo(options: ControlledDelayOptions = {}): QueueDiscipline {
  const { capacity, maxWait, target, interval } = delayOptions('adaptiveLifo', options)
  return { name: 'adaptive-lifo', maxWait, open: () => new SingleLine(capacity, pickByMood(target, interval)) }
}

function pickByMood<W extends Waiter>(target: number, interval: number): Pick<W> {
  const delay = new ControlledDelay(target, interval)
  return (line, now, refuse) => {
    const oldest = liveHead(line, now, refuse)
    if (oldest === undefined) {
      delay.emptied()
      return undefined
    }
    // The oldest tells whether the queue stands: the newest, once served first, has always just come.
    return delay.observe(now - oldest.since, now) ? liveTail(line, now, refuse) : oldest
  }
}

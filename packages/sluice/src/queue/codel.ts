import { ControlledDelay, delayOptions, type ControlledDelayOptions } from './controlled-delay.ts'
import { liveHead } from './give-up.ts'
import type { QueueDiscipline, Waiter } from './queue.ts'
import { SingleLine, type Pick } from './single-line.ts'

/**
 * First in, first out with controlled delay: bursts are absorbed, but while the queue stands whoever has waited more
 * than twice the target is given up with `queue_timeout` when its turn comes. See {@link ControlledDelay} for sources.
 * @throws RangeError for an option out of range
 */
export function codel(options: ControlledDelayOptions = {}): QueueDiscipline {
  const { capacity, maxWait, target, interval } = delayOptions('codel', options)
  return { name: 'codel', maxWait, open: () => new SingleLine(capacity, pickInTime(target, interval)) }
}

function pickInTime<W extends Waiter>(target: number, interval: number): Pick<W> {
  const delay = new ControlledDelay(target, interval)
  return (line, now, refuse) => {
    for (;;) {
      const head = liveHead(line, now, refuse)
      if (head === undefined) {
        delay.emptied()
        return undefined
      }
      const wait = now - head.since
      if (!delay.observe(wait, now) || wait <= 2 * delay.target) return head
      line.remove(head)
      refuse(head, 'queue_timeout')
    }
  }
}

import type { Instant, RejectionCode } from '../ground/index.ts'
import type { Line } from './line.ts'
import type { Waiter } from './queue.ts'

/** Whom a queue tells of those it gives up on. */
export type Refuse<W extends Waiter> = (waiter: W, code: RejectionCode) => void

/**
 * The head of a line once everybody at its head who waited too long has been given up. Their timers are late, because
 * the event loop was busy: serving them now would be work for nobody.
 */
export function liveHead<W extends Waiter>(line: Line<W>, now: Instant, refuse: Refuse<W>): W | undefined {
  for (;;) {
    const { head } = line
    if (head === undefined || head.expires > now) return head
    line.remove(head)
    refuse(head, head.expiry)
  }
}

/** The same at the other end. */
export function liveTail<W extends Waiter>(line: Line<W>, now: Instant, refuse: Refuse<W>): W | undefined {
  for (;;) {
    const { tail } = line
    if (tail === undefined || tail.expires > now) return tail
    line.remove(tail)
    refuse(tail, tail.expiry)
  }
}

import {
  checkNumber,
  checkWhole,
  ORDINARY,
  refuseValue,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Priority,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import type { Answer, Verdict, Waiting } from '../gate/index.ts'
import { PATIENCE } from './slots-ask.ts'
import type { SlotHearing } from './slots-hearing.ts'

/** An arrival that waits for slots. */
export class SlotWaiter implements Waiting {
  readonly arrival: Arrival
  readonly priority: Priority
  readonly cost: number
  readonly since: Instant
  timer: Timer | undefined
  /** Until when it waits, once the coordinator has heard of it, and how it is refused then. */
  readonly until: Instant
  readonly expiry: RejectionCode
  /** Whose line it waits in. */
  line = 0
  /** Rises with every arrival here that waits. */
  serial = 0
  previous: SlotWaiter | undefined
  next: SlotWaiter | undefined
  /** False once it was answered. */
  waits = true
  /** Its answer, where that came before anybody could have asked for it. */
  early: Verdict | undefined
  answer: Answer | undefined
  #hearing: SlotHearing | undefined
  readonly #leave: (waiter: SlotWaiter) => void

  /** @param maxWait the longest that anybody waits, in ms */
  constructor(arrival: Arrival, since: Instant, maxWait: Millis, leave: (waiter: SlotWaiter) => void) {
    this.arrival = arrival
    this.priority = slotPriority(arrival)
    this.cost = arrival.cost ?? 1
    this.since = since
    const { deadline = Infinity } = arrival
    const until = since + Math.min(arrival.maxWait ?? maxWait, maxWait)
    this.until = Math.min(deadline, until)
    this.expiry = deadline < until ? 'deadline' : 'queue_timeout'
    this.#leave = leave
  }

  /**
   * Until when it waits. Timers come before sockets, and a busy loop sends late and reads late: nobody's time in the
   * queue is over before a report that tells of him is answered, and where that took most of it, it begins again. A
   * deadline stands, and an answer takes so long at most.
   */
  get expires(): Instant {
    const { since, until, expiry } = this
    const at = this.#hearing?.at ?? since
    if (expiry === 'deadline' || at - since <= (until - since) / 2) return until
    return Math.min(this.arrival.deadline ?? Infinity, until + PATIENCE, at + until - since)
  }

  /** Calls back when its time is over. */
  watch(clock: Clock, session: { readonly up: boolean; hearing(): SlotHearing }, over: () => void): void {
    if (this.until === Infinity) return
    const hearing = session.hearing()
    this.#hearing = hearing
    const judge = (): void => {
      const now = clock.now()
      if (now >= this.expires || !session.up) return over()
      this.timer = clock.after(this.expires - now, judge)
      if (hearing.at === Infinity) hearing.late.push(soon)
    }
    // Not at once: whoever tells is in the midst of an answer.
    const soon = (): void => {
      if (!this.waits) return
      this.timer?.cancel()
      this.timer = clock.after(0, judge)
    }
    this.timer = clock.after(this.until - this.since, judge)
  }

  get admitted(): undefined {
    return undefined
  }

  /** Tells whoever waits, now or as soon as it listens. What a listener throws surfaces by itself. */
  answered(verdict: Verdict, clock: Clock): void {
    const { answer } = this
    if (answer === undefined) {
      this.early = verdict
      return
    }
    this.answer = undefined
    try {
      answer(verdict)
    } catch (error) {
      throwLater(clock, error)
    }
  }

  cancel(): void {
    this.#leave(this)
  }
}

/** How much it matters. @throws RangeError when that is no class there is */
export function slotPriority({ priority }: Arrival): Priority {
  if (priority === undefined) return ORDINARY
  if (priority === 0 || priority === 1 || priority === 2 || priority === 3) return priority
  return refuseValue('arrival.priority', priority, '0, 1, 2 or 3')
}

/** @throws RangeError naming the field when the arrival makes no sense */
export function checkSlotArrival({ cost, flow, maxWait, deadline }: Arrival): void {
  if (flow !== undefined && typeof flow !== 'string') refuseValue('arrival.flow', flow, 'a text')
  if (cost !== undefined && cost !== 1) checkWhole('arrival.cost', cost, 1)
  if (maxWait !== undefined) checkNumber('arrival.maxWait', maxWait, 0, Infinity)
  if (deadline !== undefined && (typeof deadline !== 'number' || Number.isNaN(deadline)))
    refuseValue('arrival.deadline', deadline, 'an instant in ms')
}

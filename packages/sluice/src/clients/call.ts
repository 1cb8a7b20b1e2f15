import {
  RejectedError,
  Rejection,
  type Arrival,
  type Clock,
  type Instant,
  type Outcome,
  type Permit,
  type Timer,
} from '../ground/index.ts'
import type { Verdict } from '../gate/index.ts'
import { outcomeOfFailure } from './failure.ts'
import type { Origin } from './origin.ts'
import type { HeaderOf } from './told.ts'

/** What sends a request when its turn has come. */
export interface CallHost {
  /** Send it. Must not throw. */
  admitted(): void
  /** It will not be sent. */
  refused(rejection: Rejection): void
  /** Its time is up while it is on its way: call it off. */
  expired(error: RejectedError): void
}

/**
 * One request on its way: through what stands before its origin, there, and back to the end of its body. Its permit ends
 * once, on the first of: the body has come to its end, it failed, its caller left, its time was up.
 */
export class Call {
  /** When it is to be over, on the client's clock. */
  readonly deadline: Instant | undefined
  readonly #origin: Origin
  readonly #host: CallHost
  readonly #clock: Clock
  #waiting: { cancel(): void } | undefined
  #permit: Permit | undefined
  #timer: Timer | undefined
  #outcome: Outcome | undefined
  #over = false

  constructor(origin: Origin, host: CallHost, clock: Clock, deadline: Instant | undefined) {
    this.#origin = origin
    this.#host = host
    this.#clock = clock
    this.deadline = deadline
  }

  /**
   * Asks to be sent. The host hears of it before this returns, or later.
   * @throws RangeError for an arrival that makes no sense
   */
  start(arrival: Arrival, retry: boolean): void {
    const waiting = this.#origin.enter(arrival, retry, (verdict) => this.#act(verdict))
    if (!this.#over && this.#permit === undefined) this.#waiting = waiting
  }

  /** The head of the response is there. */
  heard(status: number, header: HeaderOf): void {
    if (!this.#over) this.#outcome = this.#origin.heard(status, header)
  }

  /** The body has come to its end. */
  ended(): void {
    this.#end(this.#outcome ?? 'ignored')
  }

  /** It failed on its way. */
  failed(error: unknown): void {
    const outcome = outcomeOfFailure(error)
    if (!this.#over && this.#outcome === undefined && outcome !== 'ignored') this.#origin.record(false)
    this.#end(outcome)
  }

  /** Its caller does not want it any more: it stops waiting, or what it holds is given back. */
  left(): void {
    if (this.#over) return
    this.#over = this.#permit === undefined
    this.#waiting?.cancel()
    this.#end('ignored')
  }

  #act(verdict: Verdict): void {
    this.#waiting = undefined
    if (this.#over) {
      if (verdict.admitted) verdict.release('ignored', 0)
      return
    }
    if (!verdict.admitted) {
      this.#over = true
      return this.#host.refused(verdict)
    }
    this.#permit = verdict
    const { deadline } = this
    if (deadline !== undefined)
      this.#timer = this.#clock.after(deadline - this.#clock.now(), () => this.#expire(deadline))
    this.#host.admitted()
  }

  #expire(deadline: Instant): void {
    const error = new RejectedError(new Rejection('deadline', this.#origin.name, this.#clock.now(), deadline))
    this.failed(error)
    this.#host.expired(error)
  }

  #end(outcome: Outcome): void {
    const permit = this.#permit
    if (permit === undefined) return
    this.#over = true
    this.#permit = undefined
    this.#timer?.cancel()
    permit.release(outcome)
  }
}

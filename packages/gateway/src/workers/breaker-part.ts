import {
  breaker,
  Rejection,
  type Arrival,
  type Breaker,
  type BreakerState,
  type Clock,
  type Gate,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Timer,
  type Verdict,
  type Waiting,
} from 'sluice'
import { around } from '../gates/index.ts'
import type { BreakerDecision, BreakerTold } from './breaker-news.ts'
import { KEPT } from './part-news.ts'

export interface BreakerPartOptions {
  readonly name: string
  /** Shows the same time in all workers. */
  readonly clock: Clock
  /** To the one who decides. Must not answer before it returns. */
  readonly send: (told: BreakerTold) => void
}

/** How long whoever asks to be a probe waits for the answer, in ms. */
const PATIENCE: Millis = 100

/**
 * What one worker has of a breaker that is the same for all of them: it tells what came of what it sent, and is told how
 * the breaker stands. Whoever comes when one may try again asks to be the one, and waits for the answer.
 */
export class BreakerPart {
  readonly gate: Gate
  readonly #options: BreakerPartOptions
  /** Does as it is told: its rule decides nothing. */
  readonly #own: Breaker
  #told: BreakerDecision = { state: 'closed', era: 0, until: 0 }
  /** In order: when, and 1 where it failed. */
  #events: number[] = []
  #timer: Timer | undefined
  #number = 0
  #asking: { readonly number: number; settle(verdict: Verdict): void; readonly since: Instant } | undefined
  #closed = false

  constructor(options: BreakerPartOptions) {
    const { name, clock } = options
    this.#options = options
    this.#own = breaker({
      name,
      clock,
      rule: {
        timed: false,
        record: (ok) => {
          this.#events.push(clock.now(), ok ? 0 : 1)
          this.#timer ??= clock.after(KEPT, () => this.#tell(), { background: true })
          return false
        },
        reset() {},
      },
    })
    this.gate = around(this.#own, { enter: (arrival, mayWait) => this.#enter(arrival, mayWait) })
  }

  /** How it stands, as it was told last. */
  get state(): { readonly value: BreakerState } {
    return { value: this.#told.state }
  }

  /** Says that it is there. */
  begin(): void {
    this.#tell()
  }

  /** From now on it stands so. */
  obey(decision: BreakerDecision): void {
    if (this.#closed) return
    const { state, era, answer } = decision
    if (era !== this.#told.era)
      if (state === 'closed') this.#own.reset()
      else this.#own.trip()
    this.#told = decision
    if (answer === undefined) return
    const { number, admitted } = answer
    if (number === this.#asking?.number) this.#asking.settle(admitted ? this.#probe(number) : this.#refusal())
    // Who asked has left.
    else if (admitted) this.#tell({ probed: { number, outcome: 'ignored' } })
  }

  close(): void {
    this.#own.close()
    this.#asking?.settle(new Rejection('closed', this.#options.name, 1, 0))
    this.#tell({ leaves: true })
    this.#closed = true
  }

  #enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    const { state, until } = this.#told
    if (state === 'closed' || this.#closed) return this.#own.core.enter(arrival, mayWait)
    const left = until - this.#options.clock.now()
    if (left > 0) return this.#refusal(state === 'open' ? left : undefined)
    // One at a time: the answer is a moment away.
    if (this.#asking !== undefined || !mayWait || arrival.maxWait === 0) return this.#refusal()
    return this.#ask()
  }

  #refusal(left?: Millis): Rejection {
    return new Rejection('breaker_open', this.#options.name, 1, 0, left)
  }

  #ask(): Waiting {
    const { clock, name } = this.#options
    const number = ++this.#number
    const settle = (verdict: Verdict): void => {
      if (this.#asking?.number !== number) return
      this.#asking = undefined
      timer.cancel()
      waiting.answer?.(verdict)
    }
    const cancel = (): void => settle(new Rejection('cancelled', name, 1, 0))
    const waiting: Waiting = { admitted: undefined, answer: undefined, cancel }
    const timer = clock.after(PATIENCE, () => settle(this.#refusal()), { background: true })
    this.#asking = { number, settle, since: clock.now() }
    this.#tell({ asks: number })
    return waiting
  }

  #probe(number: number): Permit {
    const waited = this.#options.clock.now() - this.#asking!.since
    return new Probe(waited, (outcome) => this.#tell({ probed: { number, outcome } }))
  }

  #tell(more: Partial<Pick<BreakerTold, 'asks' | 'probed' | 'leaves'>> = {}): void {
    if (this.#closed) return
    this.#timer?.cancel()
    this.#timer = undefined
    const events = Float64Array.from(this.#events)
    this.#events = []
    this.#options.send({ events, era: this.#told.era, leaves: false, ...more })
  }
}

class Probe implements Permit {
  readonly waited: Millis
  #ended: ((outcome: Outcome) => void) | undefined

  constructor(waited: Millis, ended: (outcome: Outcome) => void) {
    this.waited = waited
    this.#ended = ended
  }

  get admitted(): true {
    return true
  }

  release(outcome: Outcome): void {
    this.#ended?.(outcome)
    this.#ended = undefined
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}

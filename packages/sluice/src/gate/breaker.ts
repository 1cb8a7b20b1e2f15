import {
  checkNumber,
  checkOptions,
  checkWhole,
  refuseValue,
  Rejection,
  Source,
  systemClock,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type Signal,
  type World,
} from '../ground/index.ts'
import { consecutive, type BreakerRule } from './breaker-rule.ts'
import { DefinedGate, observed, type DefineGateOptions } from './define.ts'
import { ForwardTime } from './forward-time.ts'
import type { Gate, GateCore, GateStats, Observer, Verdict } from './gate.ts'
import { costOf } from './waiter.ts'

export interface BreakerOptions extends World {
  /** What makes it trip. Default `consecutive(5)`. A rule holds state: one breaker, one rule. */
  readonly rule?: BreakerRule
  /** How long it stays open before it tries again, in ms. Above 0. Default 30,000. */
  readonly openFor?: Millis
  /** How many may try at once while it is half open, and how many of them must succeed. At least 1. Default 1. */
  readonly probes?: number
  /** For people, metrics and refusals. Default `breaker`. */
  readonly name?: string
  readonly observer?: Observer
}

export type BreakerState = 'closed' | 'open' | 'half-open'

export interface Breaker extends Gate {
  readonly state: Signal<BreakerState>
  /** Opens it by hand, for `openFor`. */
  trip(): void
  /** Closes it by hand. */
  reset(): void
}

/**
 * Leaves a failing dependency alone: `failure` and `dropped` count against it, `success` for it, `ignored` (the caller
 * left) not at all. Which errors are failures is the caller's choice, by the outcome it releases with. Open, it refuses
 * with `breaker_open` and the exact time to come back; then it lets in `probes` at a time, never a herd, and closes when
 * so many have succeeded; one failure opens it again. Reads a clock only while open, or where its rule asks for one.
 * @throws RangeError for an option out of range
 */
export function breaker(options: BreakerOptions = {}): Breaker {
  const { clock = systemClock, rule = consecutive(5) } = checkOptions('breaker', options)
  if (typeof (rule as Partial<BreakerRule>).record !== 'function')
    refuseValue('breaker.rule', rule, 'a rule such as `consecutive(5)`')
  const core = new BreakerCore(
    options.name ?? 'breaker',
    rule,
    checkNumber('breaker.openFor', options.openFor ?? 30_000, Number.MIN_VALUE),
    checkWhole('breaker.probes', options.probes ?? 1, 1),
    clock,
  )
  return new BreakerGate(core, options)
}

class BreakerGate extends DefinedGate implements Breaker {
  readonly state: Signal<BreakerState>
  readonly #breaker: BreakerCore

  constructor(core: BreakerCore, options: DefineGateOptions) {
    super(observed(core, options.observer), options)
    this.#breaker = core
    this.state = core.state
  }

  trip(): void {
    this.#breaker.trip()
  }

  reset(): void {
    this.#breaker.reset()
  }
}

const LEVELS: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 }

class BreakerCore implements GateCore {
  readonly name: string
  readonly state: Source<BreakerState>
  readonly pressure: Source<Pressure>
  readonly #rule: BreakerRule
  readonly #openFor: Millis
  readonly #probes: number
  readonly clock: Clock
  readonly #time = new ForwardTime()
  #state: BreakerState = 'closed'
  /** Counts the changes of state: what began under an earlier one says nothing about this one. */
  #era = 0
  #openUntil: Instant = 0
  #inflight = 0
  #probing = 0
  /** When the last probe began. */
  #probedAt: Instant = 0
  #succeeded = 0
  #closedDown = false

  constructor(name: string, rule: BreakerRule, openFor: Millis, probes: number, clock: Clock) {
    this.name = name
    this.#rule = rule
    this.#openFor = openFor
    this.#probes = probes
    this.clock = clock
    this.state = new Source(() => this.#state, clock)
    this.pressure = new Source(() => ({ level: LEVELS[this.#state], cause: this.name }), clock)
  }

  get stats(): GateStats {
    // While half open: probes, beside whoever is still there from before.
    const others = this.#inflight - this.#probing
    const limit = this.#state === 'closed' ? Infinity : this.#state === 'open' ? 0 : others + this.#probes
    return { limit, inflight: this.#inflight, queued: 0 }
  }

  enter(arrival: Arrival, _mayWait: boolean): Verdict {
    costOf(arrival)
    if (this.#closedDown) return new Rejection('closed', this.name, 1, 0)
    if (this.#state !== 'closed') {
      const refusal = this.#try()
      if (refusal !== undefined) return refusal
    }
    this.#inflight++
    return new BreakerPermit(this, this.#era)
  }

  /** While not closed: takes the place of a probe, or says why not. */
  #try(): Rejection | undefined {
    // Whoever hears that it is half open may open it again, or close it.
    while (this.#state === 'open') {
      const left = this.#openUntil - this.#now
      if (left > 0) return new Rejection('breaker_open', this.name, 1, 0, left)
      this.#become('half-open')
    }
    if (this.#state === 'closed') return undefined
    // Probes that do not come back within the usual time may never do: others take their places.
    if (this.#probing >= this.#probes && this.#now - this.#probedAt >= this.#openFor) this.#become('half-open')
    // As long as probes are out nobody knows when it closes: the usual time is as good a guess as any.
    if (this.#probing >= this.#probes) return new Rejection('breaker_open', this.name, this.#probing + 1, this.#probes)
    this.#probing++
    this.#probedAt = this.#now
    return undefined
  }

  /** Takes a permit back. Called by the permit, once. */
  ended(era: number, outcome: Outcome): void {
    this.#inflight--
    if (era !== this.#era) return
    if (this.#state === 'half-open') this.#probed(outcome)
    else if (counts(outcome)) {
      const ok = outcome === 'success'
      if (this.#rule.record(ok, this.#rule.timed ? this.#now : 0) && !ok) this.trip()
    }
  }

  #probed(outcome: Outcome): void {
    this.#probing--
    if (outcome === 'success') {
      this.#succeeded++
      if (this.#succeeded >= this.#probes) this.reset()
    } else if (counts(outcome)) this.trip()
  }

  /** On an axis that never goes back: else a clock that does keeps it open for as long as it went. */
  get #now(): Instant {
    return this.#time.of(this.clock.now())
  }

  trip(): void {
    this.#openUntil = this.#now + this.#openFor
    this.#become('open')
  }

  reset(): void {
    this.#rule.reset()
    this.#become('closed')
  }

  close(): void {
    this.#closedDown = true
  }

  #become(state: BreakerState): void {
    const changes = state !== this.#state
    this.#state = state
    this.#era++
    this.#probing = 0
    this.#succeeded = 0
    if (!changes) return
    this.state.changed()
    this.pressure.changed()
  }
}

/** Whoever has no word for how it ended (JavaScript lets one leave it out) teaches nothing. */
function counts(outcome: Outcome): boolean {
  return outcome === 'success' || outcome === 'failure' || outcome === 'dropped'
}

class BreakerPermit implements Permit {
  readonly #era: number
  #breaker: BreakerCore | undefined

  constructor(breaker: BreakerCore, era: number) {
    this.#breaker = breaker
    this.#era = era
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return 0
  }

  release(outcome: Outcome): void {
    const core = this.#breaker
    if (core === undefined) return
    this.#breaker = undefined
    core.ended(this.#era, outcome)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}

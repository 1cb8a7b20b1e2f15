import {
  checkNumber,
  checkOptions,
  FREE,
  Rejection,
  Source,
  systemClock,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type World,
} from '../ground/index.ts'
import { DefinedGate, observed, type DefineGateOptions } from './define.ts'
import type { Gate, GateCore, GateStats, Observer, Verdict } from './gate.ts'
import { costOf } from './waiter.ts'

export interface RetryBudgetOptions extends World {
  /** How many retries each first attempt pays for. From 0 to 1. Default 0.1. */
  readonly ratio?: number
  /** Retries a second that are free, so that somebody with little traffic can retry at all. At least 0. Default 1. */
  readonly reserve?: number
  /** For how long a first attempt pays, in ms. Above 0. Default 10,000. */
  readonly window?: Millis
  /** For people, metrics and refusals. Default `retry-budget`. */
  readonly name?: string
  readonly observer?: Observer
}

/** A gate for retries. */
export interface RetryBudget extends Gate {
  /** Notes a first attempt. */
  deposit(): void
  /** How many retries there is budget for now. */
  readonly balance: number
}

/**
 * Bounds retries to a share of first attempts, so that they cannot turn a stumble into a storm: whoever retries enters
 * here first. The rule is Finagle's retry budget (a ratio over a window, plus a small reserve); its 20 % is halved here,
 * to the bound of Google's SRE book. A leaky balance stands in for the exact window: deposits fade out over it.
 * @throws RangeError for an option out of range
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  checkOptions('retryBudget', options)
  const clock = options.clock ?? systemClock
  const core = new Budget(
    options.name ?? 'retry-budget',
    checkNumber('retryBudget.ratio', options.ratio ?? 0.1, 0, 1),
    checkNumber('retryBudget.reserve', options.reserve ?? 1, 0) / 1000,
    checkNumber('retryBudget.window', options.window ?? 10_000, Number.MIN_VALUE),
    clock,
  )
  return new BudgetGate(core, options)
}

class BudgetGate extends DefinedGate implements RetryBudget {
  readonly #budget: Budget

  constructor(core: Budget, options: DefineGateOptions) {
    super(observed(core, options.observer), options)
    this.#budget = core
  }

  get balance(): number {
    return this.#budget.balance()
  }

  deposit(): void {
    this.#budget.deposit()
  }
}

class Budget implements GateCore {
  readonly name: string
  readonly pressure: Source<Pressure>
  readonly stats: GateStats = { limit: Infinity, inflight: 0, queued: 0 }
  readonly #ratio: number
  readonly #reserve: number
  readonly #window: Millis
  readonly clock: Clock
  #balance: number
  #at: Instant
  #closed = false

  constructor(name: string, ratio: number, reserve: number, window: Millis, clock: Clock) {
    this.name = name
    this.#ratio = ratio
    this.#reserve = reserve
    this.#window = window
    this.clock = clock
    this.#at = clock.now()
    // As if nobody had retried for a while: the reserve of a whole window is there.
    this.#balance = reserve * window
    this.pressure = new Source(() => ({ level: this.balance() >= 1 ? 0 : 1, cause: this.name }), clock)
  }

  /** Brings the balance up to date: it settles towards what the reserve alone keeps up. */
  balance(): number {
    const now = this.clock.now()
    const kept = Math.exp(-Math.max(0, now - this.#at) / this.#window)
    this.#at = now
    this.#balance = this.#balance * kept + this.#reserve * this.#window * (1 - kept)
    return this.#balance
  }

  deposit(): void {
    this.#balance = this.balance() + this.#ratio
    this.pressure.changed()
  }

  enter(arrival: Arrival, _mayWait: boolean): Verdict {
    costOf(arrival)
    if (this.#closed) return new Rejection('closed', this.name, 1, 0)
    const balance = this.balance()
    if (balance < 1) return new Rejection('rate_limited', this.name, 1, Math.max(0, balance))
    this.#balance = balance - 1
    this.pressure.changed()
    return FREE
  }

  close(): void {
    this.#closed = true
  }
}

import {
  REFUSALS,
  Source,
  worst,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Pressure,
  type Random,
  type Rejection,
  type Signal,
} from '../ground/index.ts'
import {
  defineGate,
  retryBudget,
  series,
  type Answer,
  type Gate,
  type GateStats,
  type RetryBudget,
} from '../gate/index.ts'
import { outcomeOf } from '../http/index.ts'
import { loadTold } from './load-told.ts'
import { Pause } from './pause.ts'
import { parseList } from './structured-list.ts'
import { Throttle, type ThrottleOptions } from './throttle.ts'
import { quotaSpentFor, retryAfterTold, type HeaderOf } from './told.ts'
import type { ClientOptions } from './client-options.ts'

/** What can be seen of one origin. */
export interface OriginReading {
  readonly name: string
  readonly stats: GateStats
  /** The worst of its gate, its pause, and what it says of itself. */
  readonly pressure: Signal<Pressure>
  /** The odds that a request is refused here because it would be refused there, 0 to 1. */
  readonly throttled: number
  /** How long it is paused from now on, in ms; 0 for not. */
  readonly paused: Millis
  /** Retries there is budget for now; `Infinity` without a budget. */
  readonly retries: number
}

/** What every origin of a client has in common. */
export interface OriginParts {
  readonly clock: Clock
  readonly random: Random
  readonly gate: (origin: string) => Gate
  readonly breaker: ((origin: string) => Gate) | undefined
  readonly throttle: ThrottleOptions | false
  readonly retryBudget: Exclude<ClientOptions['retryBudget'], undefined>
  readonly pauseOn: readonly number[]
  readonly maxPause: Millis
  readonly maxHold: Millis
  readonly targetUtilization: number
}

/** How many may wait for the end of a pause. */
const CAPACITY = 1000
/** A fleet that was told the same time does not come back at the same instant: up to so much later. */
const SCATTER = 0.1
/** What is this old says nothing of the load any more, in ms. */
const STALE: Millis = 10_000
/** The share of the latest report in what is known of the load. */
const NEWS = 0.2
/** However loaded it says it is, a request takes no more slots than this. */
const WIDEST = 4

/** All that stands before one origin: throttle, retry budget, pause, gate and breaker. */
export class Origin implements OriginReading {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly #parts: OriginParts
  readonly #gate: Gate
  readonly #pause: Pause
  readonly #throttle: Throttle | undefined
  readonly #budget: RetryBudget | undefined
  readonly #told: Source<Pressure>
  #utilization = 0
  #remote = 0
  #toldAt: Instant = -Infinity
  /** For the table it is in: asked for since the hand of the clock came by. */
  used = true

  constructor(name: string, parts: OriginParts) {
    this.name = name
    this.#parts = parts
    const { clock, random, breaker, throttle, retryBudget: budget, maxHold } = parts
    const gate = parts.gate(name)
    this.#pause = new Pause({
      inner: (breaker === undefined ? gate : series(gate, breaker(name))).core,
      clock,
      maxHold,
      capacity: CAPACITY,
    })
    this.#gate = defineGate(this.#pause)
    this.#throttle = throttle === false ? undefined : new Throttle(name, throttle, clock, random)
    this.#budget = budget === false ? undefined : retryBudget({ clock, name: `${name} retries`, ...budget })
    this.#told = new Source(() => ({ level: this.#level(), cause: `${name} says so` }), clock)
    this.pressure = worst(this.#gate.pressure, this.#told)
  }

  get stats(): GateStats {
    return this.#gate.stats
  }

  get throttled(): number {
    return this.#throttle?.odds ?? 0
  }

  get paused(): Millis {
    return this.#pause.left
  }

  get retries(): number {
    return this.#budget?.balance ?? Infinity
  }

  /** True while to forget it loses nothing that matters. */
  get atRest(): boolean {
    const { inflight, queued } = this.stats
    return inflight === 0 && queued === 0 && this.paused === 0 && this.#throttle?.atRest !== false
  }

  /** Asks all of them, outermost first. Answers as a gate does. */
  enter(arrival: Arrival, retry: boolean, answer: Answer): { cancel(): void } | undefined {
    const refusal = this.#throttle?.refuse(arrival.priority) ?? this.#overBudget(retry)
    if (refusal === undefined) return this.#gate.enter(this.#widened(arrival), answer)
    answer(refusal)
    return undefined
  }

  /** Learns from the head of a response. Returns how it will have ended when its body has. */
  heard(status: number, header: HeaderOf): Outcome {
    const obeyed = this.#pauseAsTold(status, header)
    this.#learn(header)
    const refusal = refusalIn(header)
    const accepted = refusal === undefined && status !== 429 && status !== 503
    // Who is told when to come back, and does, need not guess: the throttle is for those who are not told.
    if (accepted || !obeyed) this.record(accepted)
    if (refusal === undefined) return outcomeOf(status)
    return refusal === 'rate_limited' ? 'ignored' : 'dropped'
  }

  /** Notes if it took a request: for those that never got an answer. */
  record(accepted: boolean): void {
    this.#throttle?.record(accepted)
  }

  close(): void {
    this.#gate.close()
  }

  #overBudget(retry: boolean): Rejection | undefined {
    if (!retry) {
      this.#budget?.deposit()
      return undefined
    }
    const verdict = this.#budget?.tryEnter()
    return verdict?.admitted === false ? verdict : undefined
  }

  /** True when there was something to obey. */
  #pauseAsTold(status: number, header: HeaderOf): boolean {
    const { clock, random, pauseOn, maxPause } = this.#parts
    const asked = pauseOn.includes(status) ? retryAfterTold(header) : undefined
    // Where both are told the first is the one to obey: it comes no earlier than the other.
    const told = asked ?? quotaSpentFor(header)
    if (told === undefined || told <= 0) return false
    this.#pause.pauseUntil(clock.now() + Math.min(maxPause, told * (1 + SCATTER * random())))
    return true
  }

  #learn(header: HeaderOf): void {
    const told = loadTold(header)
    if (told === undefined) return
    const now = this.#parts.clock.now()
    const weight = now - this.#toldAt > STALE ? 1 : NEWS
    const { utilization = 0, pressure = 0 } = told
    this.#utilization += weight * (utilization - this.#utilization)
    this.#remote += weight * (pressure - this.#remote)
    this.#toldAt = now
    this.#told.changed()
  }

  /** What it says of itself; 1 is as much as it is to be used. */
  #level(): number {
    if (this.#toldAt === -Infinity || this.#parts.clock.now() - this.#toldAt > STALE) return 0
    return Math.max(this.#utilization / this.#parts.targetUtilization, this.#remote)
  }

  /** One that takes more slots is how a limit is made narrower from outside, whatever finds the limit. */
  #widened(arrival: Arrival): Arrival {
    const level = this.#level()
    return level > 1 ? { ...arrival, cost: (arrival.cost ?? 1) * Math.min(WIDEST, level) } : arrival
  }
}

/** Who is refused by a gate further in hears it in a header of its own, whatever the status says. */
function refusalIn(header: HeaderOf): string | undefined {
  const field = header('sluice-rejection')
  const code = field === undefined ? undefined : parseList(field)?.[0]?.value
  return typeof code === 'string' && Object.hasOwn(REFUSALS, code) ? code : undefined
}

import { systemClock, systemRandom, type Clock, type Instant, type Millis, type Random } from 'sluice'
import type { Ask } from './ask.ts'
import { Call, type CallListener } from './call.ts'
import { CallLog, type CallRecord, type LeftIn } from './call-log.ts'
import { DIMENSION_NAMES, DIMENSIONS, type DimensionName } from './dimension.ts'
import { Engine, type EngineOptions } from './engine.ts'
import type { Fault, FaultRule } from './fault.ts'
import { ProviderModel, type ProviderModelOptions, type Standing } from './provider-model.ts'
import type { RefusalReason } from './provider-refusal.ts'

export interface ProviderOptions extends Omit<ProviderModelOptions, 'clock' | 'random' | 'epoch'> {
  readonly engine?: EngineOptions
  /** How long calls are under way before they are judged: evenly from 0 to this, in ms, so that they overtake each other. Default 0. */
  readonly arrivalJitter?: Millis
  /** How far the provider's wall clock is ahead, in ms. Default 0. */
  readonly clockSkew?: Millis
  readonly faults?: readonly FaultRule[]
  /** Calls remembered one by one. Default 1000. */
  readonly logSize?: number
  readonly clock?: Clock
  /** True wall clock at instant 0 of `clock`, in ms since 1970. Default: the system's. */
  readonly epoch?: number
  readonly random?: Random
}

/** What a call wants, and what is to happen to it. */
export interface Errand {
  readonly ask: Ask
  readonly model: string
  readonly stream: boolean
  /** Tokens the answer will have, if `maxTokens` lets it. */
  readonly output: number
  readonly id?: string | undefined
  /** Instead of what the rules say. */
  readonly fault?: Fault | undefined
}

/** Counts since the beginning, or since they were reset. */
export interface Tally {
  arrived: number
  admitted: number
  completed: number
  broken: number
  invalid: number
  readonly refused: Partial<Record<RefusalReason, number>>
  readonly aborted: Record<LeftIn, number>
}

interface ActiveRule extends FaultRule {
  readonly until: Instant
  left: number
}

/** A whole provider in any clock: its limits, its model server, its faults and its books. Nothing here knows HTTP. */
export class Provider {
  readonly model: ProviderModel
  readonly engine: Engine
  readonly log: CallLog
  readonly clock: Clock
  readonly #epoch: number
  readonly #skew: Millis
  readonly #jitter: Millis
  readonly #random: Random
  #rules: ActiveRule[] = []
  #tally: Tally = freshTally()
  #number = 0
  #since: Instant
  #chargedBefore: Readonly<Record<DimensionName, number>>
  /** What the limits would have allowed since the beginning: they may change in between. */
  readonly #allowed = new Map<DimensionName, number>()
  #allowedAt: Instant

  constructor(options: ProviderOptions = {}) {
    const { clock = systemClock, random = systemRandom, engine, faults = [], logSize = 1000 } = options
    this.clock = clock
    // The system's clock starts with the process, the wall clock knows when that was.
    this.#epoch = options.epoch ?? performance.timeOrigin
    this.#skew = options.clockSkew ?? 0
    this.#jitter = options.arrivalJitter ?? 0
    this.#random = random
    this.model = new ProviderModel({ ...options, clock, random, epoch: this.#epoch + this.#skew })
    this.engine = new Engine(engine ?? {}, clock, random)
    this.log = new CallLog(logSize)
    this.#since = this.#allowedAt = clock.now()
    this.#chargedBefore = { ...this.model.charged }
    for (const rule of faults) this.inflict(rule)
  }

  /** The true wall clock, in ms since 1970. */
  get wall(): number {
    return this.#epoch + this.clock.now()
  }

  /** What the provider takes for it. */
  get providerWall(): number {
    return this.wall + this.#skew
  }

  get tally(): Readonly<Tally> {
    return this.#tally
  }

  /** A call comes in. What becomes of it is told to `listener`, now or later. */
  arrive(errand: Errand, listener: CallListener): Call {
    this.#tally.arrived++
    const { ask, model, stream, id } = errand
    const record: CallRecord = {
      number: ++this.#number,
      id,
      model,
      stream,
      arrived: this.wall,
      fate: 'open',
      input: ask.input,
      produced: 0,
    }
    this.log.add(record)
    const fault = errand.fault ?? this.#faultOf()
    const call = new Call({ provider: this, record, tally: this.#tally, errand, fault, listener })
    if (this.#jitter > 0) call.delay(this.#random() * this.#jitter)
    else call.judge()
    return call
  }

  /** A call that could not be understood: an invalid body, an unknown model. Its request counts where failed ones do. */
  invalid(): void {
    this.#tally.invalid++
    this.model.failed()
  }

  /** A client left before its call was complete. */
  leftEarly(): void {
    this.#tally.aborted.upload++
  }

  inflict(rule: FaultRule): void {
    this.#rules.push({ ...rule, until: this.clock.now() + (rule.for ?? Infinity), left: rule.count ?? Infinity })
  }

  heal(): void {
    this.#rules = []
  }

  /** Changes limits, by value. What they allowed until now stays counted. */
  change(limits: Readonly<Partial<Record<DimensionName, number>>>): void {
    this.#countAllowed()
    this.model.change(limits)
  }

  /** Multiplies all limits. */
  scale(factor: number): void {
    this.change(Object.fromEntries(this.model.standing().map(({ dimension, limit }) => [dimension, limit * factor])))
  }

  /** Counts from here on. Buckets stay as they are. */
  reset(): void {
    this.#tally = freshTally()
    this.log.clear()
    this.#since = this.#allowedAt = this.clock.now()
    this.#allowed.clear()
    this.#chargedBefore = { ...this.model.charged }
  }

  /** Since the beginning, or the last reset. */
  get elapsed(): Millis {
    return this.clock.now() - this.#since
  }

  /** Charged, net of refunds, and its share of what the limits allow in that time; full buckets at the start come on top. */
  usage(): Readonly<Partial<Record<DimensionName, Standing & { charged: number; utilisation: number }>>> {
    this.#countAllowed()
    const standing = this.model.standing()
    return Object.fromEntries(
      standing.map((each) => {
        const charged = this.model.charged[each.dimension] - this.#chargedBefore[each.dimension]
        const allowed = this.#allowed.get(each.dimension) ?? 0
        return [each.dimension, { ...each, charged, utilisation: allowed > 0 ? charged / allowed : 0 }]
      }),
    )
  }

  #countAllowed(): void {
    const now = this.clock.now()
    for (const { dimension, limit } of this.model.standing()) {
      const more = (limit * (now - this.#allowedAt)) / DIMENSIONS[dimension].window
      this.#allowed.set(dimension, (this.#allowed.get(dimension) ?? 0) + more)
    }
    this.#allowedAt = now
  }

  #faultOf(): Fault | undefined {
    if (this.#rules.length === 0) return undefined
    const now = this.clock.now()
    this.#rules = this.#rules.filter(({ until, left }) => now < until && left > 0)
    const rule = this.#rules.find(({ share = 1 }) => share === 1 || this.#random() < share)
    if (rule !== undefined) rule.left--
    return rule?.fault
  }
}

function freshTally(): Tally {
  return {
    arrived: 0,
    admitted: 0,
    completed: 0,
    broken: 0,
    invalid: 0,
    refused: {},
    aborted: { upload: 0, arriving: 0, queued: 0, 'first-token': 0, decoding: 0 },
  }
}

/** Names of limits, as the command line and the control port take them. */
export function isDimension(name: string): name is DimensionName {
  return (DIMENSION_NAMES as readonly string[]).includes(name)
}

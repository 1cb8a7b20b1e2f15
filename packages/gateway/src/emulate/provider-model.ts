import { systemRandom, type Instant, type Millis, type Random } from 'sluice'
import { Admission, type Ledger } from './admission.ts'
import type { Ask } from './ask.ts'
import { Bucket, type Capacity } from './bucket.ts'
import { DIMENSION_NAMES, DIMENSIONS, type DimensionName } from './dimension.ts'
import { Foreign, type ForeignOptions } from './foreign.ts'
import { PROFILES, type Profile, type ProfileName } from './profile.ts'
import type { LimitFigures, ProviderRefusal, RefusalReason } from './provider-refusal.ts'
import { Ramp, type RampOptions } from './ramp.ts'
import { billed, TARIFFS, type Billed, type Tariff, type TariffName } from './tariff.ts'

export interface ProviderModelOptions {
  /** Default `openai`. */
  readonly profile?: ProfileName | Profile
  /** So much in each dimension's window. Default: those of the profile. A dimension that is not named has no limit. */
  readonly limits?: Readonly<Partial<Record<DimensionName, number>>>
  /** What may come at once, for dimensions of a minute. Default: what the profile says, else the full limit. */
  readonly capacity?: Capacity
  /** How the profile's dimension in question is charged. Default: what the profile says. */
  readonly mode?: TariffName
  /** Calls at work at once. Default: no limit. */
  readonly concurrency?: number
  /** Refused and invalid calls count as calls. Default true. */
  readonly failedCount?: boolean
  /** Money, and what a million tokens cost; all in the same currency. Default: none. */
  readonly spend?: { readonly limit: number; readonly input: number; readonly output: number }
  /** Default: growth is not limited. */
  readonly ramp?: RampOptions
  /** Somebody else who uses the same limits. Default: nobody. */
  readonly foreign?: ForeignOptions
  /** Only the present is asked for; nothing in here waits. */
  readonly clock: { now(): Instant }
  /** Wall clock at instant 0 of `clock`, in ms since 1970. Fixed windows begin by it. Default 0. */
  readonly epoch?: number
  /** Default the system's. */
  readonly random?: Random
}

/** How one dimension stands. */
export interface Standing {
  readonly dimension: DimensionName
  readonly limit: number
  /** What is there; below 0 it is a debt. */
  readonly level: number
  readonly untilFull: Millis
}

interface Meter {
  readonly name: DimensionName
  readonly bucket: Bucket
  readonly tariff: Tariff
}

/**
 * A provider of language models as its limits see it: lets a call in or refuses it, charges, corrects and refunds.
 * It has no timers: whoever holds it says what happens, its clock says when. All dimensions are taken or none.
 */
export class ProviderModel implements Ledger {
  readonly profile: Profile
  readonly failedCount: boolean
  /** Net of refunds, since the beginning. */
  readonly charged: Readonly<Record<DimensionName, number>>
  readonly #charged: Record<DimensionName, number>
  readonly #clock: { now(): Instant }
  readonly #meters: readonly Meter[]
  readonly #buckets: readonly Bucket[]
  readonly #foreign: Foreign | undefined
  readonly #ramp: Ramp | undefined
  readonly #concurrency: number
  readonly #spend: ProviderModelOptions['spend']
  #active = 0
  #spent = 0

  constructor(options: ProviderModelOptions) {
    const { profile = 'openai', clock, epoch = 0, random = systemRandom, failedCount = true } = options
    this.profile = typeof profile === 'string' ? PROFILES[profile] : profile
    this.failedCount = failedCount
    this.#clock = clock
    this.#concurrency = options.concurrency ?? Infinity
    this.#spend = options.spend
    const now = clock.now()
    const limits = options.limits ?? this.profile.limits
    const tariffs = { ...this.profile.tariffs, ...(options.mode && { [this.profile.moded]: options.mode }) }
    this.#meters = DIMENSION_NAMES.flatMap((name) => {
      const limit = limits[name]
      if (limit === undefined) return []
      const { window } = DIMENSIONS[name]
      const own = this.profile.capacity[name]
      const capacity = (window === 60_000 ? options.capacity : undefined) ?? own ?? 'full'
      return [{ name, bucket: new Bucket({ limit, window, capacity, now, epoch }), tariff: TARIFFS[tariffs[name]] }]
    })
    this.#buckets = this.#meters.map(({ bucket }) => bucket)
    this.#charged = { requests: 0, tokens: 0, input: 0, output: 0, 'requests-day': 0, 'tokens-day': 0 }
    this.charged = this.#charged
    this.#ramp = options.ramp && new Ramp(options.ramp, now)
    this.#foreign = options.foreign && new Foreign(options.foreign, random, now)
  }

  /** Calls at work. */
  get active(): number {
    return this.#active
  }

  get spent(): number {
    return this.#spent
  }

  /**
   * Lets a call in, or says why not.
   * @throws RangeError for amounts that are no amounts
   */
  ask(ask: Ask): Admission | ProviderRefusal {
    const bill = billed(ask, this.profile)
    this.#advance()
    if (this.#refusal(bill) !== undefined) {
      this.failed()
      // Once more: that it counted as a call may be what it has to wait for.
      return this.#refusal(bill)!
    }
    const paid = this.#meters.map(({ name, bucket, tariff }) => {
      const amount = tariff.start(bill)
      bucket.take(amount)
      this.#charged[name] += amount
      return amount
    })
    this.#ramp?.take(bill.estimate)
    this.#active++
    return new Admission(this, bill, paid)
  }

  /** Refuses for a reason that is no limit, and counts the call where failed ones count. */
  refuse(reason: Exclude<RefusalReason, DimensionName | 'too-large'>): ProviderRefusal {
    this.#advance()
    if (reason !== 'flex') this.failed()
    return { admitted: false, reason }
  }

  /** Counts a call that came to nothing: refused, or not even understood. */
  failed(): void {
    if (!this.failedCount) return
    for (const { name, bucket } of this.#meters)
      if (DIMENSIONS[name].unit === 'requests') this.#charged[name] += bucket.drain(1)
  }

  /** How every limited dimension stands at this instant. */
  standing(): readonly Standing[] {
    this.#advance()
    return this.stood()
  }

  /** How they stood when something last happened: what the headers of a call say that was judged just now. */
  stood(): readonly Standing[] {
    return this.#meters.map(({ name, bucket }) => ({
      dimension: name,
      limit: bucket.limit,
      level: bucket.level,
      untilFull: bucket.untilFull,
    }))
  }

  /**
   * Changes limits in mid-run, as Azure does. Dimensions that are not named stay.
   * @throws RangeError for one that has no limit to change, or a limit that is none
   */
  change(limits: Readonly<Partial<Record<DimensionName, number>>>): void {
    const changes = Object.entries(limits).map(([name, limit]) => {
      const meter = this.#meters.find((each) => each.name === name)
      if (meter === undefined) throw new RangeError(`${name} has no limit here`)
      if (!(limit > 0 && limit < Infinity)) throw new RangeError(`the limit of ${name} must be above 0, not ${limit}`)
      return { bucket: meter.bucket, limit }
    })
    this.#advance()
    for (const { bucket, limit } of changes) bucket.resize(limit)
  }

  /** For {@link Admission} only: brings what was paid to what is owed. */
  settle(bill: Billed, paid: number[], stage: 'running' | 'end', produced: number): void {
    this.#advance()
    for (const [index, { name, bucket, tariff }] of this.#meters.entries()) {
      const total = tariff[stage]?.(bill, produced)
      if (total === undefined) continue
      const owed = total - paid[index]!
      if (owed > 0) bucket.take(owed)
      else bucket.give(-owed)
      this.#charged[name] += owed
      paid[index] = total
    }
    if (stage === 'running') return
    this.#active--
    if (this.#spend) this.#spent += (this.#spend.input * bill.input + this.#spend.output * produced) / 1e6
  }

  #advance(): void {
    const now = this.#clock.now()
    this.#foreign?.advance(this.#buckets, now)
    this.#ramp?.advance(now)
    for (const bucket of this.#buckets) bucket.advance(now)
  }

  #refusal(bill: Billed): ProviderRefusal | undefined {
    if (this.#spend && this.#spent >= this.#spend.limit) return { admitted: false, reason: 'spend' }
    // Nobody is told the longest wait by chance: it is what must pass before the call can be let in.
    let worst: (ProviderRefusal & { readonly wait: Millis }) | undefined
    for (const { name, bucket, tariff } of this.#meters) {
      const needs = tariff.needs?.(bill) ?? tariff.start(bill)
      if (bucket.fits(needs)) continue
      const wait = bucket.wait(needs)
      if (wait === Infinity) return { admitted: false, reason: 'too-large', about: this.#figures(name, bucket, needs) }
      if (worst === undefined || wait > worst.wait)
        worst = { admitted: false, reason: name, about: this.#figures(name, bucket, needs), wait }
    }
    if (worst !== undefined) return worst
    if (this.#active >= this.#concurrency) return { admitted: false, reason: 'concurrency' }
    const wait = this.#ramp?.wait(bill.estimate) ?? 0
    return wait > 0 ? { admitted: false, reason: 'slow-down', wait } : undefined
  }

  #figures(dimension: DimensionName, bucket: Bucket, needs: number): LimitFigures {
    const { limit, level, most, window, continuous } = bucket
    const requested = Math.ceil(needs)
    // What can never fit is measured against what fits at once, or the message would contradict itself.
    if (needs > most) return { dimension, limit: Math.floor(most), used: 0, requested, window, continuous }
    return { dimension, limit, used: Math.ceil(Math.floor(limit) - level - 1e-6), requested, window, continuous }
  }
}

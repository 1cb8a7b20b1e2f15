import type { Instant, Millis } from '../ground/index.ts'
import type { Amounts } from './charges.ts'
import { ConformityCheck, type Conformity, type LeftReading } from './conformity.ts'
import { toldBudgets, type ToldBudget } from './dialects/told-budgets.ts'
import { headerReader, type HeadersLike } from './headers.ts'
import type { FeedbackParts } from './feedback-parts.ts'
import { Idle } from './idle.ts'
import { emptiest } from './emptiest.ts'
import { Outage } from './outage.ts'
import { Pauses } from './pauses.ts'
import type { BudgetName } from './profile.ts'
import type { Budget } from './provider.ts'
import { Ramp } from './ramp.ts'
import type { Judgement } from './refused.ts'
import type { Asked, LlmUsage } from './request.ts'
import { ON_ITS_WAY, Sent, type SentRequest } from './sent.ts'
import { JITTER, leaseOf, shadowOf } from './shadow-buckets.ts'
import { Squeeze } from './squeeze.ts'

/** Whose buckets, at the shared store: those of a key and model, whoever asks. */
export const FLOW = ''

/**
 * Less left by no more than this part of the limit is let pass: it is what was on its way when the provider spoke. Every
 * correction downwards stays, so small ones would add up to nothing but room that is not used.
 */
const CARELESS = 0.02

/** How often it is looked what others have made of the limits, in ms. */
const LOOK: Millis = 1000

/** Limits that differ by less are the same. */
const SAME = 0.99

const MINUTE: Millis = 60_000

/** A provider that says to come back later than in a day is not believed, in ms. */
const DAY: Millis = 86_400_000

/** What a provider says, turned into what all processes do: its headers correct the buckets, its refusals hold them. */
export class Feedback {
  readonly #parts: FeedbackParts
  readonly #checks = new Map<BudgetName, ConformityCheck>()
  readonly #conformity = new Map<BudgetName, Conformity>()
  readonly #told = new Map<BudgetName, number>()
  readonly #left = new Map<BudgetName, number>()
  readonly #drift = new Map<BudgetName, number>()
  /** Of limits of which the provider tells nothing but refusals. */
  readonly #squeezes = new Map<BudgetName, Squeeze>()
  readonly #squeezed = new Map<BudgetName, number>()
  readonly #ramp: Ramp
  readonly #sent = new Sent()
  readonly #idle = new Idle()
  readonly #outage = new Outage()
  readonly #pauses: Pauses
  #looked: Instant = -Infinity

  constructor(parts: FeedbackParts) {
    this.#parts = parts
    this.#pauses = new Pauses(parts.random)
    this.#ramp = new Ramp(parts.limits.profile.ramp)
    for (const { name, profile } of parts.limits.budgets)
      if (profile.headers !== undefined && profile.modes.length > 1)
        this.#checks.set(name, new ConformityCheck(profile.modes, profile.cached))
  }

  /** What the check of a limit's way of counting says, where there is one. */
  conformityOf(name: BudgetName): Conformity | undefined {
    return this.#conformity.get(name)
  }

  /** What the provider says the limit is, where it does. */
  toldLimit(name: BudgetName): number | undefined {
    return this.#told.get(name)
  }

  /** True where the provider says how many tokens are left. */
  get tellsTokens(): boolean {
    return this.#left.has('tokens') || this.#left.has('input')
  }

  /** What the provider last said is left. */
  leftOf(name: BudgetName): number | undefined {
    return this.#left.get(name)
  }

  /** The same, less what was thought to be left. */
  driftOf(name: BudgetName): number | undefined {
    return this.#drift.get(name)
  }

  /** The part of the limits that may be used while the provider wants traffic to grow slowly. */
  rampAt(now: Instant): number {
    return this.#ramp.at(now)
  }

  /** A request goes out. */
  sends(amounts: Readonly<Amounts>): SentRequest {
    const now = this.#parts.clock.now()
    this.#followSqueezes(now)
    this.#followOthers(now)
    this.#followRamp(now)
    this.#tryMore(now)
    this.#idle.add(amounts, 1, now)
    return this.#sent.add(amounts, now)
  }

  /** The provider has answered it, or will not. */
  answered(sent: SentRequest): void {
    sent.answered = Math.min(sent.answered, this.#parts.clock.now())
  }

  /**
   * The head of an answer has come.
   * @param asked what is counted by now; nothing where the request was refused
   * @param sent that request: what was sent before it has been counted
   */
  heard(headers: HeadersLike, asked: Asked | undefined, sent: SentRequest): ReturnType<typeof toldBudgets> {
    const readings = toldBudgets(headerReader(headers), this.#parts.limits.profile.budgets, this.#parts.wall())
    if (asked !== undefined) {
      this.#pauses.answered()
      for (const check of this.#checks.values()) check.began(asked)
    }
    const { clock, limits } = this.#parts
    const now = clock.now()
    for (const budget of limits.budgets) {
      const reading = readings[budget.name]
      if (reading !== undefined) this.#read(budget, reading, asked !== undefined, sent, now)
    }
    return readings
  }

  /** So many tokens more of an answer have come. */
  produced(more: number): void {
    for (const check of this.#checks.values()) check.produced(more)
  }

  /** A request has ended. @param produced what {@link produced} was told of it */
  ended(asked: Asked, usage: LlmUsage, produced: number): void {
    for (const check of this.#checks.values()) check.ended(asked, usage, produced)
  }

  #read(
    budget: Budget,
    { limit, remaining, full: until, rounded }: ToldBudget,
    counts: boolean,
    sent: SentRequest,
    now: Instant,
  ): void {
    const { gate } = this.#parts
    const { name } = budget
    const since = Math.max(sent.at, now - ON_ITS_WAY)
    if (limit !== undefined && limit !== (this.#told.get(name) ?? budget.limit)) {
      this.#told.set(name, limit)
      this.#pace(now)
    } else if (limit !== undefined) this.#told.set(name, limit)
    if (remaining === undefined) return
    this.#left.set(name, remaining)
    const full = limit ?? this.#told.get(name) ?? budget.limit
    const { available, interval } = gate.status(FLOW)[name]!
    // Rounded to the nearest: half of a step more may be there, and less than nothing is not.
    const half = rounded > 1 ? rounded / 2 : 0
    const { window, per } = budget.profile
    // What there can be at one instant: less than the limit where a shorter time than a minute is watched. What is left and the
    // time until it is full say it.
    const watched = until === undefined ? full : remaining + (until * full) / per
    const room = Math.min(full, (full * window) / per, watched)
    const left =
      Math.min(full, remaining) + half - (1 - this.#parts.limits.share) * room - this.#sent.unanswered(name, since)
    this.#drift.set(name, left - available)
    // While the store is away each process has its part; afterwards no more is believed than what is kept free bears.
    const untold = Math.min(
      this.#outage.untold(gate.state.health === 'down', now) / interval,
      gate.state.health === 'down' ? Infinity : (1 - this.#parts.limits.share) * full,
    )
    if (left + untold < available - CARELESS * full) gate.correct(FLOW, { [name]: left + untold })
    if (!counts) return
    const overlap = half + this.#sent.overlap(name, sent, since)
    const reading = { limit: full, remaining: Math.min(full, remaining), rate: full / per, overlap, delay: now - since }
    this.#check(budget, reading, now)
  }

  #check({ name }: Budget, reading: LeftReading, now: Instant): void {
    const check = this.#checks.get(name)
    const { charges, gate, switches, doubted, limits } = this.#parts
    const assumed = charges.modeOf(name)
    if (check === undefined || assumed === undefined) return
    const { available, capacity, interval } = gate.status(FLOW)[name]!
    const shared = gate.state.sessions > 1 ? { used: capacity - available, rate: 1 / interval } : undefined
    if (!check.read(reading, now, shared)) return
    const verdict = check.judge(assumed)
    this.#conformity.set(name, verdict)
    const { fits } = verdict
    if (fits === undefined || fits === assumed) return
    if (switches) charges.use(name, fits)
    doubted({
      provider: limits.profile.provider,
      model: limits.model,
      budget: name,
      assumed,
      fits,
      switched: switches,
    })
  }

  /** The provider has refused: nobody sends before it makes sense again. Answers for how long. */
  refused(
    { is, retryAfter, budget, short, limit }: Judgement,
    headers: HeadersLike,
    asked: Asked,
    sent: SentRequest,
  ): Millis {
    const { clock, gate, limits, charges } = this.#parts
    const now = clock.now()
    const readings = this.heard(headers, undefined, sent)
    if (is === 'never' || is === 'request' || is === 'fault') return 0
    if (is === 'ramp') {
      this.#ramp.slow(this.#useAt(now), now)
      this.#followRamp(now)
    }
    this.#followSqueezes(now)
    const amounts = charges.atStart(asked)
    const isNews = budget !== undefined && is === 'wait' && this.#toldLimit(budget, limit, now)
    this.#idle.add(amounts, -1, now)
    this.#pauses.refused(sent.at, now)
    const isExcused =
      is === 'wait' && !isNews && this.#idle.excuses(retryAfter, limits.budgets, gate.state.sessions, now)
    const isSilent = is === 'wait' && retryAfter === undefined && Object.keys(readings).length === 0
    const ranOut = budget ?? (isSilent ? emptiest(limits.budgets, gate.status(FLOW), amounts) : undefined)
    let pause = retryAfter
    for (const row of limits.budgets) {
      if (ranOut !== undefined && row.name !== ranOut) continue
      const read = readings[row.name]?.remaining
      const { interval } = gate.status(FLOW)[row.name]!
      const amount = amounts[row.name] ?? 0
      if (pause === undefined && short !== undefined && budget !== undefined) pause = short * interval
      // Of a limit of the day that comes back bit by bit no more is there after the wait than was asked for.
      if (is === 'long' && short !== undefined && budget !== undefined) this.#pullDown(row, amount - short)
      if (pause === undefined && read !== undefined && read < amount) pause = (amount - read) * interval
      const isWatchedClosely = row.profile.window < row.profile.per
      if (read !== undefined && read >= amount && is === 'wait' && isWatchedClosely)
        this.#squeeze(row.name, this.#squeezeOf(row.name).tooClose(this.#partOf(row), now), now)
      const isGuess = pause === undefined && isSilent && ranOut !== undefined
      if (isGuess) pause = this.#pauses.until(amount * interval)
      // Whoever names no limit and says to wait does not mean one of the day: that would not be back so soon.
      const mayBe = row.name === ranOut || (row.name !== 'money' && row.profile.per <= MINUTE)
      if (read === undefined && pause !== undefined && is === 'wait' && !isExcused && mayBe)
        this.#ranOut(row, isGuess ? 0 : amount - pause / interval, { isNews, isGuess }, now)
    }
    pause ??= this.#pauses.blind
    gate.hold(FLOW, Math.min(DAY, pause))
    return pause
  }

  /**
   * A refusal without figures: the time to wait says how much is short. Of that as much as before is kept free, less where
   * little of the limit was in use: with few requests few come too close together, and a wait for it would be for nothing.
   */
  #ranOut(
    budget: Budget,
    left: number,
    { isNews, isGuess }: { isNews: boolean; isGuess: boolean },
    now: Instant,
  ): void {
    const { gate, limits } = this.#parts
    const { name, limit, profile } = budget
    const { available, capacity, interval } = gate.status(FLOW)[name]!
    const part = this.#partOf(budget)
    const free = (1 - limits.share) * limit * part
    const idle = Math.max(0, available / capacity)
    const kept = Math.max(free * (1 - idle), Math.min(free, (JITTER + leaseOf(limits)) / interval))
    const wanted = left - kept
    this.#pullDown(budget, wanted)
    // What has headers says by them what there is, unless it has never sent any and says nothing now.
    if (isNews || (profile.headers !== undefined && (!isGuess || this.#left.has(name)))) return
    // Where much was thought to be left it was not the rate that was too high.
    const over = (Math.min(available, kept) - wanted) / limit
    this.#squeeze(name, this.#squeezeOf(name).refused(over, profile.per, part, now), now)
  }

  /** There is no more left than this. */
  #pullDown({ name }: Budget, left: number): void {
    const { gate } = this.#parts
    if (left < gate.status(FLOW)[name]!.available) gate.correct(FLOW, { [name]: left })
  }

  /** A refusal names the limit, where no header does. True where it is lower than what was gone by. */
  #toldLimit(name: BudgetName, told: number | undefined, now: Instant): boolean {
    const budget = this.#parts.limits.budgets.find((row) => row.name === name)
    if (budget === undefined || told === undefined || budget.profile.headers !== undefined) return false
    const part = told / budget.limit
    if (!(part > 0 && part < this.#partOf(budget) * SAME)) return false
    this.#squeeze(name, this.#squeezeOf(name).told(part, now), now)
    return true
  }

  #squeezeOf(name: BudgetName): Squeeze {
    const squeeze = this.#squeezes.get(name) ?? new Squeeze()
    this.#squeezes.set(name, squeeze)
    return squeeze
  }

  #squeeze(name: BudgetName, part: number | undefined, now: Instant): void {
    if (part === undefined) return
    this.#squeezed.set(name, part)
    this.#pace(now)
  }

  /** Where nothing but refusals tells, what others have been refused counts as if it had been here. */
  #followSqueezes(now: Instant): void {
    for (const budget of this.#parts.limits.budgets) {
      const { name, profile } = budget
      if (name === 'money' || (profile.headers !== undefined && this.#left.has(name))) continue
      const part = this.#partOf(budget) / this.#ramp.at(now)
      if (part < (this.#squeezed.get(name) ?? 1) * SAME)
        this.#squeezed.set(name, this.#squeezeOf(name).follow(part, now))
    }
  }

  /** The part of a limit that all processes go by now. */
  #partOf({ name, limit, profile }: Budget): number {
    return Math.min(1, profile.per / this.#parts.gate.status(FLOW)[name]!.interval / limit)
  }

  #tryMore(now: Instant): void {
    for (const [name, squeeze] of this.#squeezes) {
      const budget = this.#parts.limits.budgets.find((row) => row.name === name)!
      this.#squeeze(name, squeeze.grow(this.#partOf(budget), now), now)
    }
  }

  /** The part of the limits that is in use: the fullest bucket says it. */
  #useAt(now: Instant): number {
    let rate = 0
    for (const { name, profile, limit } of this.#parts.limits.budgets)
      if (profile.per <= MINUTE && name === 'requests') rate = limit / profile.per
    return rate > 0 ? Math.min(1, this.#sent.lately(now) / ON_ITS_WAY / rate) : 1
  }

  /** The limits may be lower, or higher again, than what was heard here is a reason for. */
  #followOthers(now: Instant): void {
    if (now - this.#looked < LOOK) return
    this.#looked = now
    let seen = 0
    for (const budget of this.#parts.limits.budgets)
      if (budget.name !== 'money') seen = Math.max(seen, this.#partOf(budget) / (this.#limitOf(budget) / budget.limit))
    if (seen > 0) this.#ramp.follow(Math.min(1, seen), now)
  }

  /** What a limit is, as far as is known here. */
  #limitOf({ name, limit }: Budget): number {
    return Math.min(limit * (this.#squeezed.get(name) ?? 1), this.#told.get(name) ?? Infinity)
  }

  #followRamp(now: Instant): void {
    if (this.#ramp.news(now) !== undefined) this.#pace(now)
  }

  /** The limits that hold now: what was declared, or less where the provider says so or wants slow growth. */
  #pace(now: Instant): void {
    const { limits, gate } = this.#parts
    const part = this.#ramp.at(now)
    for (const budget of limits.budgets) {
      if (budget.name === 'money') continue
      const limit = this.#limitOf(budget)
      const { capacity } = shadowOf(budget, limits, limit)
      gate.pace(FLOW, { [budget.name]: { tokens: limit * part, per: budget.profile.per, capacity: capacity! } })
    }
  }
}

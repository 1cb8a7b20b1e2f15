import {
  RejectedError,
  Rejection,
  type Clock,
  type Instant,
  type Millis,
  type Permit,
  type Pressure,
  type Priority,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import { breaker, failureRate, type Breaker, type Gate } from '../gate/index.ts'
import { fleetBuckets, fleetSlots, type FleetBuckets, type FleetReservation } from '../coordinate/index.ts'
import { Charges, type Amounts } from './charges.ts'
import { EstimateBias } from './estimate-bias.ts'
import { Feedback, FLOW } from './feedback.ts'
import type { HeadersLike } from './headers.ts'
import { Lease, type LeaseKeeper, type RefusalVerdict } from './lease.ts'
import { OverdueWatch } from './overdue.ts'
import { OutputPrediction } from './prediction.ts'
import type { BudgetName } from './profile.ts'
import type { ModelLimits } from './provider.ts'
import type { QuotaRule } from './quota-rule.ts'
import { judge, type ProviderRefusal } from './refused.ts'
import type { Asked, LlmRequest, LlmUsage } from './request.ts'
import { ServiceRate } from './service-rate.ts'
import { serviceOf } from './service.ts'
import { leaseOf, shadowOf } from './shadow-buckets.ts'
import { QuotaTally } from './tally.ts'
import { Turns, type TurnKeeper } from './turns.ts'
import type { LlmWaiter } from './waiter.ts'

/** As long as nothing is known of a provider, so many requests at once find out, in each process. */
const FIRST = 2

/** How fast what is learned of durations follows. */
const NEWS = 0.1

/** How long a slot is kept for tokens that have to be asked for again, in ms. */
const IN_HAND: Millis = 250

/** Whoever is let in within this has not waited, in ms: what comes back says nothing about it. */
const AT_ONCE: Millis = 10

/** How full it counts while the provider refuses, or somebody is turned away. */
const REFUSING = 1.5

/** One model at one provider: its shared budgets, who waits for them, and what the provider says of them. */
export class Quota implements LeaseKeeper, TurnKeeper {
  readonly name: string
  readonly limits: ModelLimits
  readonly clock: Clock
  readonly gate: FleetBuckets<string>
  readonly charges: Charges
  readonly feedback: Feedback
  readonly breaker: Breaker
  readonly tally: QuotaTally
  readonly turns: Turns
  readonly overdue: OverdueWatch
  inflight = 0
  readonly bias: EstimateBias = new EstimateBias()
  readonly #rule: QuotaRule
  readonly #slots: Gate | undefined
  readonly #prediction = new OutputPrediction()
  /** Which part of prompts does not come from the cache, where that makes a difference: of nine of ten it is no more. */
  readonly #uncached: OutputPrediction | undefined
  /** What is let in here, in ms of refill of the bucket of which it takes most. */
  readonly #rate: ServiceRate
  #waitsForSlot = false
  /** A slot that was waited for, until its tokens have come. */
  #inHand: Permit | undefined
  #letGo: Timer | undefined
  #duration: Millis = 0
  /** True once the provider has answered anything, and has not said since that a limit of the day is spent. */
  #isKnown = false

  constructor(limits: ModelLimits, rule: QuotaRule) {
    const { clock, random, wall, switches, doubted, onDown, maxWait } = rule
    this.limits = limits
    this.clock = clock
    this.#rule = rule
    this.name = `llm:${limits.profile.provider}:${limits.key}:${limits.model}`
    const { name } = this
    // Longer than anybody waits here: whose patience ends is decided here.
    const waits = { name, clock, random, onDown, maxWait: maxWait + 60_000 }
    this.gate = fleetBuckets<string>({
      ...waits,
      coordinator: rule.buckets,
      lease: leaseOf(limits),
      maxTenants: 4,
      buckets: Object.fromEntries(limits.budgets.map((budget) => [budget.name, shadowOf(budget, limits)])),
    })
    if (rule.slots !== undefined && limits.concurrency < Infinity)
      this.#slots = fleetSlots({ ...waits, coordinator: rule.slots(name), limit: limits.concurrency })
    this.charges = new Charges(limits)
    if (limits.budgets.some(({ profile }) => profile.cached !== 'counts'))
      this.#uncached = new OutputPrediction(4096, 3)
    this.tally = new QuotaTally(clock)
    this.#rate = new ServiceRate(clock)
    this.breaker = breaker({ clock, name, rule: failureRate({ minimum: 10 }), openFor: 5000 })
    const { gate, charges } = this
    this.feedback = new Feedback({ limits, charges, gate, clock, random, wall, switches, doubted })
    this.turns = new Turns(this)
    this.overdue = new OverdueWatch(clock, rule.overdue.after, (lease) => this.#lapse(lease))
  }

  get max(): number {
    return this.#rule.max
  }

  get weightOf(): (tenant: string) => number {
    return this.#rule.weightOf
  }

  changed(): void {
    this.#rate.busy(this.turns.line.size > 0 && this.gate.heldFor(FLOW) === 0)
    this.#rule.changed()
  }

  /** True where the provider is not failing. */
  get isOpen(): boolean {
    return this.breaker.state.value !== 'open'
  }

  /** How full it is: by how many wait, and how long the least of them will; above 1 while the provider refuses. */
  get pressure(): Pressure {
    const { size } = this.turns.line
    const { max, maxWait } = this.#rule
    const isRefusing = this.gate.heldFor(FLOW) > 0 || !this.isOpen || size >= max
    const wait = size === 0 ? 0 : this.expectedWait(NOTHING, '', 0) / Math.max(1, maxWait)
    return { level: Math.max(size / max, Math.min(1, wait), isRefusing ? REFUSING : 0), cause: this.name }
  }

  /** True where the provider has said that nobody can begin by then. */
  isHeldUntil(instant: Instant): boolean {
    return this.clock.now() + this.gate.heldFor(FLOW) > instant
  }

  /** The figures charging goes by. @throws RangeError for a request that never fits */
  askedOf(request: LlmRequest, tenant: string, route: string): Asked {
    // What is only predicted may turn out shorter.
    this.charges.checkFits({ ...this.#estimate(request, tenant, route, 1), predicted: 0 })
    return this.#estimate(request, tenant, route)
  }

  /** @param ratio what a prompt has of what was estimated */
  #estimate(request: LlmRequest, tenant: string, route: string, ratio: number = this.bias.ratio): Asked {
    const { input, maxOutput = this.limits.maxOutput } = request
    const uncached = this.#uncached?.predict(tenant, route, 1) ?? 1
    const { cacheRead = input * (1 - uncached) } = request
    const predicted = this.#prediction.predict(tenant, route, maxOutput)
    const reserved = request.maxOutput ?? this.limits.unsaid
    return { input: input * ratio, maxOutput, reserved, cacheRead: cacheRead * ratio, predicted }
  }

  /** How long such a request would wait, in ms: what comes before it, less what is left, by what comes back. */
  expectedWait(asked: Asked, tenant: string, priority: Priority): Millis {
    const part = this.turns.partBefore(tenant, priority)
    const amounts = this.charges.atStart(asked)
    const status = this.gate.status(FLOW)
    const share = this.#share
    let wait = Math.max(this.gate.heldFor(FLOW), this.turns.notBefore - this.clock.now())
    for (const { name } of this.limits.budgets) {
      const { available, held, interval, capacity } = status[name]!
      const need = this.turns.backlog.before(priority, name, part) + Math.min(amounts[name]!, capacity)
      wait = Math.max(wait, ((need - available - held) * interval) / share)
    }
    const { concurrency } = this.limits
    const before = part * this.turns.line.waitingOf(priority).entries + 1 - (concurrency - this.inflight)
    if (before > 0) wait = Math.max(wait, (before * this.#duration) / concurrency)
    return Math.max(0, wait)
  }

  /** The part of what comes back that is let in here, while others wait as well: no less than an equal one. */
  get #share(): number {
    const { sessions } = this.gate.state
    return sessions > 1 ? Math.min(1, Math.max(1 / sessions, this.#rate.value ?? 1)) : 1
  }

  wantedBy({ asked }: LlmWaiter): Amounts {
    return this.charges.atStart(asked)
  }

  /** What has been learned while it waited counts: the first answers there are, are the short ones. */
  askAnew(waiter: LlmWaiter): void {
    const { request, tenant, route } = waiter.parts
    waiter.asked = this.#estimate(request, tenant, route)
  }

  serviceOf({ asked }: LlmWaiter): number {
    return serviceOf(this.#rule.service, asked.input, asked.predicted)
  }

  refusalOf(waiter: LlmWaiter, code: RejectionCode): RejectedError {
    this.tally.refused(code)
    const { name, clock, max } = this
    const { tenant, priority, expires } = waiter.parts
    const wait = code === 'closed' ? undefined : this.expectedWait(waiter.asked, tenant, priority)
    if (code !== 'deadline') return new RejectedError(new Rejection(code, name, this.turns.line.size + 1, max, wait))
    return new RejectedError(new Rejection(code, name, clock.now() + (wait ?? 0), expires, wait))
  }

  mayBegin(): boolean {
    if (this.#waitsForSlot) return false
    if (!this.#isKnown && this.inflight >= FIRST) return false
    return this.#slots !== undefined || this.inflight < this.limits.concurrency
  }

  begin(waiter: LlmWaiter, taken: Amounts, reservation: FleetReservation<string>): Lease | Millis {
    const slot = this.#takeInHand() ?? this.#slots?.tryEnter()
    if (slot !== undefined && !slot.admitted) {
      this.#awaitSlot(this.#slots!)
      return Infinity
    }
    const trial = this.breaker.tryEnter()
    if (!trial.admitted) {
      slot?.release('ignored')
      return trial.retryAfter ?? 1000
    }
    reservation.settle(taken)
    this.inflight++
    const since = this.clock.now()
    const waited = Math.max(0, since - waiter.parts.since)
    this.tally.began(waited, taken)
    if (waited > AT_ONCE) this.#rate.served(this.#refillOf(taken))
    const { provider } = this.limits.profile
    const sent = this.feedback.sends(taken)
    const { asked } = waiter
    const { care } = this.bias
    const likely = { ...asked, input: asked.input / care, cacheRead: asked.cacheRead / care }
    const service = this.serviceOf(waiter)
    const parts = { keeper: this, provider, waited, taken, reservation, trial, slot, since, service, sent }
    const lease = new Lease({ ...waiter.parts, asked, likely, ...parts })
    this.overdue.add(lease)
    return lease
  }

  /** Nothing is heard of it any more: whoever had it has forgotten it. */
  #lapse(lease: Lease): void {
    this.tally.overdue++
    this.#rule.overdue.told(lease)
    if (this.#rule.overdue.policy === 'release') lease.settle()
  }

  /** How long the bucket of which most is taken needs to refill, in ms. */
  #refillOf(taken: Amounts): Millis {
    const status = this.gate.status(FLOW)
    return Math.max(...this.limits.budgets.map(({ name }) => (taken[name] ?? 0) * status[name]!.interval))
  }

  /**
   * No tokens are held while waiting for a slot. A slot that has come is kept in hand while tokens are asked for again, but
   * not for long: given back at once it would go to another process that does the same, and so on for ever.
   */
  #awaitSlot(slots: Gate): void {
    this.#waitsForSlot = true
    slots.acquire().then(
      (permit) => {
        this.#waitsForSlot = false
        this.#inHand = permit
        this.#letGo = this.clock.after(IN_HAND, () => this.#takeInHand()?.release('ignored'))
        this.turns.pump()
        if (this.turns.line.size === 0) this.#takeInHand()?.release('ignored')
      },
      () => {
        this.#waitsForSlot = false
        this.turns.later(1000)
      },
    )
  }

  #takeInHand(): Permit | undefined {
    const permit = this.#inHand
    this.#inHand = undefined
    this.#letGo?.cancel()
    return permit
  }

  heard({ parts }: Lease, headers: HeadersLike): void {
    this.#isKnown = true
    this.feedback.answered(parts.sent)
    this.feedback.heard(headers, parts.likely, parts.sent)
    this.turns.pump()
  }

  produced(more: number): void {
    this.feedback.produced(more)
  }

  settled(lease: Lease, usage: LlmUsage): void {
    const { asked, likely, tenant, route, since, request } = lease.parts
    const { input, output, cacheRead = 0 } = usage
    if (input !== undefined) this.bias.learn(request.input, input)
    else if (lease.isAnswered && this.feedback.tellsTokens) this.bias.relax()
    if (input !== undefined && input > 0) this.#uncached?.learn(tenant, route, 1 - Math.min(1, cacheRead / input))
    if (output !== undefined) this.#prediction.learn(tenant, route, output)
    this.tally.input += input ?? 0
    this.tally.output += output ?? 0
    if (input === undefined && output === undefined) this.tally.abandoned++
    else this.tally.settled++
    if (lease.isAnswered) this.feedback.ended(likely, usage, lease.streamed)
    this.#duration += NEWS * (this.clock.now() - since - this.#duration)
    this.#end(
      lease,
      this.charges.atEnd(asked, usage),
      usage,
      lease.isAnswered || output !== undefined ? 'success' : 'ignored',
    )
  }

  refused(lease: Lease, refusal: ProviderRefusal): RefusalVerdict {
    const { asked } = lease.parts
    const judgement = judge(this.limits.profile, refusal)
    const { is } = judgement
    this.tally.refusedBy(is, refusal.status)
    const isProviders = is === 'capacity' || is === 'fault'
    this.#end(
      lease,
      this.charges.afterFailure(asked, !isProviders),
      { input: 0, output: 0 },
      isProviders ? 'failure' : 'ignored',
    )
    // Nobody knows when it begins anew: two find out, and not all who wait.
    if (is === 'long') this.#isKnown = false
    const pause = this.feedback.refused(judgement, refusal.headers ?? {}, asked, lease.parts.sent)
    this.changed()
    if (pause > 0) {
      this.turns.giveUp((waiter) => this.isHeldUntil(waiter.expires))
      // Whoever listens further up hears of the end as well.
      this.clock.after(pause + 1, () => this.changed(), { background: true })
    }
    return {
      is,
      retry: judgement.mayRetry && is !== 'never' && is !== 'request',
      retryAfter: judgement.retryAfter ?? (pause || undefined),
    }
  }

  #end(lease: Lease, amounts: Amounts, usage: LlmUsage, outcome: 'success' | 'failure' | 'ignored'): void {
    const { parts } = lease
    this.#isKnown = true
    this.feedback.answered(parts.sent)
    this.overdue.remove(lease)
    this.inflight--
    const more: Amounts = {}
    for (const [name, amount] of Object.entries(amounts) as [BudgetName, number][])
      more[name] = amount - (parts.taken[name] ?? 0)
    this.tally.use(more)
    parts.reservation.release(outcome, amounts)
    parts.trial.release(outcome)
    parts.slot?.release('success')
    const { input = parts.asked.input, output = parts.asked.predicted } = usage
    this.turns.line.settle(parts.tenant, serviceOf(this.#rule.service, input, output) - parts.service)
    this.#rule.changed()
    this.turns.pump()
  }

  /** Refuses everybody who waits; what is in progress ends as usual. Settles once the shared budgets have been told. */
  async close(): Promise<void> {
    this.turns.close()
    this.overdue.stop()
    this.#takeInHand()?.release('ignored')
    this.#slots?.close()
    await this.gate.close()
  }
}

/** What is asked for to see how long anybody waits. */
export const NOTHING: Asked = { input: 0, maxOutput: 0, reserved: 0, cacheRead: 0, predicted: 0 }

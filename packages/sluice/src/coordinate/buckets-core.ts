import {
  refuseValue,
  Rejection,
  Source,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type Random,
  type Timer,
} from '../ground/index.ts'
import { costOf, isLate, type GateCore, type GateStats, type Verdict, type Waiting } from '../gate/index.ts'
import type { BucketsCoordinator, SharedBudget } from './buckets.ts'
import { Tenant, type FleetRefill, type TenantRule } from './buckets-tenant.ts'

/** Where an arrival carries what it takes of each bucket, if that is not what its cost says. */
export const AMOUNTS: unique symbol = Symbol('amounts')

/** An arrival that says what it takes of each bucket. */
export interface BucketsArrival extends Arrival {
  readonly [AMOUNTS]?: Readonly<Record<string, number>>
}

export interface BucketsRule extends Omit<TenantRule, 'opened' | 'answered'> {
  /** What the deadlines of arrivals are measured on. */
  readonly deadlines: Clock
  readonly coordinator: BucketsCoordinator
  readonly random: Random
  readonly maxTenants: number
}

/** Tenants looked at for one that may go, before it is the turn of whoever is quiet. */
const GLANCES = 8

/** A tenant that was seen within this is spared, in ms, where another can go. */
const RECENT: Millis = 1000

/** Buckets that many processes take from together, for each of many tenants: who comes belongs to the tenant `flow`. */
export class FleetBucketsCore implements GateCore {
  /** What deadlines are measured on. */
  readonly clock: Clock
  /** The same, which never goes back. */
  readonly time: Clock
  readonly pressure: Source<Pressure>
  readonly #rule: BucketsRule & TenantRule
  readonly #budget: SharedBudget
  readonly #session: string
  readonly #tenants = new Map<string, Tenant>()
  /** Those with tokens at hand, or something to tell. */
  readonly #open = new Set<Tenant>()
  #opened = 0
  #timer: Timer | undefined
  #closed = false
  #ended: Promise<void> | undefined
  #resolve: (() => void) | undefined

  constructor(rule: BucketsRule) {
    const { random, link, name, onDown, buckets } = rule
    const clock = rule.clock
    this.clock = rule.deadlines
    this.time = clock
    this.#rule = { ...rule, opened: (tenant) => this.#isOpen(tenant), answered: (tenant) => this.#answered(tenant) }
    this.#budget = { name, buckets }
    const part = (): string => Math.floor(random() * 2 ** 32).toString(36)
    this.#session = `${part()}x${part()}x${part()}`
    this.pressure = new Source(() => ({ level: link.down && onDown === 'closed' ? 1 : 0, cause: name }), clock)
    link.recovered = () => {
      this.pressure.changed()
      for (const tenant of this.#tenants.values()) if (tenant.isAwaited) tenant.serve(clock.now())
    }
  }

  get name(): string {
    return this.#rule.name
  }

  get stats(): GateStats {
    return { limit: Infinity, inflight: 0, queued: this.#rule.crowd.size }
  }

  get buckets(): readonly FleetRefill[] {
    return this.#rule.buckets
  }

  get tenants(): number {
    return this.#tenants.size
  }

  check(arrival: BucketsArrival): void {
    this.#amountsOf(arrival, costOf(arrival))
  }

  enter(arrival: BucketsArrival, mayWait: boolean): Verdict | Waiting {
    const cost = costOf(arrival)
    const amounts = this.#amountsOf(arrival, cost)
    const { name, clock } = this.#rule
    if (this.#closed) return new Rejection('closed', name, 1, 0)
    const { deadline } = arrival
    let left = Infinity
    if (deadline !== undefined) {
      const now = this.clock.now()
      if (isLate(deadline, now)) return new Rejection('deadline', name, now, deadline)
      left = deadline - now
    }
    const now = clock.now()
    const tenant = this.tenantOf(arrival.flow, now)
    if (tenant === undefined) return new Rejection('queue_full', name, this.#tenants.size + 1, this.#rule.maxTenants)
    return tenant.enter({ arrival, cost, amounts, left: mayWait && arrival.maxWait !== 0 ? left : undefined }, now)
  }

  /** The tenant of that name, if it is remembered. */
  known(flow = ''): Tenant | undefined {
    return this.#tenants.get(flow)
  }

  /** The tenant of that name, made if need be; none where all there is room for are being waited for. */
  tenantOf(flow = '', now: Instant = this.time.now()): Tenant | undefined {
    const known = this.#tenants.get(flow)
    if (known !== undefined) return known
    if (this.#tenants.size >= this.#rule.maxTenants && !this.#makeRoom(now)) return undefined
    // Not the same account again for one that was forgotten: that one may have something to settle yet.
    const session = `${this.#session}x${(this.#opened++).toString(36)}`
    const tenant = new Tenant(this.#rule, session, (noticed) =>
      this.#rule.coordinator.open(this.#budget, flow, session, noticed),
    )
    this.#tenants.set(flow, tenant)
    return tenant
  }

  #makeRoom(now: Instant): boolean {
    let glances = 0
    for (const [flow, tenant] of this.#tenants) {
      if (!tenant.isQuiet) continue
      if (now - tenant.seen < RECENT && glances++ < GLANCES && this.#tenants.size > GLANCES) {
        // To the end of the line.
        this.#tenants.delete(flow)
        this.#tenants.set(flow, tenant)
        continue
      }
      this.#tenants.delete(flow)
      if (tenant.hold.isOpen) tenant.giveBack(now)
      tenant.leave()
      return true
    }
    return false
  }

  #amountsOf(arrival: BucketsArrival, cost: number): number[] {
    const named = arrival[AMOUNTS]
    const { buckets, name } = this.#rule
    const amounts: number[] = []
    for (let at = 0; at < buckets.length; at++) {
      const bucket = buckets[at]!
      const amount = named?.[bucket.name] ?? (bucket.takesOne ? 1 : cost)
      if (amount > bucket.capacity) {
        // More fits where a provider has said so.
        const capacity = Math.max(bucket.capacity, this.known(arrival.flow)?.hold.feedback.refills[at]!.capacity ?? 0)
        const field = named?.[bucket.name] === undefined ? 'arrival.cost' : `amounts.${bucket.name}`
        if (amount > capacity) refuseValue(field, amount, `at most ${capacity}, the capacity of ${name}.${bucket.name}`)
      }
      amounts.push(amount)
    }
    return amounts
  }

  #isOpen(tenant: Tenant): void {
    // Answered after the end: that too goes back.
    if (this.#closed) return tenant.giveBack(this.time.now())
    this.#open.add(tenant)
    this.#arm()
  }

  /** What lies unused for longer than the lease is given back, what is owed is told, though nobody comes any more. */
  #arm(): void {
    if (this.#open.size === 0) this.#timer = undefined
    else this.#timer ??= this.clock.after(Math.max(this.#rule.lease, 50), this.#sweep, { background: true })
  }

  readonly #sweep = (): void => {
    this.#timer = undefined
    const now = this.time.now()
    for (const tenant of this.#open)
      if (!tenant.hold.isOpen) this.#open.delete(tenant)
      else if (tenant.hold.isDue(now)) tenant.giveBack(now)
    this.#arm()
  }

  shut(): void {
    this.#closed = true
  }

  close(): void {
    this.shut()
    this.#rule.link.close()
    this.#timer?.cancel()
    const now = this.time.now()
    for (const tenant of this.#tenants.values()) tenant.close()
    for (const tenant of this.#open) if (tenant.hold.isOpen) tenant.giveBack(now)
    for (const tenant of this.#tenants.values()) tenant.leave()
    this.#end()
  }

  /** Settles once it is closed and nothing is at hand any more, or nobody can be told. */
  get ended(): Promise<void> {
    this.#ended ??= new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#end()
    return this.#ended
  }

  #answered(tenant: Tenant): void {
    if (!tenant.hold.isOpen) this.#open.delete(tenant)
    if (this.#closed) this.#end()
  }

  #end(): void {
    if (!this.#closed) return
    for (const tenant of this.#tenants.values()) if (!tenant.isQuiet) return
    this.#resolve?.()
  }
}

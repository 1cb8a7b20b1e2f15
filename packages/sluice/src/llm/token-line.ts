import { Heap, ORDINARY, type Priority } from '../ground/index.ts'

/** One who waits for tokens. */
export interface LineEntry {
  readonly tenant: string
  readonly priority: Priority
}

/** The highest class of priority. */
const HIGHEST = 3

/** One tenant's waiters of one class. */
class Place<E extends LineEntry> {
  readonly tenant: Tenant<E>
  /** Who was sent back by the provider and tries again stands before those who are new. */
  readonly again = new Set<E>()
  readonly fresh = new Set<E>()
  /** Where it stands among those of its class, by service and by length; -1 where nobody waits. */
  turn = -1
  length = -1

  constructor(tenant: Tenant<E>) {
    this.tenant = tenant
  }

  get size(): number {
    return this.again.size + this.fresh.size
  }

  get first(): E | undefined {
    for (const entry of this.again) return entry
    for (const entry of this.fresh) return entry
    return undefined
  }

  get last(): E | undefined {
    let last: E | undefined
    for (const entry of this.fresh.size > 0 ? this.fresh : this.again) last = entry
    return last
  }
}

/** What is known of one tenant. */
class Tenant<E extends LineEntry> {
  readonly name: string
  readonly weight: number
  /** Service received, divided by weight, on the common scale. */
  counter = 0
  waiting = 0
  inflight = 0
  readonly places: readonly Place<E>[]

  constructor(name: string, weight: number) {
    this.name = name
    this.weight = weight
    this.places = Array.from({ length: HIGHEST + 1 }, () => new Place(this))
  }
}

/**
 * Who is next for tokens: the highest class of priority; in it the tenant that has had the least service for its weight; of
 * that tenant whoever came first. Service is charged as expected when a request begins and corrected when it ends. A tenant
 * that comes back begins where the least served of those who wait are, not with what it did not use.
 *
 * The virtual token counter of Sheng et al. (Fairness in Serving Large Language Models, OSDI 2024), in its predicted and
 * weighted forms. Two tenants of equal weight that both always have somebody waiting differ in service, over any stretch
 * of time, by at most 2 U, where U is the most one request is charged plus the most that is in progress.
 */
export class TokenLine<E extends LineEntry> {
  readonly #weightOf: (tenant: string) => number
  readonly #tenants = new Map<string, Tenant<E>>()
  readonly #turns: readonly Heap<Place<E>>[]
  readonly #lengths: readonly Heap<Place<E>>[]
  readonly #counts: number[] = [0, 0, 0, 0]
  readonly #most: number
  readonly #charged: (tenant: string, more: number) => void
  /** Where the last one who left stood. */
  #left = 0

  /**
   * @param most tenants remembered at least although nothing of theirs waits or is in progress
   * @param charged told of all that is charged to a tenant, divided by its weight
   */
  constructor(
    weightOf: (tenant: string) => number,
    most = 10_000,
    charged: (tenant: string, more: number) => void = () => {},
  ) {
    this.#weightOf = weightOf
    this.#most = most
    this.#charged = charged
    const classes = Array.from({ length: HIGHEST + 1 })
    this.#turns = classes.map(
      () =>
        new Heap<Place<E>>(
          (a, b) => a.tenant.counter < b.tenant.counter,
          (place, at) => (place.turn = at),
        ),
    )
    this.#lengths = classes.map(
      () =>
        new Heap<Place<E>>(
          (a, b) => a.size > b.size,
          (place, at) => (place.length = at),
        ),
    )
  }

  get size(): number {
    return this.#counts[0]! + this.#counts[1]! + this.#counts[2]! + this.#counts[3]!
  }

  /** Tenants that are remembered. */
  get tenants(): number {
    return this.#tenants.size
  }

  /** How many of a class wait, and of how many tenants. */
  waitingOf(priority: Priority): { readonly entries: number; readonly tenants: number } {
    return { entries: this.#counts[priority]!, tenants: this.#turns[priority]!.size }
  }

  /** How many of a tenant's wait, of one class. */
  lengthOf(tenant: string, priority: Priority): number {
    return this.#tenants.get(tenant)?.places[priority]!.size ?? 0
  }

  /** How much one that waits counts among others. */
  weightOf(tenant: string): number {
    return this.#tenants.get(tenant)?.weight ?? 1
  }

  /** Service a tenant has received, divided by its weight; for tests and for people. */
  serviceOf(tenant: string): number {
    return this.#tenants.get(tenant)?.counter ?? 0
  }

  /** Where the least served of those who wait is; where nobody does, where the last one who left was. */
  get least(): number {
    let least = Infinity
    for (const turns of this.#turns) least = Math.min(least, turns.first?.tenant.counter ?? Infinity)
    return least === Infinity ? this.#left : least
  }

  /** Some of the tenants who are next in a class, though not in their order. */
  next(priority: Priority, most: number): string[] {
    const turns = this.#turns[priority]!
    return Array.from({ length: Math.min(most, turns.size) }, (_, at) => turns.at(at)!.tenant.name)
  }

  /** So much service a tenant has received elsewhere and here, divided by its weight. */
  place(name: string, counter: number): void {
    const tenant = this.#tenants.get(name)
    if (tenant === undefined || tenant.counter === counter) return
    tenant.counter = counter
    this.#update(tenant)
  }

  /** @param again true for one that had its turn and was sent back: it stands before those who are new */
  push(entry: E, again = false): void {
    const tenant = this.#tenantOf(entry.tenant)
    if (tenant.waiting === 0) this.#wake(tenant)
    tenant.waiting++
    this.#counts[entry.priority]!++
    const place = tenant.places[entry.priority]!
    if (again) place.again.add(entry)
    else place.fresh.add(entry)
    if (place.turn < 0) {
      this.#turns[entry.priority]!.push(place)
      this.#lengths[entry.priority]!.push(place)
    } else this.#lengths[entry.priority]!.update(place.length)
  }

  /** Who is next, left in. */
  get first(): E | undefined {
    for (let rank = HIGHEST; rank >= 0; rank--) {
      const first = this.#turns[rank]!.first?.first
      if (first !== undefined) return first
    }
    return undefined
  }

  /** True where it waits. */
  has(entry: E): boolean {
    const place = this.#tenants.get(entry.tenant)?.places[entry.priority]
    return place !== undefined && (place.again.has(entry) || place.fresh.has(entry))
  }

  /** Takes out one that gives up. False where it does not wait (any more). */
  remove(entry: E): boolean {
    const place = this.#tenants.get(entry.tenant)?.places[entry.priority]
    if (place === undefined || !(place.again.delete(entry) || place.fresh.delete(entry))) return false
    const { tenant } = place
    tenant.waiting--
    this.#counts[entry.priority]!--
    if (place.size === 0) {
      this.#turns[entry.priority]!.removeAt(place.turn)
      this.#lengths[entry.priority]!.removeAt(place.length)
      place.turn = -1
      place.length = -1
    } else this.#lengths[entry.priority]!.update(place.length)
    if (tenant.waiting === 0) this.#left = tenant.counter
    this.#forget(tenant)
    return true
  }

  /** Takes out one whose turn it is, and charges its tenant what it is expected to take. False where it does not wait. */
  take(entry: E, service: number): boolean {
    const tenant = this.#tenants.get(entry.tenant)
    if (tenant === undefined) return false
    tenant.inflight++
    const waited = this.remove(entry)
    if (waited) this.#charge(tenant, service)
    else {
      tenant.inflight--
      this.#forget(tenant)
    }
    return waited
  }

  /** What one that was taken has really received, beyond what was charged; below 0 what it did not. */
  settle(name: string, more: number): void {
    const tenant = this.#tenants.get(name)
    if (tenant === undefined) return
    tenant.inflight--
    this.#charge(tenant, more)
    this.#forget(tenant)
  }

  /**
   * Who has to go so that one of this tenant and class can come: the newest of whoever has most waiting in the lowest class;
   * nobody where that is the newcomer itself.
   */
  victim(tenant: string, priority: Priority = ORDINARY): E | undefined {
    for (let rank = 0; rank <= priority; rank++) {
      const longest = this.#lengths[rank]!.first
      if (longest === undefined) continue
      if (rank < priority || longest.size > this.lengthOf(tenant, priority) + 1) return longest.last
      return undefined
    }
    return undefined
  }

  *[Symbol.iterator](): IterableIterator<E> {
    for (const tenant of this.#tenants.values())
      for (const place of tenant.places) {
        yield* place.again
        yield* place.fresh
      }
  }

  #tenantOf(name: string): Tenant<E> {
    const known = this.#tenants.get(name)
    if (known !== undefined) return known
    const tenant = new Tenant<E>(name, this.#weightOf(name))
    this.#tenants.set(name, tenant)
    if (this.#tenants.size > this.#most * 2) this.#forgetQuiet()
    return tenant
  }

  #wake(tenant: Tenant<E>): void {
    tenant.counter = Math.max(tenant.counter, this.least)
  }

  #charge(tenant: Tenant<E>, service: number): void {
    const more = service / tenant.weight
    tenant.counter += more
    this.#charged(tenant.name, more)
    this.#update(tenant)
    if (tenant.waiting === 0 && tenant.inflight > 0) this.#left = Math.max(this.#left, tenant.counter)
  }

  #update({ places }: Tenant<E>): void {
    for (let rank = 0; rank <= HIGHEST; rank++) {
      const { turn } = places[rank]!
      if (turn >= 0) this.#turns[rank]!.update(turn)
    }
  }

  /** Whoever would begin where the others are may be forgotten: it changes nothing. */
  #forget(tenant: Tenant<E>): void {
    if (tenant.waiting > 0 || tenant.inflight > 0) return
    if (tenant.counter <= this.least) this.#tenants.delete(tenant.name)
  }

  #forgetQuiet(): void {
    for (const tenant of this.#tenants.values()) {
      if (this.#tenants.size <= this.#most) return
      if (tenant.waiting === 0 && tenant.inflight === 0) this.#tenants.delete(tenant.name)
    }
  }
}

import { Rejection, type Clock, type Instant, type Millis } from 'sluice'
import { quotaSpentFor, retryAfterTold, type HeaderOf } from 'sluice/undici'

/** Who is told apart of those whose quota is spent, at most: beyond it whoever was noted first is forgotten. */
const MOST = 10_000
/** A spent quota is looked at so often, in ms: it may have been somebody else's. */
const PROBE: Millis = 250
/** After so much time without a refusal nothing is held back any more, in ms. */
const FORGIVEN: Millis = 10_000
/** For how long word of an overload counts that does not say for how long, in ms. */
const OVERLOADED: Millis = 1000
/** What is won by each answer once the time to come back is over, in requests at once. */
const GROWTH = 0.25

/** Somebody's spent quota. */
interface Spent {
  until: Instant
  /** What was sent last to see if it still is. */
  probe: object | undefined
  next: Instant
}

export interface BelowOptions {
  readonly name: string
  readonly clock: Clock
  /** On their way to the upstream now. */
  readonly inflight: () => number
  /** Whom a request is from. */
  readonly keyOf: (client: object) => string | undefined
}

/**
 * What an upstream says of its own overload, as a bound before the door (requirement S2.6). A 503 that says when to come
 * back lowers what may be on the way at once to what the upstream has kept; each answer then wins a little back, more
 * once the time has passed. A spent quota (429, or `RateLimit` with nothing left) holds back those whose it is, save for
 * one request in a while that sees if it still is.
 */
export class Below {
  readonly #options: BelowOptions
  #cap = Infinity
  #told: Millis = 0
  #until: Instant = -Infinity
  readonly #spent = new Map<string, Spent>()

  constructor(options: BelowOptions) {
    this.#options = options
  }

  /** True while nobody is held back: then nothing else need be asked. */
  get calm(): boolean {
    return this.#cap === Infinity && this.#spent.size === 0
  }

  /** How much may be on its way at once; `Infinity` where the upstream says nothing. */
  get cap(): number {
    return this.#cap
  }

  /** Why a request is not sent, with what the upstream said of coming back. */
  refusal(client: object): Rejection | undefined {
    const now = this.#options.clock.now()
    return this.#overCap(now) ?? this.#overQuota(client, now)
  }

  /** Learns from the head of an answer. */
  heard(status: number, header: HeaderOf, client: object | undefined): void {
    const now = this.#options.clock.now()
    const refusing = status === 503 || status === 429
    const told = refusing ? retryAfterTold(header) : undefined
    if (status === 503 && told !== undefined) this.#narrow(this.#options.inflight() - 1, told, now)
    const spent = this.#spentFor(status, told, header)
    if (spent !== undefined && client !== undefined) this.#spend(client, spent, now)
  }

  /** An answer that is no refusal. Only while somebody is held back. */
  answered(client: object | undefined): void {
    const { clock, inflight, keyOf } = this.#options
    const now = clock.now()
    if (this.#cap < Infinity && inflight() >= this.#cap - 1) this.#cap += now < this.#until ? 1 / this.#cap : GROWTH
    const key = client && keyOf(client)
    if (key !== undefined && this.#spent.get(key)?.probe === client) this.#spent.delete(key)
  }

  /** The upstream says that it is in use beyond its limit. @param load above 1 */
  overloaded(load: number): void {
    const { clock, inflight } = this.#options
    this.#narrow(Math.min(this.#cap, inflight() / load), OVERLOADED, clock.now())
  }

  #narrow(cap: number, told: Millis, now: Instant): void {
    this.#cap = Math.max(1, Math.min(this.#cap, cap))
    this.#told = told
    this.#until = Math.max(this.#until, now + told)
  }

  #overCap(now: Instant): Rejection | undefined {
    if (this.#cap === Infinity) return undefined
    if (now - this.#until > FORGIVEN) {
      this.#cap = Infinity
      return undefined
    }
    const { name, inflight } = this.#options
    const load = inflight() + 1
    if (load <= this.#cap) return undefined
    const left = this.#until - now
    return new Rejection('overload', name, load, Math.floor(this.#cap), left > 0 ? left : this.#told)
  }

  #overQuota(client: object, now: Instant): Rejection | undefined {
    if (this.#spent.size === 0) return undefined
    const { name, keyOf } = this.#options
    const key = keyOf(client)
    const spent = key === undefined ? undefined : this.#spent.get(key)
    if (key === undefined || spent === undefined) return undefined
    if (now >= spent.until) {
      this.#spent.delete(key)
      return undefined
    }
    if (now < spent.next) return new Rejection('rate_limited', name, 1, 0, spent.until - now)
    spent.probe = client
    spent.next = now + PROBE
    return undefined
  }

  #spentFor(status: number, told: Millis | undefined, header: HeaderOf): Millis | undefined {
    const quota = status === 503 ? undefined : quotaSpentFor(header)
    return status === 429 ? (told ?? quota) : quota
  }

  #spend(client: object, told: Millis, now: Instant): void {
    const key = this.#options.keyOf(client)
    if (key === undefined || told <= 0) return
    const before = this.#spent.get(key)
    const until = Math.max(before?.until ?? 0, now + told)
    this.#spent.delete(key)
    this.#spent.set(key, { until, probe: undefined, next: Math.max(before?.next ?? 0, now + PROBE) })
    if (this.#spent.size > MOST) this.#spent.delete(this.#spent.keys().next().value!)
  }
}

import {
  isRejection,
  RejectedError,
  throwLater,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Clock,
  type Instant,
  type Millis,
  type Priority,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import type { Entry } from '../gate/index.ts'
import { RANK, type BucketsRank, type FleetBuckets, type FleetReservation } from '../coordinate/index.ts'
import { Backlog } from './backlog.ts'
import type { Amounts } from './charges.ts'
import { FLOW } from './feedback.ts'
import type { LlmLease } from './lease.ts'
import { Ledger } from './ledger.ts'
import { TokenLine } from './token-line.ts'
import type { LlmWaiter } from './waiter.ts'

/** What the line of a model needs of the model. */
export interface TurnKeeper {
  readonly clock: Clock
  readonly gate: FleetBuckets<string>
  /** How many may wait. */
  readonly max: number
  readonly weightOf: (tenant: string) => number
  /** What a request takes. */
  wantedBy(waiter: LlmWaiter): Amounts
  /** Estimates it again, now that it is its turn. */
  askAnew(waiter: LlmWaiter): void
  /** Service it is expected to be, in the order of tenants. */
  serviceOf(waiter: LlmWaiter): number
  /** True where one more may be in progress here. */
  mayBegin(): boolean
  /** The error of one that is refused. */
  refusalOf(waiter: LlmWaiter, code: RejectionCode): RejectedError
  /**
   * Its tokens have been granted: begins it where nothing else is in the way. Else says how long there will be, in ms;
   * `Infinity` where `pump` will be called.
   */
  begin(waiter: LlmWaiter, taken: Amounts, reservation: FleetReservation<string>): LlmLease | Millis
  /** How many wait, or who, has changed. */
  changed(): void
}

type RankedEntry = Entry & { readonly [RANK]: BucketsRank }

/** How soon it is tried again where something is in the way that should not be, in ms. */
const SOON: Millis = 10

/** Who waits for one model, and the asking for whoever is next: one asks at a time, somebody more important instead. */
export class Turns {
  readonly line: TokenLine<LlmWaiter>
  readonly backlog: Backlog = new Backlog()
  /** When it makes sense to ask again. */
  notBefore: Instant = -Infinity
  readonly #keeper: TurnKeeper
  readonly #ledger: Ledger
  #asking: { readonly waiter: LlmWaiter; readonly stop: AbortController } | undefined
  #timer: Timer | undefined
  #closed = false

  constructor(keeper: TurnKeeper) {
    this.#keeper = keeper
    this.line = new TokenLine(keeper.weightOf, undefined, (tenant, more) => this.#ledger.charged(tenant, more))
    this.#ledger = new Ledger(this.line, () => keeper.gate.state.sessions > 1)
  }

  /**
   * Waits its turn.
   * @param again true for one that had its turn and was sent back by the provider
   * @throws RejectedError when refused; `signal.reason` when aborted
   */
  enter(waiter: LlmWaiter, again: boolean): Promise<LlmLease> {
    const { clock, max } = this.#keeper
    const now = clock.now()
    const { signal } = waiter.request
    if (this.#closed) return Promise.reject(this.#keeper.refusalOf(waiter, 'closed'))
    if (signal?.aborted === true) return Promise.reject(asError(signal.reason))
    if (waiter.expires <= now) return Promise.reject(this.#keeper.refusalOf(waiter, waiter.expiry))
    if (this.line.size >= max && !again) {
      const victim = this.line.victim(waiter.tenant, waiter.priority)
      if (victim === undefined) return Promise.reject(this.#keeper.refusalOf(waiter, 'queue_full'))
      this.#leave(victim, this.#keeper.refusalOf(victim, 'evicted'))
    }
    waiter.wants = this.#keeper.wantedBy(waiter)
    return new Promise((resolve, reject) => {
      const caller: AbortListener = { aborted: (reason) => this.#leave(waiter, asError(reason)) }
      if (signal) watchAbort(signal, caller)
      waiter.answer = (answer) => {
        if (signal) unwatchAbort(signal, caller)
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
      waiter.timer = clock.after(waiter.expires - now, () =>
        this.#leave(waiter, this.#keeper.refusalOf(waiter, waiter.expiry)),
      )
      this.line.push(waiter, again)
      this.backlog.add(waiter.priority, waiter.wants)
      this.#keeper.changed()
      this.pump()
    })
  }

  /** How much of its own class comes before one of that tenant, as a part. */
  partBefore(tenant: string, priority: Priority): number {
    const { entries, tenants } = this.line.waitingOf(priority)
    // Each tenant is served about once for each request of one's own.
    const own = this.line.lengthOf(tenant, priority)
    return entries === 0 ? 0 : Math.min(1, ((own + 1) * Math.max(1, tenants)) / entries)
  }

  #leave(waiter: LlmWaiter, reason: Error): void {
    if (!this.line.remove(waiter)) return
    this.#gone(waiter, reason)
    if (this.#asking?.waiter === waiter) this.#asking.stop.abort()
    this.pump()
  }

  #gone(waiter: LlmWaiter, answer: LlmLease | Error): void {
    waiter.timer?.cancel()
    this.backlog.remove(waiter.priority, waiter.wants)
    waiter.answer?.(answer)
    waiter.answer = undefined
    this.#keeper.changed()
  }

  /** Asks for whoever is next. */
  pump(): void {
    const next = this.line.first
    if (next === undefined || this.#closed) return
    if (this.#asking !== undefined) {
      // Comes back here once the buckets have let go of the one that asks.
      const { waiter, stop } = this.#asking
      if (next.priority > waiter.priority || (next.isAgain && !waiter.isAgain)) stop.abort()
      return
    }
    if (!this.#keeper.mayBegin()) return
    const left = this.notBefore - this.#keeper.clock.now()
    if (left > 0) return this.later(left)
    this.#ask(next)
  }

  /** Tries again in so many ms. */
  later(delay: Millis): void {
    this.#timer?.cancel()
    this.#timer = this.#keeper.clock.after(delay, () => this.pump())
  }

  #ask(waiter: LlmWaiter): void {
    const { gate } = this.#keeper
    const stop = new AbortController()
    this.#asking = { waiter, stop }
    this.#keeper.askAnew(waiter)
    const amounts = this.#keeper.wantedBy(waiter)
    const status = gate.status(FLOW)
    // More than a bucket holds is taken as far as it holds it; the rest is owed as soon as that is granted.
    const fitting = Object.fromEntries(
      Object.entries(amounts).map(([name, amount]) => [name, Math.min(amount, status[name]!.capacity)]),
    )
    const { tenant, priority } = waiter
    const charge = this.#keeper.serviceOf(waiter) / this.line.weightOf(tenant)
    const rank = this.#ledger.rankOf(waiter, charge, () => {
      // Somebody else is next, now that it is known what tenants have had elsewhere.
      if (this.#asking?.waiter === waiter && this.line.first?.tenant !== tenant) stop.abort()
    })
    gate.reserve(fitting, { flow: FLOW, priority, signal: stop.signal, [RANK]: rank } as RankedEntry).then(
      (reservation) => {
        this.#asking = undefined
        this.#granted(waiter, amounts, reservation)
        this.pump()
      },
      (error: unknown) => {
        this.#asking = undefined
        if (!stop.signal.aborted) this.#failed(waiter, asError(error))
        this.pump()
      },
    )
  }

  #granted(waiter: LlmWaiter, amounts: Amounts, reservation: FleetReservation<string>): void {
    const begun = this.line.has(waiter) ? this.#keeper.begin(waiter, amounts, reservation) : 0
    if (typeof begun === 'number') {
      // Nothing is held while waiting for something else.
      reservation.release('ignored', 0)
      if (begun > 0 && begun < Infinity) this.notBefore = this.#keeper.clock.now() + begun
      return
    }
    this.line.take(waiter, this.#keeper.serviceOf(waiter))
    this.#gone(waiter, begun)
  }

  /** The buckets would not: closed, or not to be reached, or cut while it waited. */
  #failed(waiter: LlmWaiter, error: Error): void {
    const code = error instanceof RejectedError && isRejection(error.rejection) ? error.code : undefined
    // Asked for again with what there can be by now; its own patience goes on.
    this.notBefore = this.#keeper.clock.now() + SOON
    if (code === 'rate_limited' || code === 'queue_timeout' || error instanceof RangeError) return
    if (code === undefined) throwLater(this.#keeper.clock, error)
    if (this.line.remove(waiter)) this.#gone(waiter, error)
  }

  /** Refuses those for whom waiting on is pointless: they can still do something else. */
  giveUp(isHopeless: (waiter: LlmWaiter) => boolean): void {
    for (const waiter of this.line)
      if (isHopeless(waiter)) this.#leave(waiter, this.#keeper.refusalOf(waiter, 'rate_limited'))
  }

  /** Refuses everybody. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    for (const waiter of this.line) this.#leave(waiter, this.#keeper.refusalOf(waiter, 'closed'))
    this.#asking?.stop.abort()
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

import {
  checkNumber,
  checkWhole,
  RejectedError,
  Rejection,
  Source,
  systemClock,
  worst,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { coreOf, semaphore, type Entry, type Gate, type Observer } from '../gate/index.ts'
import { priority } from '../queue/index.ts'
import { Held, type HeldConnection } from './held.ts'
import { Lease, type Lender } from './lease.ts'
import { Opening } from './opening.ts'
import type { PoolPort } from './pool-port.ts'
import { warn } from './warning.ts'

/** What a caller may say of its wish for a connection. */
export interface PoolEntry extends Entry {
  /** How long the work may take once it has its connection, in ms. Default: until the `deadline`, if there is one. */
  readonly timeout?: Millis
}

/** Options of {@link poolGuard}, and of every guard made of one. */
export interface PoolGuardOptions {
  /**
   * Who decides. Default: a semaphore of as many permits as the pool has connections, with a priority queue of
   * `maxWaiting` places. An adaptive `limiter()` fits too: its limit may stay below the pool's size.
   */
  readonly gate?: Gate
  /** How many may wait for a connection. A whole number of at least 0; not with `gate`. Default: the pool's size. */
  readonly maxWaiting?: number
  /** How long anybody waits, for a turn and for the connection to open together, in ms. At least 1. Default 3000. */
  readonly maxWait?: Millis
  /** For people, metrics and refusals; not with `gate`. Default `pool`. */
  readonly name?: string
  /** Is told of every arrival; not with `gate`. Default: nobody. */
  readonly observer?: Observer
  /** Held for longer than this, in ms, a connection is reported; `Infinity` for never. Above 0. Default 60,000. */
  readonly heldTooLong?: Millis
  /** Is told of each connection that is, once. Default: a warning of the process that names who took it. */
  readonly onHeld?: (held: HeldConnection) => void
  /**
   * How long work that was called off may take to let go of its connection, in ms, before the connection is closed.
   * At least 0. Default 5000.
   */
  readonly grace?: Millis
  /** How long `end` waits for connections to come back before it calls their work off, in ms. Default 30,000. */
  readonly drain?: Millis
  /** Default: the gate's. */
  readonly clock?: Clock
}

/** What a guarded pool holds at this moment. */
export interface PoolStats {
  /** How many connections may be out. */
  readonly limit: number
  /** Permits in use: connections out, being opened, on their way back. */
  readonly inflight: number
  /** How many wait. */
  readonly queued: number
  /** Connections out. */
  readonly held: number
  /** Connections closed so far because called-off work did not let go of them: the server may still be at it. */
  readonly abandoned: number
}

const ORDINARY_ENTRY: PoolEntry = {}

/**
 * Puts a gate in front of a pool of connections. Of any pool: `sluice/pg` has the habits of node-postgres on top of it.
 * @throws RangeError for an option out of range
 */
export function poolGuard<C extends object>(port: PoolPort<C>, options: PoolGuardOptions = {}): PoolGuard<C> {
  return new PoolGuard(port, options)
}

/** A pool of connections behind a gate. */
export class PoolGuard<C extends object> {
  readonly gate: Gate
  /**
   * The gate's: connections out and waited for, by how many there may be, so it rises long before the pool is full.
   * Where somebody waits it is at least 1 plus the share of its patience that the first in line has used up.
   */
  readonly pressure: Signal<Pressure>
  readonly #port: PoolPort<C>
  readonly #clock: Clock
  readonly #lender: Lender<C>
  readonly #ownsGate: boolean
  readonly #maxWait: Millis
  readonly #drain: Millis
  readonly #held: Held
  /** When whoever waits began to: in order of coming. */
  readonly #waits = new Set<{ readonly since: Instant }>()
  readonly #waiting: Source<Pressure>
  #abandoned = 0
  /** Connections being opened for somebody: nobody holds them yet, and the pool must not end before they are back. */
  #opening = 0
  /** Why nobody is waited for any more, once `end` has waited long enough. */
  #tooLong: RejectedError | undefined
  #ending: Promise<void> | undefined
  #allBack: (() => void) | undefined

  constructor(port: PoolPort<C>, options: PoolGuardOptions) {
    const size = checkWhole('pool.size', port.size, 1)
    this.#port = port
    this.#maxWait = checkNumber('pool.maxWait', options.maxWait ?? 3000, 1)
    this.#drain = checkNumber('pool.drain', options.drain ?? 30_000, 0)
    const grace = checkNumber('pool.grace', options.grace ?? 5000, 0)
    this.#ownsGate = options.gate === undefined
    this.gate = options.gate ?? this.#gateFor(size, options)
    this.#clock = options.clock ?? coreOf('gate', this.gate).clock ?? systemClock
    const tooLong = checkNumber('pool.heldTooLong', options.heldTooLong ?? 60_000, Number.MIN_VALUE, Infinity)
    this.#held = new Held(this.#clock, tooLong, options.onHeld ?? ((held) => warnOf(this.gate.name, held)))
    this.#waiting = new Source(() => ({ level: this.#waitLevel(), cause: `${this.gate.name} wait` }), this.#clock)
    this.pressure = worst(this.gate.pressure, this.#waiting)
    this.#lender = {
      port,
      grace,
      clock: this.#clock,
      returning: (lease) => this.#returning(lease),
      abandoned: () => void this.#abandoned++,
      tooLate: (deadline) => this.#tooLate(deadline),
    }
  }

  /** A reading. */
  get stats(): PoolStats {
    return { ...this.gate.stats, held: this.#held.size, abandoned: this.#abandoned }
  }

  /** Who holds a connection, longest first. */
  get held(): readonly HeldConnection[] {
    return this.#held.list
  }

  /**
   * Waits for a connection. Whoever takes one must `end` the lease.
   * @param taker the function whose caller is noted as the one who took it. Default: nobody is noted.
   * @throws RejectedError when refused; `entry.signal.reason` when aborted; what the pool fails with
   */
  async acquire(entry: PoolEntry = ORDINARY_ENTRY, taker?: (...args: never[]) => unknown): Promise<Lease<C>> {
    const who = taker && noted(taker)
    const { signal, flow } = entry
    const timeout = checkNumber('entry.timeout', entry.timeout ?? Infinity, 0, Infinity)
    const wait = { since: this.#clock.now() }
    this.#waits.add(wait)
    let permit
    try {
      permit = await this.gate.acquire(this.#ownsGate ? entry : { ...entry, maxWait: entry.maxWait ?? this.#maxWait })
    } finally {
      this.#waits.delete(wait)
      this.#waiting.changed()
    }
    if (this.#ending !== undefined) {
      permit.release('ignored', 0)
      throw new RejectedError(new Rejection('closed', this.gate.name, 1, 0))
    }
    const until = Math.min(wait.since + this.#maxWait, entry.deadline ?? Infinity)
    const now = this.#clock.now()
    const opening = new Opening(this.#port, permit, {
      hurried: signal !== undefined || entry.deadline !== undefined,
      clock: this.#clock,
      patience: until - now,
      late: () => (until === entry.deadline ? this.#tooLate(until) : this.#tooSlow(wait.since)),
      signal,
    })
    this.#opening++
    try {
      const client = await opening.start()
      const deadline = Math.min(entry.deadline ?? Infinity, this.#clock.now() + timeout)
      const lease = new Lease(this.#lender, client, permit, { signal, deadline, taker: who, flow })
      this.#held.add(lease)
      const refusal = this.#tooLong ?? (lease.isCalledOff ? lease.refusal : undefined)
      if (refusal !== undefined) {
        lease.end('ignored')
        throw refusal
      }
      return lease
    } finally {
      this.#opening--
      this.#tellIfAllBack()
    }
  }

  /**
   * Waits for a connection, does the work with it, gives it back. At the deadline, or when the signal is aborted, the
   * server is told to stop and the caller gets its answer at once.
   * @throws what `acquire` does; RejectedError with code `deadline`; whatever the work throws
   */
  use<T>(work: (client: C) => PromiseLike<T> | T, entry?: PoolEntry): Promise<T> {
    return this.acquire(entry).then((lease) => lease.run(work))
  }

  /**
   * Lets nobody in any more and refuses who waits with `closed`; waits for the connections that are out or being opened,
   * calls their work off after `drain` ms, and ends the pool. A gate that was given stays open for its other users.
   */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    if (this.#ownsGate) this.gate.close()
    if (this.#held.size + this.#opening > 0) await this.#drained()
    await this.#port.end?.()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(this.#drain, () => {
        const reason = new RejectedError(new Rejection('closed', this.gate.name, 1, 0))
        this.#tooLong = reason
        for (const lease of this.#held.leases) lease.callOff(reason, 'ignored')
      })
      this.#allBack = (): void => {
        timer.cancel()
        resolve()
      }
    })
  }

  #returning(lease: Lease<C>): void {
    this.#held.remove(lease)
    this.#tellIfAllBack()
  }

  #tellIfAllBack(): void {
    if (this.#held.size + this.#opening === 0) this.#allBack?.()
  }

  #tooLate(deadline: Instant): RejectedError {
    const now = this.#clock.now()
    return new RejectedError(new Rejection('deadline', this.gate.name, now, Math.min(now, deadline)))
  }

  #tooSlow(since: Instant): RejectedError {
    return new RejectedError(new Rejection('queue_timeout', this.gate.name, this.#clock.now() - since, this.#maxWait))
  }

  #waitLevel(): number {
    if (this.gate.stats.queued === 0) return 0
    for (const { since } of this.#waits) return 1 + (this.#clock.now() - since) / this.#maxWait
    return 0
  }

  #gateFor(size: number, { name = 'pool', maxWaiting, clock, observer }: PoolGuardOptions): Gate {
    const capacity = checkWhole('pool.maxWaiting', maxWaiting ?? size, 0)
    return semaphore({
      name,
      permits: size,
      queue: priority({ capacity, maxWait: this.#maxWait }),
      ...(clock && { clock }),
      ...(observer && { observer }),
    })
  }
}

/** Who called a function: formatted only when somebody reads it. */
function noted(taker: (...args: never[]) => unknown): { readonly stack?: string } {
  const who = {}
  Error.captureStackTrace(who, taker)
  return who
}

function warnOf(name: string, { heldFor, flow, stack }: HeldConnection): void {
  const whose = flow === undefined ? '' : ` for ${flow}`
  const where = stack === '' ? ' by a single query' : `\n${stack}`
  warn(
    'SLUICE_POOL_HELD',
    `${name}: a connection has been out for ${Math.round(heldFor)} ms${whose} and was not released; taken${where}`,
  )
}

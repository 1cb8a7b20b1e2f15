import type { Millis } from './clock.ts'

/** Why an arrival was turned away: a row of {@link REFUSALS}. */
export type RejectionCode =
  | 'overload'
  | 'limit_exceeded'
  | 'queue_full'
  | 'queue_timeout'
  | 'evicted'
  | 'shed'
  | 'breaker_open'
  | 'rate_limited'
  | 'deadline'
  | 'cancelled'
  | 'closed'

/** What one kind of refusal is called, on each wire it may travel. */
export interface Refusal {
  /** HTTP status. The caller's fault is 429, ours is 503. */
  readonly status: number
  /** The `code` of the JSON body (requirement S3.3). */
  readonly wire: string
  /** gRPC status name. */
  readonly grpc: string
  /** When to come back, in ms, where the gate does not know better. `undefined`: coming back is pointless. */
  readonly retryAfter: Millis | undefined
  /** One sentence for a person. */
  readonly means: string
}

/** Every way to be turned away. Types, metrics labels, HTTP, gRPC and the docs all read this one table. */
export const REFUSALS: Readonly<Record<RejectionCode, Refusal>> = {
  overload: {
    status: 503,
    wire: 'SYSTEM_OVERLOAD',
    grpc: 'UNAVAILABLE',
    retryAfter: 5000,
    means: 'everything in progress and waiting has reached the reject threshold',
  },
  limit_exceeded: {
    status: 503,
    wire: 'LIMIT_EXCEEDED',
    grpc: 'UNAVAILABLE',
    retryAfter: 1000,
    means: 'every slot is busy and the caller would not wait',
  },
  queue_full: {
    status: 503,
    wire: 'QUEUE_FULL',
    grpc: 'UNAVAILABLE',
    retryAfter: 1000,
    means: 'every slot is busy and the queue is full',
  },
  queue_timeout: {
    status: 503,
    wire: 'QUEUE_TIMEOUT',
    grpc: 'UNAVAILABLE',
    retryAfter: 2000,
    means: 'no slot came free in the time allowed for waiting',
  },
  evicted: {
    status: 503,
    wire: 'EVICTED',
    grpc: 'UNAVAILABLE',
    retryAfter: 2000,
    means: 'pushed out of the queue by a more important arrival',
  },
  shed: {
    status: 503,
    wire: 'SHED',
    grpc: 'UNAVAILABLE',
    retryAfter: 5000,
    means: 'it is not among what is served under the present pressure',
  },
  breaker_open: {
    status: 503,
    wire: 'BREAKER_OPEN',
    grpc: 'UNAVAILABLE',
    retryAfter: 5000,
    means: 'the dependency is failing and is being left alone',
  },
  rate_limited: {
    status: 429,
    wire: 'RATE_LIMITED',
    grpc: 'RESOURCE_EXHAUSTED',
    retryAfter: 1000,
    means: 'this flow has spent its quota',
  },
  deadline: {
    status: 504,
    wire: 'DEADLINE_EXCEEDED',
    grpc: 'DEADLINE_EXCEEDED',
    retryAfter: undefined,
    means: 'it could not have been answered in time',
  },
  cancelled: {
    status: 499,
    wire: 'CANCELLED',
    grpc: 'CANCELLED',
    retryAfter: undefined,
    means: 'the caller left while waiting',
  },
  closed: {
    status: 503,
    wire: 'SHUTTING_DOWN',
    grpc: 'UNAVAILABLE',
    retryAfter: 5000,
    means: 'this instance is shutting down',
  },
}

const BRAND = Symbol.for('sluice.rejection')

/**
 * A refusal is data: who refused, why, when to come back, and what would have been needed.
 * It carries no stack: refusing must cost far less than serving.
 */
export class Rejection {
  readonly code: RejectionCode
  /** The name of the gate that refused. */
  readonly gate: string
  /** What stood against it, this arrival included: arrivals in progress, waiters, ms. In the unit of `limit`. */
  readonly load: number
  /** What would have been let in: `load <= limit` was needed. */
  readonly limit: number
  /** When to come back, in ms, where the gate knows; else see {@link retryAfterOf}. */
  readonly retryAfter: Millis | undefined
  /** True where there is less than it needs even with nothing else in use. Absent else: a refusal is made often. */
  declare readonly never?: true

  constructor(code: RejectionCode, gate: string, load: number, limit: number, retryAfter?: Millis) {
    this.code = code
    this.gate = gate
    this.load = load
    this.limit = limit
    this.retryAfter = retryAfter
  }

  get admitted(): false {
    return false
  }
}

// Two installed copies of this package still recognise each other's refusals. On the prototype: it costs an object nothing.
Object.defineProperty(Rejection.prototype, BRAND, { value: true })

/** True for a refusal, whichever copy of this package made it. */
export function isRejection(value: unknown): value is Rejection {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true
}

/** When to come back, in ms: what the gate said, else what the table says; `undefined` where it is pointless. */
export function retryAfterOf(rejection: Rejection): Millis | undefined {
  if (rejection.never) return undefined
  return rejection.retryAfter ?? REFUSALS[rejection.code].retryAfter
}

/** One sentence that says who refused, why, and what would have been needed. */
export function explain(rejection: Rejection): string {
  const { code, gate, load, limit, never } = rejection
  const means = never ? 'it needs more than there is at all: it would never fit' : REFUSALS[code].means
  return `${gate} refused: ${means}; load ${round(load)}, limit ${round(limit)}`
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** A {@link Rejection} for people who like exceptions. Made only by `acquire` and `run`. */
export class RejectedError extends Error {
  readonly rejection: Rejection

  constructor(rejection: Rejection, options?: ErrorOptions) {
    super(explain(rejection), options)
    this.name = 'RejectedError'
    this.rejection = rejection
  }

  /** Why: a row of {@link REFUSALS}. */
  get code(): RejectionCode {
    return this.rejection.code
  }
}

import { checkNumber, checkWhole, hashOf, systemClock, systemRandom } from '../ground/index.ts'
import { limiter, type Gate } from '../gate/index.ts'
import { priority } from '../queue/index.ts'
import type { ClientOptions } from './client-options.ts'
import { Origin, type OriginParts, type OriginReading } from './origin.ts'

/** The origins a client has to do with, as they stand. */
export interface Origins {
  /** Those with gates of their own, and the shared ones in use. */
  [Symbol.iterator](): Iterator<OriginReading>
  /** @param origin scheme, host and port as `new URL(…).origin` spells them */
  get(origin: string): OriginReading | undefined
  /** Refuses everybody who waits and everybody who comes with `closed`. Requests on their way end as usual. */
  close(): void
}

/**
 * Who calls out waits rather than be refused, for as long as this: a program that asks for many things at once is no
 * flood that somebody has to be protected from here.
 */
const QUEUE = { capacity: 1000, maxWait: 1000 } as const
/** Gates that all further origins share, by hash. */
const SHARED = 16
/** Entries looked at for one that may go, when a new origin finds the table full. */
const GLANCES = 8
/** A longer name is no origin: a host has 253 characters at most. */
const LONGEST = 300

/**
 * A bounded table of origins. Beyond its size a new one takes the place of one that is at rest and was not asked for
 * lately (the second chance of the clock algorithm), else it shares one of a few: whatever origins a program is made to
 * talk to, memory stays what it is, and an origin that is paused or throttled is never forgotten.
 */
export class OriginTable implements Origins {
  readonly parts: OriginParts
  readonly #most: number
  readonly #own = new Map<string, Origin>()
  readonly #shared: (Origin | undefined)[] = Array.from({ length: SHARED }, () => undefined)
  #hand: Iterator<[string, Origin], undefined> | undefined
  #closed = false

  /** @throws RangeError for an option out of range, naming it */
  constructor(options: ClientOptions) {
    const { clock = systemClock, random = systemRandom } = options
    this.#most = checkWhole('maxOrigins', options.maxOrigins ?? 1000, 1)
    this.parts = {
      clock,
      random,
      gate: options.gate ?? ((name): Gate => limiter({ name, clock, random, queue: priority(QUEUE) })),
      breaker: options.breaker,
      throttle: options.throttle ?? {},
      retryBudget: options.retryBudget ?? {},
      pauseOn: options.pauseOn ?? [429],
      maxPause: checkNumber('maxPause', options.maxPause ?? 60_000, Number.MIN_VALUE),
      maxHold: checkNumber('maxHold', options.maxHold ?? 1000, 0),
      targetUtilization: checkNumber('targetUtilization', options.targetUtilization ?? 0.9, Number.MIN_VALUE, Infinity),
    }
  }

  *[Symbol.iterator](): Iterator<Origin> {
    yield* this.#own.values()
    for (const origin of this.#shared) if (origin !== undefined) yield origin
  }

  get(origin: string): Origin | undefined {
    return this.#own.get(origin)
  }

  /** The origin of a request, made where there is none. @param text an origin, or a URL that begins with one */
  of(text: string): Origin {
    const known = this.#own.get(text)
    if (known !== undefined) {
      known.used = true
      return known
    }
    const name = spell(text)
    return name === text ? this.#welcome(name) : (this.#own.get(name) ?? this.#welcome(name))
  }

  close(): void {
    this.#closed = true
    for (const origin of this) origin.close()
  }

  #welcome(name: string): Origin {
    if (name.length > LONGEST || !this.#makeRoom()) {
      const at = hashOf(name) % SHARED
      return (this.#shared[at] ??= this.#made(`shared ${at}`))
    }
    const origin = this.#made(name)
    this.#own.set(name, origin)
    return origin
  }

  #made(name: string): Origin {
    const origin = new Origin(name, this.parts)
    if (this.#closed) origin.close()
    return origin
  }

  #makeRoom(): boolean {
    if (this.#own.size < this.#most) return true
    for (let glance = 0; glance < GLANCES; glance++) {
      const [name, origin] = this.#look()
      if (!origin.used && origin.atRest) {
        this.#own.delete(name)
        return true
      }
      origin.used = false
    }
    return false
  }

  #look(): [string, Origin] {
    let next = this.#hand?.next()
    if (next === undefined || next.done === true) {
      this.#hand = this.#own.entries()
      next = this.#hand.next()
    }
    return next.value!
  }
}

/** One spelling for each origin. */
function spell(text: string): string {
  if (text.length > LONGEST) return text
  try {
    return new URL(text).origin
  } catch {
    return text
  }
}

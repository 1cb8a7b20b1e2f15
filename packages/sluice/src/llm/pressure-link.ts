import {
  checkNumber,
  checkWhole,
  FREE,
  Source,
  systemClock,
  tell,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type Priority,
  type Signal,
} from '../ground/index.ts'
import { defineGate, type Gate, type GateCore, type GateStats, type ShedThresholds } from '../gate/index.ts'

/** `idle`: nothing to carry. `carrying`: below it is refusing, and above it is held back. `broken`: above nobody listens. */
export type LinkState = 'idle' | 'carrying' | 'broken'

export interface PressureLinkOptions {
  /** How full everything below is: the same signal the layer above is to listen to. */
  readonly pressure: Signal<Pressure>
  /** From which level each priority, 0 to 3, is held back above. Never falling. Default 1, 1, 1.2 and never. */
  readonly thresholds?: ShedThresholds
  /** How long news takes to get there and back, in ms: who comes within that had not heard. At least 0. Default 1000. */
  readonly grace?: Millis
  /** So many that come all the same mean that it is broken. A whole number of at least 1. Default 3. */
  readonly most?: number
  /** Between which layers, for people and metrics. Default `link`. */
  readonly name?: string
  readonly clock?: Clock
  /** Told once when it changes. */
  readonly onState?: (state: LinkState) => void
}

/** Watches whether pressure from below gets to the layer above. Refuses nobody. */
export interface PressureLink extends Gate {
  readonly state: Signal<LinkState>
  /** Who came although they should have been held back, since the beginning. */
  readonly leaked: number
}

/** Only what is never refused may come while everything below refuses. */
const THRESHOLDS: ShedThresholds = [1, 1, 1.2, Infinity]

/**
 * A link of the chain that carries pressure upwards, as a gate between two layers: `series(door, link, queue, model)`. It
 * lets everybody pass and compares: while the layers below are above the threshold of a class, the layer above should send
 * nobody of that class. If they come all the same, for longer than a round trip, nobody up there listens: `broken`, until
 * the pressure is gone. Its own pressure is that of below.
 * @throws RangeError for an option out of range
 */
export function pressureLink(options: PressureLinkOptions): PressureLink {
  const core = new LinkCore(options)
  return Object.defineProperties(defineGate(core), {
    state: { value: core.state },
    leaked: { get: () => core.leaked },
  }) as PressureLink
}

class LinkCore implements GateCore {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly clock: Clock
  readonly stats: GateStats = { limit: Infinity, inflight: 0, queued: 0 }
  readonly state: Source<LinkState>
  leaked = 0
  readonly #thresholds: ShedThresholds
  readonly #grace: Millis
  readonly #most: number
  readonly #onState: ((state: LinkState) => void) | undefined
  readonly #watched: Disposable
  /** Since when each class should not come. */
  readonly #since: (Instant | undefined)[] = [undefined, undefined, undefined, undefined]
  #leakedNow = 0
  #state: LinkState = 'idle'

  constructor(options: PressureLinkOptions) {
    const { name = 'link', clock = systemClock, thresholds = THRESHOLDS, grace = 1000, most = 3 } = options
    this.name = name
    this.clock = clock
    this.pressure = options.pressure
    for (const [priority, threshold] of thresholds.entries())
      checkNumber(`pressureLink.thresholds[${priority}]`, threshold, thresholds[priority - 1] ?? 0, Infinity)
    this.#thresholds = thresholds
    this.#grace = checkNumber('pressureLink.grace', grace, 0)
    this.#most = checkWhole('pressureLink.most', most, 1)
    this.#onState = options.onState
    this.state = new Source(() => this.#state, clock)
    this.#watched = options.pressure.subscribe(() => this.#look())
  }

  enter({ priority = 2 }: Arrival): typeof FREE {
    this.#look()
    const since = this.#since[priority satisfies Priority]
    if (since !== undefined && this.clock.now() - since > this.#grace) {
      this.leaked++
      if (++this.#leakedNow >= this.#most) this.#become('broken')
    }
    return FREE
  }

  /** Not every pressure is announced: that of time that passes is seen when somebody comes. */
  #look(): void {
    const { level } = this.pressure.value
    const now = this.clock.now()
    for (const [priority, threshold] of this.#thresholds.entries())
      this.#since[priority] = level >= threshold ? (this.#since[priority] ?? now) : undefined
    if (this.#since[0] === undefined) {
      this.#leakedNow = 0
      this.#become('idle')
    } else if (this.#state === 'idle') this.#become('carrying')
  }

  #become(state: LinkState): void {
    if (state === this.#state) return
    this.#state = state
    tell(this.clock, this.#onState, state)
    this.state.changed()
  }

  close(): void {
    this.#watched[Symbol.dispose]()
  }
}

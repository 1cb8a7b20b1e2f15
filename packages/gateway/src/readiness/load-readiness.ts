import { isDeepStrictEqual } from 'node:util'
import { systemClock, type Clock, type Timer } from 'sluice'
import { readiness, type Readiness, type Refusals } from 'sluice/http'
import { processPressure, type CpuOptions, type MemoryOptions, type ProcessPressure } from 'sluice/probe'
import type { GatewayPlan, ReadinessPlan } from '../config/index.ts'

/** How processor and memory are read. */
export interface Usage {
  /** Default: what this process uses. */
  readonly cpu?: CpuOptions
  /** Default: what this process uses, or its container where that has a limit. */
  readonly memory?: MemoryOptions
}

export interface LoadReadinessOptions {
  /** What was let in so far, and turned away for want of room. */
  readonly refusals: () => Refusals
  readonly usage?: Usage
  readonly clock?: Clock
}

/** How often it is judged, in ms: what a probe hears does not depend on who else asks, and how often. */
const EVERY = 1000

/** Whether load makes a gateway unready, where its plan has that looked at (S1.9). */
export class LoadReadiness {
  readonly #options: LoadReadinessOptions
  readonly #clock: Clock
  #followed: Followed | undefined
  #probes: ProcessPressure | undefined
  #judge: Readiness | undefined
  #timer: Timer | undefined
  #causes: readonly string[] = []

  constructor(options: LoadReadinessOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** What load has against it: `cpu`, `memory`, `shedding`, and `settling` for a while after. */
  get causes(): readonly string[] {
    return this.#causes
  }

  /** From now on it goes by this plan; what the plan does not change goes on as it is. */
  follow({ listen, dryRun }: GatewayPlan): void {
    const next = { readiness: listen.readiness, dryRun }
    if (isDeepStrictEqual(next, this.#followed)) return
    this.close()
    this.#followed = next
    if (next.readiness !== undefined) this.#begin(next.readiness, dryRun)
  }

  /** Judges by itself, once a second. Else {@link judge} does. */
  start(): void {
    this.#timer = this.#clock.after(
      EVERY,
      () => {
        this.judge()
        this.start()
      },
      { background: true },
    )
  }

  judge(): void {
    this.#causes = this.#judge?.causes ?? []
  }

  /** Looks at nothing any more. */
  close(): void {
    this.#probes?.[Symbol.dispose]()
    this.#probes = undefined
    this.#judge = undefined
    this.#causes = []
  }

  stop(): void {
    this.close()
    this.#timer?.cancel()
  }

  #begin({ above, until, sheddingAbove, sheddingFor, settle }: ReadinessPlan, dryRun: boolean): void {
    const { refusals, usage } = this.#options
    this.#probes = processPressure({
      clock: this.#clock,
      eventLoopDelay: false,
      eventLoopUtilization: false,
      heap: false,
      ...usage,
    })
    this.#judge = readiness({
      clock: this.#clock,
      pressures: Object.fromEntries(this.#probes.parts),
      // On trial nobody is refused, only counted.
      ...(!dryRun && { refusals: live(refusals) }),
      above,
      until,
      sheddingAbove,
      sheddingFor,
      settle,
    })
    // Reading it begins the sampling: the first second is known when it is judged.
    void this.#probes.value
  }
}

/** Counts that are read when they are looked at. */
function live(counts: () => Refusals): Refusals {
  return {
    get admissions() {
      return counts().admissions
    },
    get rejections() {
      return counts().rejections
    },
  }
}

interface Followed {
  readonly readiness: ReadinessPlan | undefined
  readonly dryRun: boolean
}

import { seeded } from '../../src/index.ts'
import {
  fleetBuckets,
  memoryBuckets,
  type BucketsAccount,
  type BucketsCoordinator,
  type BucketsGrant,
  type FleetBuckets,
  type FleetBucketsOptions,
} from '../../src/coordinate/index.ts'
import type { BucketOptions } from '../../src/gate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

export type Names = 'requests' | 'tokens'

/** One request in 10 ms, 30 at once; a token a ms, 1000 at once. */
export const BUCKETS: Readonly<Record<Names, BucketOptions>> = {
  requests: { tokens: 100, capacity: 30, takes: 'one' },
  tokens: { tokens: 1000, capacity: 1000 },
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Lets time pass, and answers arrive, which cost no time here. */
export async function pass(clock: VirtualClock, duration: number, step = 1): Promise<void> {
  for (const end = clock.now() + duration; clock.now() < end; await turn())
    clock.advance(Math.min(step, end - clock.now()))
}

/** A coordinator that can be cut off, and that counts. */
export class Line implements BucketsCoordinator {
  calls = 0
  cut: 'no' | 'silent' | 'refuses' = 'no'
  /** How long an answer takes to come back, in ms of that clock; the statement is there at once. */
  delay = 0
  /** Notices are not delivered. */
  deaf = false
  spoil: (grant: BucketsGrant) => BucketsGrant = (grant) => grant
  readonly #inner: BucketsCoordinator
  readonly #clock: VirtualClock | undefined

  constructor(inner: BucketsCoordinator, clock?: VirtualClock) {
    this.#inner = inner
    this.#clock = clock
  }

  open(...[budget, tenant, session, noticed]: Parameters<BucketsCoordinator['open']>): BucketsAccount {
    const account = this.#inner.open(budget, tenant, session, (isTurn) => !this.deaf && noticed?.(isTurn))
    return {
      close: () => account.close(),
      state: async (statement) => {
        this.calls++
        if (this.cut === 'refuses') throw new Error('no connection')
        if (this.cut === 'silent') return new Promise<never>(() => {})
        const grant = this.spoil(await account.state(statement))
        if (this.delay > 0) await new Promise<void>((resolve) => this.#clock?.after(this.delay, resolve))
        return grant
      },
    }
  }
}

export interface Bench {
  readonly clock: VirtualClock
  readonly line: Line
  readonly gate: FleetBuckets<Names>
}

export function make(options: Partial<FleetBucketsOptions<Names>> = {}): Bench {
  const clock = new VirtualClock(5000)
  const line = new Line(memoryBuckets({ clock }), clock)
  const gate = fleetBuckets({
    buckets: BUCKETS,
    coordinator: line,
    onDown: 'closed',
    clock,
    random: seeded(1),
    name: 'llm',
    ...options,
  })
  return { clock, line, gate }
}

/** What the coordinator says is left, asked by somebody else. */
export async function left(clock: VirtualClock, line: Line, flow = ''): Promise<readonly number[]> {
  const asks = fleetBuckets({ buckets: BUCKETS, coordinator: line, onDown: 'closed', clock, name: 'llm', lease: 0 })
  await asks.take({ requests: 0, tokens: 0 }, { flow })
  const { requests, tokens } = asks.status(flow)
  return [requests.available, tokens.available].map((value) => Math.round(value * 1e6) / 1e6)
}

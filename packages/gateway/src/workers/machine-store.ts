import type { BucketsCoordinator, SlotCoordinator } from 'sluice/redis'
import { arbiter, type Arbiter } from 'sluice/arbiter'
import type { LimitPlan } from '../config/index.ts'
import { learnedKey } from './learned-limits.ts'
import { LimitPart, type LimitPartOptions } from './limit-part.ts'
import { machineClock } from './machine-clock.ts'
import type { OwnWorker } from './own-worker.ts'

/** Where processes keep a limit they share. */
export interface LimitStore {
  slots(limit: string): SlotCoordinator
  buckets(): BucketsCoordinator
  nameOf(limit: string): string
  release(): Promise<void>
}

/** What the processes of one gateway on one machine share, by way of the first of them. */
export class MachineStore implements LimitStore {
  /** How many there are. */
  readonly processes: number
  readonly #worker: OwnWorker
  readonly #arbiter: Arbiter
  readonly #parts = new Map<number, LimitPart>()
  #part = 0

  constructor(worker: OwnWorker) {
    this.processes = worker.workers
    this.#worker = worker
    this.#arbiter = arbiter({ name: worker.name })
    worker.onOrder((order) => {
      if (order.kind === 'part') this.#parts.get(order.order.part)?.obey(order.order)
    })
  }

  slots(limit: string): SlotCoordinator {
    return this.#arbiter.slots(limit)
  }

  buckets(): BucketsCoordinator {
    return this.#arbiter.buckets
  }

  nameOf(limit: string): string {
    return limit
  }

  /** This worker's part of a limit that is found for all of them. */
  learned(
    name: string,
    plan: Extract<LimitPlan, { readonly kind: 'adaptive' }>,
    options: Pick<LimitPartOptions, 'queue' | 'threshold' | 'observer'>,
  ): LimitPart {
    const number = ++this.#part
    const part = new LimitPart({
      ...options,
      name,
      permits: Math.ceil((plan.initial ?? FIRST) / this.processes),
      clock: machineClock,
      send: (news) => {
        if (news.leaves) this.#parts.delete(number)
        this.#worker.report({ kind: 'part', news: { ...news, key: learnedKey(name, plan), part: number } })
      },
    })
    this.#parts.set(number, part)
    part.begin()
    return part
  }

  /** It serves whatever plan comes next. */
  async release(): Promise<void> {}
}

/** Of all together until the first decision, which is a moment away. */
const FIRST = 20

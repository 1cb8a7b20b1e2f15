import type { BucketsCoordinator, SlotCoordinator } from 'sluice/redis'
import { arbiter, type Arbiter } from 'sluice/arbiter'
import type { BreakerConfig, LimitPlan } from '../config/index.ts'
import { BreakerPart } from './breaker-part.ts'
import { learnedKey } from './learned-limits.ts'
import { LimitPart, type LimitPartOptions } from './limit-part.ts'
import { machineClock } from './machine-clock.ts'
import type { OwnWorker } from './own-worker.ts'
import { breakerKey } from './shared-breaker.ts'

/** Where processes keep a limit they share. */
export interface LimitStore {
  /** Why it cannot be asked at present, where that is known without asking. */
  readonly trouble?: string | undefined
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
  readonly #breakers = new Map<number, BreakerPart>()
  #part = 0

  constructor(worker: OwnWorker) {
    this.processes = worker.workers
    this.#worker = worker
    this.#arbiter = arbiter({ name: worker.name })
    worker.onOrder((order) => {
      if (order.kind === 'part') this.#parts.get(order.order.part)?.obey(order.order)
      else if (order.kind === 'breaker') this.#breakers.get(order.order.part)?.obey(order.order)
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

  /** This worker's part of a breaker that is the same for all of them. */
  breaker(name: string, config: BreakerConfig): BreakerPart {
    const number = ++this.#part
    const key = breakerKey(name, config)
    const part = new BreakerPart({
      name,
      clock: machineClock,
      send: (told) => {
        if (told.leaves) this.#breakers.delete(number)
        this.#worker.report({ kind: 'breaker', news: { ...told, key, part: number } })
      },
    })
    this.#breakers.set(number, part)
    part.begin()
    return part
  }

  /** It serves whatever plan comes next. */
  async release(): Promise<void> {}
}

/** Of all together until the first decision, which is a moment away. */
const FIRST = 20

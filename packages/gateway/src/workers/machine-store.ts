import type { SlotCoordinator, BucketsCoordinator } from 'sluice/redis'
import { arbiter, type Arbiter } from 'sluice/arbiter'

/** Where processes keep a limit they share. */
export interface LimitStore {
  slots(limit: string): SlotCoordinator
  buckets(): BucketsCoordinator
  nameOf(limit: string): string
  release(): Promise<void>
}

/** What the processes of one gateway on one machine share, by way of one of them. */
export class MachineStore implements LimitStore {
  /** How many there are. */
  readonly processes: number
  readonly #arbiter: Arbiter

  /** @param name theirs alone */
  constructor(name: string, processes: number) {
    this.processes = processes
    this.#arbiter = arbiter({ name })
  }

  get isHost(): boolean {
    return this.#arbiter.state.role === 'host'
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

  /** It serves whatever plan comes next. */
  async release(): Promise<void> {}

  close(): void {
    this.#arbiter.close()
  }
}

import type { Clock } from '../../src/index.ts'
import type { BucketsAccount, BucketsCoordinator, BucketsStatement } from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { turn } from './buckets-rig.ts'

/** Processes that share a store, in virtual time, whatever the store is. */
export interface OrderStage {
  readonly clock: VirtualClock
  /** The store, as one more process reaches it. */
  process(): ProcessLine
  /** Lets so many ms pass; what is on its way to the store and back arrives meanwhile. */
  pass(duration: number): Promise<void>
}

/** How one process reaches the store. */
export interface ProcessLine extends BucketsCoordinator {
  /** It was killed: nothing of it is heard any more. */
  dead: boolean
}

/** @param storeAt the store, whose time is that clock's */
export function orderStage(
  storeAt: (clock: Clock) => BucketsCoordinator,
  told: 'all' | 'no demands' = 'all',
  step = 2,
): OrderStage {
  const clock = new VirtualClock(5000)
  const store = storeAt(clock)
  const underway = new Set<BucketsStatement>()
  const stated = async (account: BucketsAccount, statement: BucketsStatement): ReturnType<BucketsAccount['state']> => {
    underway.add(statement)
    try {
      return await account.state(told === 'all' ? statement : { ...statement, demand: undefined })
    } finally {
      underway.delete(statement)
    }
  }
  const idle = async (): Promise<void> => {
    do await turn()
    while (underway.size > 0)
  }
  return {
    clock,
    process: () => {
      const line: ProcessLine = {
        dead: false,
        open: (budget, tenant, session, noticed) => {
          const account = store.open(budget, tenant, session, (isTurn) => line.dead || noticed?.(isTurn))
          return {
            close: () => account.close(),
            state: (statement) => (line.dead ? new Promise<never>(() => {}) : stated(account, statement)),
          }
        },
      }
      return line
    },
    pass: async (duration) => {
      for (const end = clock.now() + duration; clock.now() < end; await idle())
        clock.advance(Math.min(step, end - clock.now()))
    },
  }
}

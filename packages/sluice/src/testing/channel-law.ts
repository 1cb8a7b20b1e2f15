import type { Random } from '../ground/index.ts'
import type { VirtualClock } from '../sim/index.ts'
import type { DropReason, RefusalReason } from '../stream/index.ts'

/** What every channel is held to. */
export const CHANNEL_LAWS = {
  1: 'every item handed in was taken, dropped or refused, once, or is inside or waits; the stats say so at any moment',
  2: 'items come out in the order they were handed in, and consumers are served in the order they asked',
  3: 'no more is inside than the capacity allows',
  4: 'pause and resume alternate, and whoever was told to pause is told to resume once it is empty',
  5: 'nobody waits for an item while there is one, nor for room while there is some',
  6: 'whoever gave up waiting gets its own reason, hands nothing in and takes nothing',
  7: 'after close and the last item, or after abort, nobody waits, and nothing comes in any more',
  8: 'no timer and no listener outlives the waiting it was for',
  9: 'the same seed and the same script give the same run',
  10: 'listeners that throw, or use the channel while it tells them, break nothing',
} as const

/** What a channel under test is made with. */
export interface ChannelLawWorld {
  readonly clock: VirtualClock
  readonly random: Random
  readonly onDrop: (item: number, reason: DropReason | RefusalReason) => void
  readonly onPause: () => void
  readonly onResume: () => void
}

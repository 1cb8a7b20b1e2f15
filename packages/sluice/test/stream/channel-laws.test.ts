import { describe, it } from 'node:test'
import fc from 'fast-check'
import { channel, type OverflowPolicy } from '../../src/stream/index.ts'
import { channelLaws } from '../../src/testing/channel-laws.ts'

const POLICIES: readonly OverflowPolicy[] = ['block', 'reject', 'drop-oldest', 'drop-newest', 'drop-random']

for (const policy of POLICIES)
  for (const capacity of [1, 2, 5, 24])
    channelLaws(`${policy}, ${capacity}`, { describe, it }, fc, (world) => channel({ capacity, policy, ...world }), {
      runs: 300,
    })

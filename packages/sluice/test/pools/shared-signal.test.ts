import { describe, it } from 'node:test'
import { poolGuard } from '../../src/pools/pg.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { shareOneSignal, type Uses } from '../one-signal.ts'
import { FakePool } from './fake-pool.ts'

const SIZE = 20

const users: Readonly<Record<string, () => Uses>> = {
  'connections being opened': () => {
    const clock = new VirtualClock()
    const guard = poolGuard(new FakePool({ size: SIZE, clock, takes: () => 10 }), { clock })
    return {
      begin: async (signal) => (await guard.acquire({ signal })).end('success'),
      finish: () => clock.advance(10),
    }
  },
  'connections at work': () => {
    const clock = new VirtualClock()
    const guard = poolGuard(new FakePool({ size: SIZE, clock }), { clock })
    const ends: (() => void)[] = []
    return {
      begin: (signal) => guard.use(() => new Promise<void>((resolve) => void ends.push(resolve)), { signal }),
      finish: () => {
        for (const end of ends) end()
      },
    }
  },
}

describe('S1.7 one signal for many connections', () => {
  for (const [who, uses] of Object.entries(users))
    it(`S1.7 ${who} share one listener, leave none, and all hear of the abort`, () => shareOneSignal(uses))
})

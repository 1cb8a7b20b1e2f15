import { describe, it } from 'node:test'
import { fleetSlots, memorySlots } from '../../src/coordinate/index.ts'
import { seeded } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { shareOneSignal, type Uses } from '../one-signal.ts'

/** Work in slots of a fleet, that asks to hear of a lost lease by declaring a parameter. */
function working(): Uses {
  const clock = new VirtualClock(5000)
  const gate = fleetSlots({
    coordinator: memorySlots({ clock }),
    limit: 20,
    onDown: 'closed',
    clock,
    random: seeded(3),
  })
  const ends: (() => void)[] = []
  return {
    begin: (signal) => gate.run((_signal) => new Promise<void>((resolve) => void ends.push(resolve)), { signal }),
    finish: () => {
      for (const end of ends) end()
    },
  }
}

describe('S3.5 one signal for many slots', () => {
  it('S3.5 pieces of work share one listener, leave none, and all hear of the abort', () => shareOneSignal(working))
})

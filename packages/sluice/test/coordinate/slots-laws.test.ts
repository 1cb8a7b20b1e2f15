import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fleetSlots, memorySlots } from '../../src/coordinate/index.ts'
import { gateLaws } from '../../src/testing/index.ts'

for (const order of ['share', 'strict'] as const)
  gateLaws(
    `fleetSlots in memory, ${order}`,
    { describe, it },
    fc,
    ({ clock, random }) =>
      fleetSlots({
        coordinator: memorySlots({ clock }),
        limit: 3,
        onDown: 'closed',
        capacity: 4,
        maxWait: 100,
        order,
        clock,
        random,
      }),
    { context: new AsyncLocalStorage() },
  )

import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fleetSlots, memorySlots } from '../../src/coordinate/index.ts'
import { gateLaws } from '../../src/testing/index.ts'

for (const [name, own] of [
  ['share', {}],
  ['strict', { order: 'strict' }],
  ['by class', { shares: [0.1, 0, 0.4, 0.5] }],
] as const)
  gateLaws(
    `fleetSlots in memory, ${name}`,
    { describe, it },
    fc,
    ({ clock, random }) =>
      fleetSlots({
        coordinator: memorySlots({ clock }),
        limit: 3,
        onDown: 'closed',
        capacity: 4,
        maxWait: 100,
        ...own,
        clock,
        random,
      }),
    { context: new AsyncLocalStorage() },
  )

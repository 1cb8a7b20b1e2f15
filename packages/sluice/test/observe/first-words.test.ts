import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { monitor, semaphore, tally } from '../../src/index.ts'
import { otel } from '../../src/observe/otel.ts'
import { prometheus } from '../../src/observe/prometheus.ts'
import { loose } from '../loose.ts'

const gate = semaphore({ permits: 1 })
const registry = { registerMetric: (): void => {} }
const meter = { createHistogram: (): void => {} }
const tell = loose(prometheus)
const send = loose(otel)
const watch = loose(monitor)

describe('S1.14 what a newcomer types first, of figures', () => {
  const refused: readonly (readonly [what: string, attempt: () => unknown, message: RegExp])[] = [
    ['prometheus()', () => tell(), /^prometheus: expected an object of options, got undefined$/],
    ['prometheus of no registry', () => tell({ gate, tally: tally() }), /^prometheus\.registry: .*got undefined$/],
    [
      'prometheus of no gate',
      () => tell({ registry, tally: tally() }),
      /^prometheus\.gate: expected a gate, got undefined$/,
    ],
    // What a door with a gate of the application's own has for a tally.
    [
      'prometheus of no tally',
      () => tell({ registry, gate, tally: undefined }),
      /^prometheus\.tally: .*got undefined$/,
    ],
    ['otel()', () => send(), /^otel: expected an object of options, got undefined$/],
    [
      'otel of no meter',
      () => send({ gate, tally: tally() }),
      /^otel\.meter: expected an object of options, got undefined$/,
    ],
    ['otel of no tally', () => send({ meter, gate }), /^otel\.tally: .*got undefined$/],
    ['monitor()', () => watch(), /^monitor\.gate: expected a gate, got undefined$/],
    ['monitor of no tally', () => watch(gate), /^monitor\.tally: .*got undefined$/],
    ['options for a tally', () => watch(gate, { every: 10 }), /^monitor\.tally: .*got \[object Object\]$/],
  ]
  for (const [what, attempt, message] of refused)
    it(`${what} is refused at once, in words`, () => assert.throws(attempt, { name: 'RangeError', message }))
})

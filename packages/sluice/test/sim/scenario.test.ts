import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkScenario } from '../../src/sim/index.ts'

const plant = { kind: 'workers', slots: 2, service: 10 }
const load = { phases: [{ lasts: 1000, rate: 10 }] }
const scenario = { name: 'x', plant, load }

describe('checkScenario', () => {
  it('takes what makes sense as it is, also after a journey through JSON', () => {
    const full = {
      ...scenario,
      seed: 3,
      warmup: 100,
      bound: 250,
      every: 250,
      plant: {
        kind: 'tiers',
        gates: 'each',
        tiers: [
          { kind: 'event-loop', before: 1, wait: { kind: 'lognormal', mean: 5, cv: 1 }, admission: 'yield' },
          { kind: 'balanced', by: 'least', instances: [{ ...plant, thrash: 0.02 }, plant] },
          { kind: 'dependency', delay: { kind: 'pareto', mean: 5 }, pauses: { every: 1000, lasts: 20 } },
        ],
      },
      load: {
        arrivals: 'even',
        phases: [
          { name: 'calm', lasts: 1000, times: 0.7, settle: 100, users: 3 },
          { lasts: 1000, rate: [10, 100] },
          { lasts: 1000, rate: 10, bursts: { every: 500, on: 50, to: 200 } },
        ],
        think: { kind: 'exponential', mean: 500 },
        classes: [{ name: 'batch', weight: 3, priority: 0, cost: 2, work: 2, deadline: 300 }, {}],
        tenants: { count: 100, spread: 'zipf', weights: [10] },
        trace: [{ at: 5, flow: 'a', route: '/b' }],
      },
      clients: { timeout: 500, onLeave: 'abort', retries: { most: 3, wait: 10, budget: {} } },
      gate: { limit: { name: 'adaptive', max: 50 }, queue: { name: 'codel', target: 5 } },
      changes: [{ at: 500, lasts: 100, tier: 1, instance: 0, slots: 1 }],
    }
    assert.equal(checkScenario(full), full)
    assert.deepEqual(checkScenario(JSON.parse(JSON.stringify(full))), full)
  })

  const wrong: [what: string, data: unknown, message: string][] = [
    ['no mapping', 5, 'scenario: expected a mapping, got 5'],
    ['no name', { plant, load }, 'name: expected a text, got undefined'],
    [
      'an unknown field',
      { ...scenario, speed: 2 },
      'speed: expected a field there is (name, seed, duration, warmup, bound, every, plant, load, clients, gate, changes), got 2',
    ],
    [
      'an unknown plant',
      { ...scenario, plant: { kind: 'magic' } },
      'plant.kind: expected one of workers, event-loop, dependency, balanced, tiers, got "magic"',
    ],
    [
      'half a slot',
      { ...scenario, plant: { ...plant, slots: 0.5 } },
      'plant.slots: expected a whole number of at least 1, got 0.5',
    ],
    [
      'a plant within a balancer',
      { ...scenario, plant: { kind: 'balanced', instances: [plant, { ...plant, slots: '3' }] } },
      'plant.instances[1].slots: expected a whole number of at least 1, got "3"',
    ],
    [
      'pauses without end',
      { ...scenario, plant: { ...plant, pauses: { every: 10, lasts: 10 } } },
      'plant.pauses.lasts: expected less than every (10), got 10',
    ],
    ['no phases', { ...scenario, load: { phases: [] } }, 'load.phases: expected a list of at least 1, got []'],
    [
      'two units',
      { ...scenario, load: { phases: [{ lasts: 1, rate: 1, times: 2 }] } },
      'load.phases[0].times: expected rate or times, got 2',
    ],
    [
      'more than time can tell apart',
      { ...scenario, load: { phases: [{ lasts: 1, rate: [1, 1e300] }] } },
      'load.phases[0].rate[1]: expected a number from 0 to 1000000000, got 1e+300',
    ],
    [
      'bursts without end',
      { ...scenario, load: { phases: [{ lasts: 1, times: 1, bursts: { every: 1, on: 1, to: 1e9 } }] } },
      'load.phases[0].bursts.to: expected a number from 0 to 1000000, got 1000000000',
    ],
    [
      'a ramp of three',
      { ...scenario, load: { phases: [{ lasts: 1, rate: [1, 2, 3] }] } },
      'load.phases[0].rate: expected a number, or a pair from … to, got [1,2,3]',
    ],
    [
      'a trace that goes back',
      { ...scenario, load: { ...load, trace: [{ at: 2 }, { at: 1 }] } },
      'load.trace[1].at: expected a number of at least 2, got 1',
    ],
    [
      'a class nobody belongs to',
      { ...scenario, load: { ...load, classes: [{ weight: 0 }] } },
      'load.classes: expected weights that are not all 0, got [{"weight":0}]',
    ],
    [
      'a priority of 4',
      { ...scenario, load: { ...load, classes: [{ priority: 4 }] } },
      'load.classes[0].priority: expected a whole number from 0 to 3, got 4',
    ],
    [
      'retries without a number',
      { ...scenario, clients: { retries: {} } },
      'clients.retries.most: expected a whole number from 0 to 1000, got undefined',
    ],
    [
      'an unknown queue',
      { ...scenario, gate: { queue: 'stack' } },
      'gate.queue: expected one of adaptiveLifo, codel, earliestDeadline, fair, fifo, lifo, priority, got "stack"',
    ],
    [
      'a change without a time',
      { ...scenario, changes: [{ slots: 1 }] },
      'changes[0].at: expected a number of at least 0, got undefined',
    ],
  ]
  for (const [what, data, message] of wrong)
    it(`refuses ${what} with one line: ${message}`, () => {
      assert.throws(
        () => checkScenario(data),
        (error) => error instanceof RangeError && error.message === message,
      )
    })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { size, SizeError, type SizeInputs } from '../../src/size/index.ts'

const EXAMPLE: SizeInputs = {
  pool: 100,
  workers: 4,
  tasks: 100,
  ram: 4000,
  base: 500,
  perRequest: 1,
  rps: 1500,
  latency: 50,
}

const some = fc.record({
  pool: fc.integer({ min: 1, max: 1000 }),
  workers: fc.integer({ min: 1, max: 64 }),
  tasks: fc.integer({ min: 1, max: 1000 }),
  ram: fc.integer({ min: 100, max: 100_000 }),
  base: fc.integer({ min: 0, max: 99 }),
  perRequest: fc.integer({ min: 1, max: 50 }),
  rps: fc.integer({ min: 1, max: 10_000 }),
  latency: fc.integer({ min: 1, max: 10_000 }),
})

describe('size', () => {
  it('S3.1 the five examples', () => {
    assert.equal(size({ pool: 100 }).limit, 80)
    assert.equal(size({ workers: 4, tasks: 100 }).limit, 280)
    assert.equal(size({ ram: 4000, base: 500, perRequest: 1 }).limit, 2800)
    const law = size({ rps: 1500, latency: 50 })
    assert.deepEqual([law.demand?.busy, law.limit], [75, 90])
    const all = size(EXAMPLE)
    assert.deepEqual([all.limit, all.bounds[0]?.name], [80, 'pool'])
    assert.deepEqual(
      all.bounds.map(({ name, limit }) => [name, limit]),
      [
        ['pool', 80],
        ['demand', 90],
        ['cpu', 280],
        ['memory', 2800],
      ],
    )
  })

  it('S3.1 says when the traffic needs more than there is', () => {
    assert.equal(size(EXAMPLE).demand?.short, true)
    assert.equal(size({ ...EXAMPLE, pool: 200 }).demand?.short, false)
    assert.equal(size(EXAMPLE).demand?.most, 1600)
  })

  it('S3.1 turns a p95 target into a wait and a queue', () => {
    assert.deepEqual(size({ pool: 100, latency: 50, p95: 200 }).patience, { wait: 150, queue: 240 })
    assert.deepEqual(size({ pool: 100, latency: 50, p95: 40 }).patience, { wait: 0, queue: 0 })
  })

  it('is never above any single bound, and is one of them', () => {
    fc.assert(
      fc.property(some, (inputs) => {
        const { limit, bounds } = size(inputs)
        const alone = [
          size({ pool: inputs.pool }),
          size({ workers: inputs.workers, tasks: inputs.tasks }),
          size({ ram: inputs.ram, base: inputs.base, perRequest: inputs.perRequest }),
          size({ rps: inputs.rps, latency: inputs.latency }),
        ].map((each) => each.limit)
        assert.equal(limit, Math.min(...alone))
        assert.deepEqual(
          bounds.map((each) => each.limit),
          alone.toSorted((one, other) => one - other),
        )
        assert.ok(Number.isInteger(limit) && limit >= 1)
      }),
      { seed: 1 },
    )
  })

  it('never falls when there is more of anything', () => {
    const grows = ['pool', 'workers', 'tasks', 'ram', 'rps', 'latency'] as const
    fc.assert(
      fc.property(some, fc.constantFrom(...grows), fc.integer({ min: 1, max: 1000 }), (inputs, field, more) => {
        assert.ok(size({ ...inputs, [field]: inputs[field] + more }).limit >= size(inputs).limit)
      }),
      { seed: 2 },
    )
    fc.assert(
      fc.property(some, fc.constantFrom('base', 'perRequest'), (inputs, field) => {
        assert.ok(size({ ...inputs, [field]: inputs[field] * 1.01 }).limit <= size(inputs).limit)
      }),
      { seed: 3 },
    )
  })

  it('does not lose one to binary fractions', () => {
    assert.equal(size({ workers: 1, tasks: 10 }).limit, 7)
    assert.equal(size({ rps: 100, latency: 70 }).limit, 9)
    assert.equal(size({ rps: 50, latency: 100 }).limit, 6)
    assert.equal(size({ pool: 1 }).limit, 1)
  })

  it('names field, value and expectation', () => {
    for (const [inputs, message] of [
      [{}, /^pool is missing; expected a pool, workers and tasks/],
      [{ pool: 0 }, /^pool is 0; expected a whole number from 1$/],
      [{ pool: 1.5 }, /^pool is 1.5; expected a whole number from 1$/],
      [{ pool: NaN }, /^pool is NaN; expected a whole number from 1$/],
      [{ workers: 4 }, /^tasks is missing; expected to come with workers$/],
      [{ tasks: 4 }, /^workers is missing; expected to come with tasks$/],
      [{ ram: 100 }, /^perRequest is missing; expected to come with ram$/],
      [{ ram: 100, base: 100, perRequest: 1 }, /^base is 100; expected a number from 0, below the ram of 100$/],
      [{ pool: 5, base: 1 }, /^base is 1; expected to come with ram$/],
      [{ rps: 5 }, /^latency is missing; expected to come with rps$/],
      [{ latency: 5 }, /^rps is missing; expected to come with latency$/],
      [{ rps: -1, latency: 5 }, /^rps is -1; expected a number above 0$/],
      [{ pool: 5, p95: 5 }, /^latency is missing; expected to come with p95$/],
    ] as const)
      assert.throws(
        () => size(inputs),
        (error: unknown) => error instanceof SizeError && message.test(error.message),
        JSON.stringify(inputs),
      )
  })
})

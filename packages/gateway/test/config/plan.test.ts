import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tally } from 'sluice'
import { ConfigError, describePlan, gateOf, plan, PRESETS, type Plan } from '../../src/config/index.ts'

describe('plan', () => {
  it('finds the limit by itself where nothing is said', () => {
    assert.deepEqual(plan({}), { kind: 'adaptive', queue: undefined, threshold: undefined })
  })

  it('S3.2 has the numbers of the presets', () => {
    assert.deepEqual(PRESETS, {
      development: { maxConcurrent: 20, queueCapacity: 100, waitTimeout: 10_000, rejectThreshold: 120 },
      staging: { maxConcurrent: 80, queueCapacity: 500, waitTimeout: 5000, rejectThreshold: 580 },
      production: { maxConcurrent: 100, queueCapacity: 1000, waitTimeout: 3000, rejectThreshold: 1100 },
    })
    assert.deepEqual(plan({ preset: 'staging' }), {
      kind: 'fixed',
      permits: 80,
      queue: { capacity: 500, maxWait: 5000 },
      threshold: 580,
    })
    for (const { maxConcurrent, queueCapacity, rejectThreshold } of Object.values(PRESETS))
      assert.equal(rejectThreshold, maxConcurrent + queueCapacity)
  })

  it('S3.4 flags win over the environment, and that over the preset', () => {
    const environment = {
      BACKPRESSURE_MAX_CONCURRENT: '50',
      BACKPRESSURE_QUEUE_CAPACITY: '7',
      BACKPRESSURE_WAIT_TIMEOUT: '0.5',
      BACKPRESSURE_REJECT_THRESHOLD: '',
    }
    assert.deepEqual(plan({ flags: { maxConcurrent: 9 }, environment, preset: 'production' }), {
      kind: 'fixed',
      permits: 9,
      queue: { capacity: 7, maxWait: 500 },
      threshold: 16,
    })
  })

  it('S3.4 ENABLE_BACKPRESSURE=false takes the gate away, whatever else is said', () => {
    const environment = { ENABLE_BACKPRESSURE: 'False', BACKPRESSURE_MAX_CONCURRENT: '5' }
    const chosen = plan({ environment, preset: 'production' })
    assert.deepEqual(chosen, { kind: 'off' })
    assert.equal(gateOf(chosen, {}), undefined)
    assert.equal(plan({ environment, flags: { enabled: true } }).kind, 'fixed')
  })

  it('changes half of a queue and leaves the other half as it was', () => {
    assert.deepEqual(plan({ flags: { queueCapacity: 5 } }), {
      kind: 'adaptive',
      queue: { capacity: 5, maxWait: 1000 },
      threshold: undefined,
    })
    assert.deepEqual(plan({ flags: { waitTimeout: 500, rejectThreshold: 40 } }), {
      kind: 'adaptive',
      queue: { capacity: 1000, maxWait: 500 },
      threshold: 40,
    })
    assert.deepEqual(plan({ flags: { maxConcurrent: 5 } }), {
      kind: 'fixed',
      permits: 5,
      queue: { capacity: 1000, maxWait: 3000 },
      threshold: undefined,
    })
  })

  it('refuses a threshold below the limit', () => {
    assert.throws(() => plan({ preset: 'production', flags: { rejectThreshold: 99 } }), {
      name: 'ConfigError',
      message: 'the reject threshold is "99"; expected at least the 100 that may be in progress',
    })
  })

  for (const [name, value, expected] of [
    ['ENABLE_BACKPRESSURE', 'maybe', 'true or false'],
    ['BACKPRESSURE_MAX_CONCURRENT', '0', 'a whole number from 1 to 1000000'],
    ['BACKPRESSURE_MAX_CONCURRENT', '1e3', 'a whole number from 1 to 1000000'],
    ['BACKPRESSURE_MAX_CONCURRENT', 'NaN', 'a whole number from 1 to 1000000'],
    ['BACKPRESSURE_QUEUE_CAPACITY', '-1', 'a whole number from 0 to 1000000'],
    ['BACKPRESSURE_QUEUE_CAPACITY', '1.5', 'a whole number from 0 to 1000000'],
    ['BACKPRESSURE_WAIT_TIMEOUT', '3s', 'seconds from 0 to 86400, like 3 or 0.5'],
    ['BACKPRESSURE_WAIT_TIMEOUT', 'Infinity', 'seconds from 0 to 86400, like 3 or 0.5'],
    ['BACKPRESSURE_REJECT_THRESHOLD', '99999999', 'a whole number from 1 to 1000000'],
  ] as const)
    it(`S3.4 ${name}=${value} is one clear line`, () => {
      const message = `${name} is ${JSON.stringify(value)}; expected ${expected}`
      assert.throws(
        () => plan({ environment: { [name]: value } }),
        (error) => error instanceof ConfigError && error.message === message,
      )
    })

  it('becomes a gate that does what it says', () => {
    const counts = tally()
    const gate = gateOf({ kind: 'fixed', permits: 1, queue: { capacity: 1, maxWait: 10 }, threshold: 2 }, counts)!
    const permit = gate.tryEnter()
    assert.ok(permit.admitted)
    const waiting = gate.enter({}, () => {})
    const third = gate.tryEnter()
    assert.equal(third.admitted ? undefined : third.code, 'overload')
    assert.deepEqual(gate.stats, { limit: 1, inflight: 1, queued: 1 })
    waiting?.cancel()
    permit.release('success')
    assert.equal(counts.admissions, 1)
    assert.equal(counts.rejectionsBy.overload, 1)
    assert.ok((gateOf(plan({}), counts)?.stats.limit ?? 0) >= 1)
  })

  it('whoever sets half of the queue before a limit that finds itself still gets one that may not stand', () => {
    const accepted = (chosen: Plan): number => {
      const gate = gateOf(chosen, tally())!
      let answered = 0
      const waiting = Array.from({ length: 200 }, () => gate.enter({}, () => void answered++))
      const taken = waiting.length - answered + gate.stats.inflight
      for (const one of waiting) one?.cancel()
      return taken
    }
    // The first limit of 20, and a burst of twice that.
    assert.equal(accepted(plan({})), 60)
    assert.equal(accepted(plan({ flags: { waitTimeout: 500 } })), 60)
    assert.equal(accepted(plan({ flags: { queueCapacity: 500 } })), 60)
    assert.equal(accepted(plan({ flags: { queueCapacity: 5 } })), 25)
    assert.equal(accepted(plan({ flags: { queueCapacity: 0 } })), 20)
    assert.equal(accepted(plan({ flags: { maxConcurrent: 10 } })), 200, 'control: a fixed limit and its line')
  })

  it('is told in a few words', () => {
    assert.equal(describePlan(plan({})), 'a limit that finds itself')
    assert.equal(describePlan(plan({ preset: 'staging' })), '80 at once, 500 may wait 5 s, overload at 580')
    assert.equal(describePlan(plan({ flags: { maxConcurrent: 3, queueCapacity: 0 } })), '3 at once, nobody waits')
    assert.equal(describePlan({ kind: 'off' }), 'no gate: everybody is let in')
  })
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { bursts, checkScenario, simulate, type Scenario } from '../../src/sim/index.ts'

const SIM = new URL('../../src/sim/index.js', import.meta.url).href

/** In a process of its own: what goes round in circles cannot be stopped from within. */
function ends(scenario: Scenario): Promise<boolean> {
  const code = `import { simulate } from '${SIM}'; simulate(${JSON.stringify(scenario)})`
  return new Promise((resolve) => {
    const args = ['--max-old-space-size=200', '--input-type=module', '-e', code]
    execFile(process.execPath, args, { timeout: 15_000 }, (error) => resolve(error === null))
  })
}

const USERS: Scenario = {
  name: 'users who do not think',
  plant: { kind: 'workers', slots: 1, service: 10 },
  gate: { limit: 1, queue: 'none' },
  load: { think: 0, phases: [{ lasts: 1000, users: 3 }] },
}

describe('what takes no time', () => {
  it('users who are refused at once and think no time ask again after 1 ms: time goes on', async () => {
    assert.ok(await ends(USERS))
    const { attempts } = simulate(USERS)
    assert.equal(attempts.answered, 100)
    // The two who are out come every ms.
    assert.ok(attempts.refused > 1900 && attempts.refused <= 2002, `${attempts.refused}`)
  })

  it('nor does an answer in no time stop it, nor thinking less than the clock can tell', async () => {
    const plant = { kind: 'workers', slots: 1, service: 0 } as const
    assert.ok(await ends({ ...USERS, plant, load: { think: 1e-15, phases: [{ lasts: 100, users: 2 }] } }))
  })

  it('who had to wait for the answer is not held up', () => {
    const { requests } = simulate({ ...USERS, gate: { limit: 1, queue: 'fifo' } })
    assert.equal(requests.succeeded, 100)
  })

  it('users and retries without number are refused before a run begins, which would take for ever', () => {
    const told = (scenario: Scenario): string => {
      try {
        simulate(scenario)
      } catch (error) {
        assert.ok(error instanceof RangeError)
        return error.message
      }
      return 'ran'
    }
    const users = (count: number): Scenario => ({ ...USERS, load: { think: 0, phases: [{ lasts: 1, users: count }] } })
    assert.equal(told(users(3e9)), 'load.phases[0].users: expected a whole number from 0 to 1000000, got 3000000000')
    const retries = (most: number): Scenario => ({
      ...USERS,
      load: { arrivals: 'even', phases: [{ lasts: 10, rate: 400 }] },
      clients: { retries: { most, wait: 0 } },
    })
    assert.equal(told(retries(1e9)), 'clients.retries.most: expected a whole number from 0 to 1000, got 1000000000')
    assert.equal(told(retries(1001)), 'clients.retries.most: expected a whole number from 0 to 1000, got 1001')
    assert.equal(told(retries(1000)), 'ran')
    assert.equal(simulate(retries(1000)).attempts.offered, 1 + 2 * 1001)
    assert.doesNotThrow(() => checkScenario(users(1_000_000)))
  })

  it('bursts without number are refused, not made', () => {
    const phase = { lasts: 1000, rate: 1, bursts: { every: 1e-9, on: 1e-10, to: 5 } }
    assert.throws(() => checkScenario({ ...USERS, load: { phases: [phase] } }), {
      name: 'RangeError',
      message: 'load.phases[0].bursts.every: expected a number of at least 0.001, got 1e-9',
    })
    const options = { rate: 1, burst: 2, every: 1e-9, on: 1e-10, lasts: 1000 }
    assert.throws(() => bursts(options), /^RangeError: bursts\.every: expected a number of at least 0\.001, got 1e-9$/)
    assert.throws(() => bursts({ ...options, lasts: Infinity }), /^RangeError: bursts\.lasts: /)
    assert.equal(bursts({ ...options, every: 1, on: 0.5 }).length, 2000)
  })
})

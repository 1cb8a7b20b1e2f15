import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, type Millis } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { judge } from '../../src/bench/judge.ts'
import { scenario, SCENARIO_NAMES, type ScenarioName } from '../../src/bench/scenario.ts'
import { GATE, LIMIT, PAGE, PATIENCE, POOL, THINK, WORK } from '../../src/bench/setting.ts'
import { Tape } from '../../src/bench/tape.ts'
import { PRESETS } from '../../src/config/index.ts'
import { closedLoop } from '../../src/load/index.ts'
import { VirtualPlace } from './virtual-place.ts'

interface Variant {
  readonly seed?: number
  readonly page?: number
  readonly gate?: boolean
  readonly length?: Millis
}

/** The bench as it ships, in virtual time: what fails, and what was let wait how long. */
async function ran(
  name: ScenarioName,
  { seed = 1, page = PAGE, gate = true, length = 30_000 }: Variant,
): Promise<{
  readonly failed: readonly string[]
  readonly tape: Tape
}> {
  const script = scenario(name, length)
  const clock = new VirtualClock(5000)
  assert.ok(GATE.kind === 'fixed')
  const line = { permits: GATE.permits, ...GATE.queue, threshold: GATE.threshold! }
  const world = { clock, random: seeded(seed), slots: POOL, service: WORK }
  const place = new VirtualPlace({ ...world, ...(gate && { gate: line }) })
  const tape = new Tape(WORK)
  const { users, duration } = script
  const run = closedLoop({
    transport: place,
    users,
    duration,
    think: THINK,
    page,
    patience: PATIENCE,
    random: seeded(seed + 100),
    clock,
    onFate: (fate) => tape.fates.push(gate && fate.reason === 'status 503' ? { ...fate, explained: true } : fate),
  })
  for (let at = 0; at < duration; at += 250) {
    tape.samples.push({ at, users: users(at), ...place.held })
    clock.advance(250)
  }
  await run
  const checks = judge({ scenario: script, tape, crashed: undefined })
  return { failed: checks.filter(({ passed }) => !passed).map((check) => `${check.name}: ${check.detail}`), tape }
}

describe('the scenarios of S3.11', () => {
  it('S3.1 S3.2 the gate is what `size` makes of the pool, and the preset of that size', () => {
    assert.equal(LIMIT, 80)
    assert.equal(PRESETS.staging.maxConcurrent, LIMIT)
    assert.deepEqual(GATE, { kind: 'fixed', permits: 80, queue: { capacity: 500, maxWait: 5000 }, threshold: 580 })
    assert.equal(PAGE, 16)
  })

  for (const name of SCENARIO_NAMES)
    it(`S3.11 ${name} passes behind the gate, whatever the chance`, async () => {
      for (const seed of [1, 2, 3]) assert.deepEqual((await ran(name, { seed })).failed, [], `seed ${seed}`)
    })

  it('S3.11 they pass when they are short, too', async () => {
    for (const name of SCENARIO_NAMES)
      for (const seed of [1, 2, 3])
        assert.deepEqual((await ran(name, { seed, length: 5000 })).failed, [], `seed ${seed}`)
  })

  it('control arm: without the gate threshold, overload and spike fail', async () => {
    for (const name of ['threshold', 'overload', 'spike'] as const)
      assert.notDeepEqual((await ran(name, { gate: false })).failed, [], name)
  })

  it('S3.13 without the gate latency passes 10 s, with it nobody waits half a second', async () => {
    const worst = (tape: Tape): Millis => tape.figures({ from: 0, to: 30_000 }).latency.max
    const [without, behind] = [await ran('spike', { gate: false }), await ran('spike', {})]
    assert.ok(worst(without.tape) > 10_000, `${worst(without.tape)} ms`)
    assert.ok(worst(behind.tape) < 500, `${worst(behind.tape)} ms`)
  })

  it('S3.11 with one request a visit not even 200 users wait: there are 10 at work', async () => {
    for (const name of ['threshold', 'overload'] as const) {
      const { failed, tape } = await ran(name, { page: 1 })
      assert.notDeepEqual(failed, [])
      const { rejected, wait, rate } = tape.figures(scenario(name, 30_000).judged)
      assert.equal(rejected, 0)
      assert.ok(wait.mean < 5)
      assert.ok((rate * WORK) / 1000 < 10.5)
    }
  })

  it('refuses a length too short', () => {
    assert.throws(() => scenario('normal', 2999), /at least 3s, not 2.999s/)
  })
})

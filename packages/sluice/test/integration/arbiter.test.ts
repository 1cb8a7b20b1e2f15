import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Machine } from './arbiter-rig.ts'
import { instant, meanOf, peakOf } from './fleet-slots-rig.ts'
import { until } from './waiting.ts'

const LIMIT = 8

describe('slots of several processes through an arbiter', () => {
  let machine: Machine
  afterEach(() => machine.stop())

  async function four(orders: ConstructorParameters<typeof Machine>[1] = {}): Promise<void> {
    machine = new Machine(LIMIT, orders)
    for (let count = 0; count < 4; count++) machine.add()
    await machine.fleet.busy()
  }

  /** Use between two instants, as a part of the limit. */
  const use = (from: number, to: number): number => meanOf(machine.used(), from, to) / LIMIT

  for (const mode of ['share', 'strict'] as const)
    it(`S3.5 ${mode}: four that start at once agree on one arbiter, are never over, and use all of it`, async () => {
      await four({ mode, hold: [20, 30] })
      await machine.host()
      const from = instant()
      await sleep(700)
      const used = machine.used()
      assert.equal(peakOf(used), LIMIT)
      assert.ok(use(from, from + 650) > (mode === 'share' ? 0.75 : 0.6), `in use on average: ${use(from, from + 650)}`)
      for (const worker of [0, 1, 2, 3]) assert.ok(used.some((work) => work.worker === worker))
    })

  it('S3.5 a killed process gives its slots back at once', async () => {
    machine = new Machine(LIMIT, { hold: [50, 50] })
    machine.add({ loops: 0 })
    await machine.host()
    // The arbiter itself is not the victim.
    const victim = machine.add({ loops: LIMIT, hold: [60_000, 0] })
    await machine.fleet.busy()
    for (let count = 0; count < 3; count++) machine.add()
    await until('they wait', () => machine.fleet.workers.slice(2).every(({ state }) => (state?.queued ?? 0) > 0))
    const killed = await machine.kill(victim)
    await until('all is in use again', () => machine.fleet.running() === LIMIT)
    const used = machine.used()
    assert.equal(peakOf(used), LIMIT)
    const next = used.filter(({ worker }) => worker > 1).map(({ from }) => from)
    assert.equal(next.length >= LIMIT, true)
    const delay = next.toSorted((a, b) => a - b)[LIMIT - 1]! - killed
    assert.ok(delay < 150, `${delay} ms after its end all of its slots are in use`)
  })

  it('S3.5 the arbiter killed, with work that heeds nothing: never over, and used again within a second', async () => {
    await four({ heeds: false, hold: [50, 750] })
    const victim = await machine.host()
    const before = Math.max(...machine.used().map(({ fence }) => fence))
    const killed = await machine.kill(victim)
    await sleep(2400)
    const used = machine.used()
    assert.equal(peakOf(used), LIMIT)
    const from = killed + 1000
    assert.ok(use(from, from + 1300) >= 0.95, `in use on average: ${use(from, from + 1300)}`)
    await machine.host()
    const later = used.filter(({ from: begun }) => begun > killed + 1000)
    assert.ok(
      later.every(({ fence }) => fence > before),
      'fences rise from one arbiter to the next',
    )
    for (const { state } of machine.fleet.workers) assert.equal(state?.lapses, 0, 'nobody lost a lease')
  })

  it('control: without a learning window too many are in use after the arbiter was killed', async () => {
    machine = new Machine(LIMIT, { heeds: false, hold: [500, 1500], learning: 0, loops: 4 })
    const host = machine.add({ loops: 0 })
    await machine.host()
    for (let count = 0; count < 3; count++) machine.add()
    await machine.fleet.busy()
    await machine.kill(host)
    await sleep(700)
    const peak = peakOf(machine.used())
    assert.ok(peak > LIMIT, `the peak is ${peak}: the check sees nothing`)
  })
})

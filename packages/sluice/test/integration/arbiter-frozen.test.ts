import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Machine, roleOf } from './arbiter-rig.ts'
import { instant, meanOf, peakOf } from './fleet-slots-rig.ts'
import { until } from './waiting.ts'

const LIMIT = 8

describe('slots through an arbiter that stands still', () => {
  let machine: Machine
  afterEach(() => machine.stop())

  /** Use between two instants, as a part of the limit. */
  const use = (from: number, to: number): number => meanOf(machine.used(), from, to) / LIMIT

  it('S3.5 a process that gets no turn while the arbiter dies is waited for, and keeps what it holds', async () => {
    machine = new Machine(LIMIT, { heeds: false, hold: [20, 30], lease: 3000 })
    const host = machine.add({ loops: 0 })
    await machine.host()
    const frozen = machine.add({ loops: 3, hold: [60_000, 0] })
    await until('it holds three', () => machine.fleet.running() === 3)
    machine.add()
    machine.add()
    await machine.fleet.busy()
    frozen.child.kill('SIGSTOP')
    await machine.kill(host)
    // Twice the window in which the next one listens.
    await sleep(600)
    frozen.child.kill('SIGCONT')
    const woken = instant()
    await sleep(700)
    assert.equal(peakOf(machine.used()), LIMIT)
    assert.equal(frozen.state?.lapses, 0)
    assert.ok(use(woken + 400, woken + 650) > 0.9, `in use on average: ${use(woken + 400, woken + 650)}`)
  })

  for (const onDown of ['closed', 'share'] as const)
    it(`S3.5 the arbiter stands still: nothing is granted, ${onDown} decides, and it goes on when it wakes`, async () => {
      machine = new Machine(LIMIT, { onDown, lease: 500, hold: [20, 30] })
      // It does no work itself: what stands still with more than its share, comes on top of what the others allow themselves.
      const host = machine.add({ loops: 0 })
      await machine.host()
      const others = [1, 2, 3].map(() => machine.add())
      await machine.fleet.busy()
      await until('they know of each other', () => others.every(({ state }) => state?.fleet.sessions === 3))
      host.child.kill('SIGSTOP')
      const stopped = instant()
      await until('all others know', () => others.every(({ state }) => state?.alone === true))
      const known = instant()
      await sleep(500)
      host.child.kill('SIGCONT')
      const woken = instant()
      await until('all are back', () =>
        others.every((worker) => worker.state?.up === true && roleOf(worker) === 'guest'),
      )
      await sleep(500)
      const used = machine.used()
      assert.ok(known - stopped < 1500, `known after ${known - stopped} ms`)
      const begun = used.filter(({ from }) => from > known + 50 && from < woken)
      if (onDown === 'closed') assert.equal(begun.length, 0)
      else assert.ok(begun.length > 10, `${begun.length} begun meanwhile`)
      assert.ok(peakOf(used, -Infinity, woken) <= LIMIT, 'not while it stands still')
      assert.ok(peakOf(used, onDown === 'closed' ? woken : woken + 300) <= LIMIT, 'nor afterwards')
      const end = instant()
      assert.ok(use(end - 200, end) > 0.6, `in use on average: ${use(end - 200, end)}`)
    })
})

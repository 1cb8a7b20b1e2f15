import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { explainMeasurement, measure, size, type MeasureOptions } from '../../src/size/index.ts'
import { VirtualPlace } from '../bench/virtual-place.ts'

/** Runs a promise that waits for virtual time only. */
async function inTime<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  const settled = work.then(
    () => true,
    () => true,
  )
  const turn = (): Promise<boolean> => new Promise((resolve) => setImmediate(resolve, false))
  do clock.advance(20)
  while (!(await Promise.race([settled, turn()])))
  return await work
}

function measured(
  place: VirtualPlace,
  clock: VirtualClock,
  options: Partial<MeasureOptions> = {},
): ReturnType<typeof measure> {
  return inTime(clock, measure({ transport: place, clock, ...options }))
}

describe('measure', () => {
  it("S3.1 finds rate and latency of a service, and Little's law its slots", async () => {
    for (const [slots, service] of [
      [20, 50],
      [8, 20],
      [1, 100],
    ] as const) {
      const clock = new VirtualClock(1000)
      const place = new VirtualPlace({ clock, random: seeded(1), slots, service })
      const { rate, latency, ended } = await measured(place, clock, { step: 3000 })
      assert.equal(ended, 'saturated')
      assert.ok(Math.abs(latency / service - 1) < 0.1, `${slots} x ${service}: ${latency}`)
      const { busy } = size({ rps: rate, latency }).demand!
      assert.ok(Math.abs(busy / slots - 1) < 0.15, `${slots} x ${service}: ${busy} busy`)
    }
  })

  it('says so when it never filled the target up', async () => {
    const clock = new VirtualClock()
    const place = new VirtualPlace({ clock, random: seeded(1), slots: 1000, service: 50 })
    const measurement = await measured(place, clock, { most: 16 })
    assert.equal(measurement.ended, 'most')
    assert.equal(measurement.steps.length, 5)
    assert.match(explainMeasurement(measurement), /it never filled up/)
  })

  it('stops where a gate begins to refuse', async () => {
    const clock = new VirtualClock()
    const gate = { permits: 10, capacity: 0, maxWait: 0, threshold: 10 }
    const place = new VirtualPlace({ clock, random: seeded(1), slots: 100, service: 50, gate })
    const { ended, steps } = await measured(place, clock)
    assert.equal(ended, 'refused')
    assert.equal(steps.at(-1)?.users, 16)
    assert.equal(steps.at(-1)?.reason, 'status 503')
  })

  it('takes more time for a service that is slower than a step', async () => {
    const clock = new VirtualClock()
    const place = new VirtualPlace({ clock, random: seeded(1), slots: 2, service: 1500 })
    const { latency } = await measured(place, clock)
    assert.ok(Math.abs(latency - 1500) < 150, `${latency}`)
  })

  it('refuses a target that answers nobody', async () => {
    const clock = new VirtualClock()
    const gate = { permits: 1, capacity: 0, maxWait: 0, threshold: 1 }
    const place = new VirtualPlace({ clock, random: seeded(1), slots: 1, service: 100_000, gate })
    await assert.rejects(measured(place, clock), /one request at a time gets no answer/)
  })
})

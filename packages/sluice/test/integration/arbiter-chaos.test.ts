import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../../src/index.ts'
import { Machine, roleOf } from './arbiter-rig.ts'
import { instant, meanOf, peakOf } from './fleet-slots-rig.ts'

const LIMIT = 8
const DURATION = 2500

describe('slots through an arbiter, with processes that die', () => {
  for (const seed of [1, 2])
    it(`S3.5 killed and started anew at random, the arbiter more often than not, seed ${seed}`, async () => {
      const random = seeded(seed)
      const machine = new Machine(LIMIT, { heeds: false, hold: [20, 280], mode: seed === 1 ? 'share' : 'strict' })
      const { fleet } = machine
      try {
        for (let count = 0; count < 4; count++) machine.add()
        await fleet.busy()
        const end = instant() + DURATION
        let kills = 0
        while (instant() < end) {
          await sleep(50 + random() * 650)
          const alive = fleet.workers.filter(({ killed }) => killed === Infinity)
          const hosts = alive.filter((worker) => roleOf(worker) === 'host')
          const among = random() < 0.6 && hosts.length > 0 ? hosts : alive
          await machine.kill(among[Math.floor(random() * among.length)]!)
          kills++
          machine.add({ seed: fleet.workers.length + 100 * seed })
        }
        await machine.host()
        const from = instant() + 700
        await sleep(1400)
        const used = machine.used()
        assert.ok(kills > 2)
        assert.equal(peakOf(used), LIMIT)
        const mean = meanOf(used, from, from + 650) / LIMIT
        assert.ok(mean > 0.9, `in use at the end on average: ${mean}`)
        const fences = used.map(({ fence }) => fence)
        assert.equal(fences.filter((fence) => fence === 0).length, 0)
      } finally {
        await machine.stop()
      }
    })
})

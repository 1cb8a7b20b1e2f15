import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, type Priority } from '../../src/index.ts'
import { fleetBuckets, memoryBuckets } from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { BUCKETS, left, make, pass, turn } from './buckets-rig.ts'

/** Three processes overrun by ordinary arrivals, and a fourth where a critical one comes now and then. */
async function overrun(reserve: number): Promise<{ late: number; ordinary: number; lowest: number }> {
  const clock = new VirtualClock(0)
  const coordinator = memoryBuckets({ clock })
  const random = seeded(2)
  const buckets = { tokens: { tokens: 1000, capacity: 1000 } }
  const gates = [1, 2, 3, 4].map(() => fleetBuckets({ buckets, coordinator, onDown: 'closed', clock, random, reserve }))
  const [critical, ...others] = gates
  let [ordinary, late, lowest] = [0, 0, Infinity]
  for (let ms = 0; ms < 4000; ms++) {
    for (const gate of others)
      for (let count = 0; count < 5; count++) if (gate.tryEnter({ cost: 2 }).admitted) ordinary += 2
    if (ms > 1000 && ms % 100 === 0) {
      const asked = clock.now()
      late++
      critical!.enter({ priority: 3, cost: 20, maxWait: 50 }, ({ admitted }) => {
        // Answers take no time here: who is let in at once has waited for nothing.
        if (admitted && clock.now() === asked) late--
      })
      await turn()
      lowest = Math.min(lowest, critical!.status().tokens.available)
    }
    await pass(clock, 1)
  }
  for (const gate of gates) void gate.close()
  return { late, ordinary, lowest }
}

describe('S3.5 who is let in first', () => {
  it('S3.5 reserve: the last fifth is for the best class, however many others come', async () => {
    const [kept, control] = [await overrun(0.2), await overrun(0)]
    assert.equal(kept.late, 0, `${kept.late} critical ones of 29 waited`)
    assert.ok(kept.ordinary >= 0.75 * 4800, `${kept.ordinary} of the others`)
    assert.ok(kept.lowest >= 0.2 * 1000 - 21, `once only ${kept.lowest} were left`)
    assert.ok(control.lowest < 50 && control.late > 20, `control: ${control.lowest} left, ${control.late} of 29 waited`)
    const { clock, line, gate } = make({ reserve: 0.2 })
    await gate.acquire({ flow: 'a', cost: 800 })
    const refused = gate.tryEnter({ flow: 'a', cost: 50 })
    assert.ok(!refused.admitted)
    assert.ok((await gate.acquire({ flow: 'a', cost: 200, priority: 3 })).admitted)
    assert.deepEqual((await left(clock, line, 'a'))[1], 0)
    const never = gate.tryEnter({ flow: 'a', cost: 900 })
    assert.ok(!never.admitted && never.retryAfter === undefined, 'more than it may ever have')
  })

  it('S3.5 the best class is next wherever it waits in line, and in a class who came first', async () => {
    const { clock, gate } = make()
    await gate.acquire({ cost: 1000 })
    const order: string[] = []
    for (const [at, priority] of ([1, 0, 3, 1, 2, 3] as Priority[]).entries())
      void gate.acquire({ cost: 100, priority }).then(() => order.push(`${priority}.${at}`))
    await pass(clock, 650)
    assert.deepEqual(order, ['3.2', '3.5', '2.4', '1.0', '1.3', '0.1'])
  })

  it('S3.5 a better class that comes does not wait for the others, which wait for more than it needs', async () => {
    const { clock, gate } = make()
    await gate.acquire({ cost: 1000 })
    const big = gate.acquire({ cost: 1000, priority: 1 }).then(() => clock.now())
    await pass(clock, 100)
    const small = gate.acquire({ cost: 50, priority: 2 }).then(() => clock.now())
    await pass(clock, 1100)
    assert.ok((await small) - 5000 <= 110, `${await small}`)
    assert.ok((await big) - 5000 >= 1050)
  })
})

describe('S3.5 the end of a gate', () => {
  it('S3.5 close tells when everything has been given back', async () => {
    const { clock, line, gate } = make()
    line.delay = 30
    const permit = gate.acquire({ flow: 'a', cost: 100 })
    for (let count = 0; count < 100; count++) {
      gate.tryEnter({ flow: 'a', cost: 1 })
      await pass(clock, 1)
    }
    const held = gate.status('a').tokens.held
    gate.adjust('tokens', -7, 'b')
    let done = false
    const closed = gate.close().then(() => (done = true))
    await pass(clock, 29)
    assert.equal(done, false)
    await pass(clock, 35)
    await closed
    assert.ok(held > 0 && gate.status('a').tokens.held === 0)
    ;(await permit).release('success', 90)
    await pass(clock, 35)
    line.delay = 0
    const tokens = (await left(clock, line, 'b'))[1]
    assert.ok(tokens === 1000 || tokens === 993)
    await gate.close()
    assert.equal(clock.pending, 0)
  })

  it('S3.5 close waits no longer than the deadline for who does not answer', async () => {
    const { clock, line, gate } = make({ deadline: 100 })
    await gate.acquire({ cost: 10 })
    gate.adjust('tokens', -7)
    line.cut = 'silent'
    let done = false
    void gate.close().then(() => (done = true))
    await pass(clock, 130)
    assert.equal(done, true)
  })
})

describe('S3.5 after a loss of data', () => {
  it('S3.5 who is new and comes before those who knew takes one full bucket, and all have it to pay back', async () => {
    const clock = new VirtualClock(0)
    const memory = memoryBuckets({ clock })
    const parts = { buckets: BUCKETS, coordinator: memory, onDown: 'closed', clock, lease: 0 } as const
    const knew = fleetBuckets(parts)
    await knew.take({ tokens: 1000 })
    memory.forget()
    const lost = clock.now()
    const fresh = fleetBuckets(parts)
    let admitted = 0
    for (let tries = 0; tries < 30; tries++) {
      if (fresh.tryEnter({ cost: 100 }).admitted) admitted += 100
      await turn()
    }
    assert.equal(admitted, 1000)
    for (; clock.now() < lost + 4000; await pass(clock, 10))
      for (const gate of [knew, fresh]) if (gate.tryEnter({ cost: 10 }).admitted) admitted += 10
    const allowed = clock.now() - lost
    assert.ok(admitted <= allowed + 20 && admitted > allowed - 100, `${admitted}, at most ${allowed} in the long run`)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isRejection, seeded } from '../../src/index.ts'
import { fleetBuckets, memoryBuckets, type FleetBuckets } from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { BUCKETS, left, Line, make, pass, turn, type Names } from './buckets-rig.ts'

interface Fleet {
  readonly clock: VirtualClock
  readonly line: Line
  readonly gates: readonly FleetBuckets<Names>[]
}

/** Four processes that share plenty. */
function fleet(options: { lease?: number; deaf?: boolean } = {}): Fleet {
  const clock = new VirtualClock(5000)
  const line = new Line(memoryBuckets({ clock }), clock)
  line.deaf = options.deaf ?? false
  const buckets = { requests: { tokens: 1e5, takes: 'one' }, tokens: { tokens: 1e6 } } as const
  const parts = { buckets, coordinator: line, onDown: 'open', clock, name: 'llm' } as const
  const gates = [1, 2, 3, 4].map((seed) =>
    fleetBuckets({ ...parts, random: seeded(seed), ...(options.lease !== undefined && { lease: options.lease }) }),
  )
  return { clock, line, gates }
}

/** Each process takes what it can get for so long; when which of them was let in. */
async function rush({ clock, gates }: Fleet, duration: number): Promise<(readonly [at: number, who: number])[]> {
  const log: (readonly [at: number, who: number])[] = []
  for (const end = clock.now() + duration; clock.now() < end; await pass(clock, 1))
    gates.forEach((gate, who) => {
      for (let count = 0; count < 5; count++)
        if (gate.tryEnter({ flow: 'key', cost: 10 }).admitted) log.push([clock.now(), who])
    })
  return log
}

describe('S2.2 what a provider says holds for every process', () => {
  it('S2.2 hold: nobody is let in anywhere, at once, for as long as was said', async () => {
    const all = fleet()
    assert.ok((await rush(all, 500)).length > 4 * 500 * 4)
    const told = all.clock.now()
    all.gates[0]!.hold('key', 2000)
    const log = await rush(all, 3000)
    const first = log[0]![0] - told
    assert.ok(first >= 2000 && first < 2020, `the first was let in after ${first} ms`)
    assert.equal(new Set(log.map(([, who]) => who)).size, 4)
  })

  it('S2.2 hold: who does not hear of it stops when the lease ends, and with lease 0 at once', async () => {
    for (const lease of [200, 0]) {
      const all = fleet({ deaf: true, lease })
      await rush(all, 500)
      const told = all.clock.now()
      all.gates[0]!.hold('key', 2000)
      const late = (await rush(all, 1900)).map(([at]) => at - told)
      // Asked before it was known: that is a message on its way.
      assert.ok(
        late.every((at) => at <= lease),
        `let in ${late.at(-1)} ms after it was said`,
      )
      if (lease > 0) assert.ok(late.length > 0, 'the check sees what is at hand elsewhere')
    }
  })

  it('S2.2 hold: the longest counts, whoever said it; tenants are apart; tryEnter says for how long', async () => {
    const { clock, gates } = fleet()
    const [a, b] = gates as [FleetBuckets<Names>, FleetBuckets<Names>]
    a.hold('key', 1000)
    a.hold('key', 200)
    b.hold('key', 500)
    await turn()
    for (const gate of [a, b]) {
      const refused = gate.tryEnter({ flow: 'key' })
      assert.ok(!refused.admitted)
      assert.deepEqual([refused.code, refused.retryAfter, gate.heldFor('key')], ['rate_limited', 1000, 1000])
    }
    assert.ok(!gates[2]!.tryEnter({ flow: 'key' }).admitted)
    await turn()
    assert.equal(gates[2]!.heldFor('key'), 1000)
    assert.ok((await a.acquire({ flow: 'other' })).admitted)
    const waiting = b.acquire({ flow: 'key' }).then(() => clock.now())
    await pass(clock, 1100)
    assert.ok((await waiting) - 6000 < 5, `${await waiting}`)
    assert.equal(a.heldFor('key'), 0)
  })

  it('S2.2 hold: an answer on its way when it is said lets nobody in', async () => {
    const all = fleet()
    all.line.delay = 40
    const [a, b] = all.gates as [FleetBuckets<Names>, FleetBuckets<Names>]
    const waits = b.acquire({ flow: 'key' }).then(() => all.clock.now())
    await pass(all.clock, 10)
    a.hold('key', 1000)
    await pass(all.clock, 1200)
    const at = (await waits) - 5010
    assert.ok(at >= 1000 && at <= 1100, `let in ${at} ms after it was said`)
  })

  it('S2.2 hold: while the coordinator is down it holds here, whatever the policy says, and is told afterwards', async () => {
    const all = fleet()
    const { clock, line, gates } = all
    await rush(all, 20)
    line.cut = 'refuses'
    await pass(clock, 300)
    for (; gates[0]!.state.health === 'up'; await pass(clock, 10)) gates[0]!.tryEnter({ flow: 'key' })
    assert.ok(gates[0]!.tryEnter({ flow: 'key' }).admitted, 'open')
    gates[0]!.hold('key', 10_000)
    assert.ok(!gates[0]!.tryEnter({ flow: 'key' }).admitted)
    line.cut = 'no'
    await pass(clock, 3000, 10)
    gates[1]!.tryEnter({ flow: 'key' })
    await turn()
    const left = gates[1]!.heldFor('key')
    assert.ok(left > 6900 && left <= 7000, `held for ${left} more`)
  })

  it('S2.2 hold: survives a loss of data where anybody knew it', async () => {
    const clock = new VirtualClock(5000)
    const memory = memoryBuckets({ clock })
    const gates = [1, 2].map(() =>
      fleetBuckets({ buckets: BUCKETS, coordinator: memory, onDown: 'closed', clock, lease: 0 }),
    )
    const [a, b] = gates as [FleetBuckets<Names>, FleetBuckets<Names>]
    a.hold('key', 5000)
    a.pace('key', { tokens: { tokens: 500, capacity: 100 } })
    await turn()
    memory.forget()
    a.correct('key', { tokens: 1 })
    await turn()
    b.tryEnter({ flow: 'key' })
    await turn()
    assert.deepEqual(
      [b.heldFor('key'), b.status('key').tokens.capacity, b.status('key').tokens.interval],
      [5000, 100, 2],
    )
  })

  it('S2.2 pace: all processes follow; what is left stays as far as it fits; last said wins', async () => {
    const all = fleet()
    const { clock, gates } = all
    const [a, b] = gates as [FleetBuckets<Names>, FleetBuckets<Names>]
    await rush(all, 300)
    a.pace('key', { tokens: { tokens: 1000, capacity: 500 } })
    await pass(clock, 50)
    const start = clock.now()
    const log = await rush(all, 4000)
    const admitted = 10 * log.length
    // 500 at once, 1000 a second, and what may be at hand anywhere for a lease.
    assert.ok(admitted <= 500 + 4000 + 200, `${admitted} let in`)
    assert.ok(admitted >= 0.97 * 4000, `${admitted} let in`)
    assert.ok(log.every(([at]) => at >= start))
    for (const gate of gates) assert.equal(gate.status('key').tokens.capacity, 500)
    assert.equal(a.status('key').requests.capacity, 1e5, 'what is not named stays')
    await pass(clock, 2000)
    b.pace('key', { tokens: { tokens: 1e6, capacity: 2e6 } })
    await pass(clock, 10)
    a.tryEnter({ flow: 'key', cost: 1 })
    await turn()
    assert.equal(a.status('key').tokens.capacity, 2e6)
    assert.ok(a.status('key').tokens.available < 20_000, 'more room does not fill itself')
    assert.ok(!a.tryEnter({ flow: 'key', cost: 1.5e6 }).admitted, 'but is no more than there will be')
  })

  it('S2.2 pace: more than the options said is let in where a provider allows it, and cut off where it does not', async () => {
    const { clock, gate } = make()
    await gate.take({ tokens: 0 }, { flow: 'key' })
    gate.pace('key', { tokens: { tokens: 10_000, capacity: 5000 } })
    const big = gate.acquire({ flow: 'key', cost: 4000 }).then(() => 'in')
    await pass(clock, 600)
    assert.equal(await big, 'in')
    const waits = gate.acquire({ flow: 'key', cost: 4500 }).catch((error: { rejection: object }) => error.rejection)
    const small = gate.acquire({ flow: 'key', cost: 50 }).then(() => 'in')
    await pass(clock, 10)
    gate.pace('key', { tokens: { tokens: 100, capacity: 100 } })
    await pass(clock, 600)
    const refused = await waits
    assert.ok(isRejection(refused))
    assert.deepEqual([refused.code, refused.retryAfter], ['rate_limited', undefined])
    assert.equal(await small, 'in', 'it does not stand in the way of the others')
    assert.throws(() => gate.pace('key', { tokens: { tokens: 0 } }), { message: /fleetBuckets\.pace\.tokens\.tokens/ })
    assert.throws(() => gate.pace('key', { token: { tokens: 1 } } as never), { message: /one of requests, tokens/ })
  })

  it('S2.2 correct: pulls down at once, for all, never up, and says nothing where nothing is new', async () => {
    const { clock, line, gate } = make()
    await gate.take({ tokens: 100 }, { flow: 'key' })
    gate.correct('key', { tokens: 400, requests: 3 })
    await turn()
    assert.deepEqual(await left(clock, line, 'key'), [3, 400])
    gate.correct('key', { tokens: 900 })
    await turn()
    assert.deepEqual(await left(clock, line, 'key'), [3, 400])
    await pass(clock, 300, 50)
    const { calls } = line
    for (let count = 0; count < 100; count++) gate.correct('key', { tokens: 800, requests: 30 })
    await pass(clock, 300, 50)
    assert.equal(line.calls, calls)
    gate.correct('key', { tokens: -50 })
    await turn()
    assert.deepEqual((await left(clock, line, 'key'))[1], -50, 'a debt')
    assert.throws(() => gate.correct('key', { tokens: Number.NaN }), { message: /fleetBuckets\.correct\.tokens/ })
    assert.throws(() => gate.hold('key', Number.NaN), { message: /fleetBuckets\.hold/ })
  })

  it('S2.2 correct: said while the coordinator is down it counts from when it was said', async () => {
    const { clock, line, gate } = make()
    await gate.take({ tokens: 0, requests: 0 }, { flow: 'key' })
    line.cut = 'refuses'
    gate.correct('key', { tokens: 100 })
    await pass(clock, 300, 50)
    line.cut = 'no'
    for (let tries = 0; gate.state.health === 'down' && tries < 500; tries++) await pass(clock, 10)
    const tokens = (await left(clock, line, 'key'))[1]!
    const expected = 100 + clock.now() - 5000
    assert.ok(Math.abs(tokens - expected) < 60, `${tokens} left, not ${expected}`)
  })
})

describe('S2.1 reservations, settled bucket by bucket', () => {
  it('S2.1 each bucket by itself, in both directions, while it runs and at its end, once', async () => {
    const { clock, line, gate } = make()
    const held = await gate.reserve({ tokens: 600, requests: 2 }, { flow: 'a' })
    assert.deepEqual(await left(clock, line, 'a'), [28, 400])
    held.settle({ tokens: 800 })
    await pass(clock, 1, 1)
    held.settle({ tokens: 700, requests: Number.NaN })
    assert.throws(() => held.settle({ token: 1 } as never), { message: /one of the buckets, got "token"/ })
    held.release('success', { tokens: 900, requests: 1 })
    held.release('success', { tokens: 1 })
    held.settle({ tokens: 1 })
    void gate.close()
    await turn()
    const [requests, tokens] = await left(clock, line, 'a')
    assert.ok(Math.abs(requests! - 29.1) < 0.11 && Math.abs(tokens! - 101) < 1.1, `${requests}, ${tokens}`)
  })

  it('S2.1 into debt, back up to full and no further; ignored at no cost has never been', async () => {
    for (const [actual, expected] of [
      [{ tokens: 5000 }, -4000],
      [{ tokens: 0 }, 1000],
      [undefined, 400],
      [250, 750],
    ] as const) {
      const { clock, line, gate } = make()
      const held = await gate.reserve({ tokens: 600 }, { flow: 'a' })
      held.release('success', actual)
      void gate.close()
      await turn()
      const [requests, tokens] = await left(clock, line, 'a')
      assert.deepEqual([requests, tokens], [29, expected])
    }
    const { clock, line, gate } = make()
    const undone = gate.tryReserve({ tokens: 600 }, { flow: 'a' })
    assert.ok(!undone.admitted)
    await turn()
    const held = gate.tryReserve({ tokens: 600 }, { flow: 'a' })
    assert.ok(held.admitted)
    held.release('ignored', 0)
    await gate.close()
    assert.deepEqual(await left(clock, line, 'a'), [30, 1000])
  })

  it('S2.1 a thousand reservations: used and left are always the total', async () => {
    const clock = new VirtualClock(0)
    const line = new Line(memoryBuckets({ clock }), clock)
    const buckets = {
      input: { tokens: 1e-9, per: 1e9, capacity: 1e6 },
      output: { tokens: 1e-9, per: 1e9, capacity: 1e6 },
    }
    const random = seeded(5)
    const parts = { buckets, coordinator: line, onDown: 'closed', clock, random } as const
    const gates = [1, 2, 3].map(() => fleetBuckets(parts))
    const used = { input: 0, output: 0 }
    for (let count = 0; count < 1000; count++) {
      const held = await gates[count % 3]!.reserve({ input: 100, output: 50 })
      const actual = { input: Math.floor(random() * 200), output: Math.floor(random() * 100) }
      if (random() < 0.5) held.settle({ output: Math.floor(random() * 100) })
      held.release('success', actual)
      used.input += actual.input
      used.output += actual.output
      await pass(clock, 1)
    }
    await Promise.all(gates.map((gate) => gate.close()))
    const asks = fleetBuckets({ ...parts, lease: 0 })
    await asks.take({ input: 0, output: 0 })
    const { input, output } = asks.status()
    assert.ok(Math.abs(used.input + input.available - 1e6) < 1e-3, `${used.input} and ${input.available}`)
    assert.ok(Math.abs(used.output + output.available - 1e6) < 1e-3, `${used.output} and ${output.available}`)
  })
})

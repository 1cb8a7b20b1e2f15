import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { explain, seeded, type Permit } from '../../src/index.ts'
import { fleetBuckets, memoryBuckets, type BucketsGrant } from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { BUCKETS, left, Line, make, pass, turn } from './buckets-rig.ts'

describe('S3.5 token buckets of a fleet', () => {
  it('S3.5 takes of all of them or of none, waits in turn, each tenant its own', async () => {
    const { clock, line, gate } = make()
    const first = await gate.acquire({ flow: 'a', cost: 900 })
    assert.equal(first.waited, 0)
    assert.deepEqual(await left(clock, line, 'a'), [29, 100])
    assert.deepEqual(await left(clock, line, 'b'), [30, 1000])
    const order: [cost: number, at: number][] = []
    const second = gate.acquire({ flow: 'a', cost: 300 }).then(() => order.push([300, clock.now()]))
    const third = gate.acquire({ flow: 'a', cost: 10 }).then(() => order.push([10, clock.now()]))
    await pass(clock, 199)
    assert.equal(order.length, 0)
    assert.equal((await left(clock, line, 'a'))[0], 30, 'nothing is held of one while waiting for the other')
    assert.equal(gate.stats.queued, 2)
    await pass(clock, 20)
    await Promise.all([second, third])
    assert.deepEqual(
      order.map(([cost, at]) => [cost, Math.floor((at - 5200) / 10)]),
      [
        [300, 0],
        [10, 1],
      ],
    )
    assert.equal(gate.stats.queued, 0)
  })

  it('S3.5 most arrivals are answered here; unused tokens go back, and then it is silent', async () => {
    const { clock, line, gate } = make({
      buckets: { requests: { tokens: 1e5, takes: 'one' }, tokens: { tokens: 1e6 } },
    })
    let refused = 0
    for (let ms = 0; ms < 1000; ms++) {
      for (let count = 0; count < 20; count++) if (!gate.tryEnter({ flow: 'a', cost: 3 }).admitted) refused++
      await pass(clock, 1)
    }
    assert.ok(line.calls < 50, `${line.calls} calls for 20,000 arrivals`)
    assert.ok(refused <= 80, `${refused} refused before it had asked`)
    const { held } = gate.status('a').tokens
    assert.ok(held > 0)
    await pass(clock, 1000, 10)
    assert.equal(gate.status('a').tokens.held, 0)
    const { calls } = line
    await pass(clock, 60_000, 100)
    assert.equal(line.calls, calls, 'nobody comes, nothing is said')
    assert.equal(clock.pending, 0)
  })

  it('S3.5 never above burst and rate in any window, and nearly all of it', async () => {
    const clock = new VirtualClock(0)
    const line = new Line(memoryBuckets({ clock }))
    const rule = { tokens: { tokens: 1000, capacity: 500 } }
    const random = seeded(3)
    const gates = [1, 2, 3, 4].map(() =>
      fleetBuckets({ buckets: rule, coordinator: line, onDown: 'closed', clock, random }),
    )
    const log: [at: number, tokens: number][] = []
    for (let ms = 0; ms < 3000; ms++) {
      // Bursts, silences, and an hour of the day at which everybody comes.
      for (const [at, gate] of gates.entries())
        for (let count = 0; count < (ms % 700 < 150 * at ? 0 : 6); count++) {
          const cost = 1 + Math.floor(random() * 4)
          if (gate.tryEnter({ cost }).admitted) log.push([clock.now(), cost])
        }
      await pass(clock, 1)
    }
    const total = log.reduce((sum, [, cost]) => sum + cost, 0)
    assert.ok(total >= 0.97 * (500 + 3000), `only ${total} of 3500`)
    let worst = 0
    // The most by which any window exceeds burst + rate · W, as by a bucket that may be overdrawn.
    let [level, before] = [0, 0]
    for (const [at, cost] of log) {
      level = Math.max(0, level - (at - before)) + cost
      before = at
      worst = Math.max(worst, level - 500)
    }
    assert.ok(worst <= 200 + 1e-6, `${worst} above burst and rate, the lease allows 200`)
  })

  it('S3.5 audit: admitted, held and left are always the total', async () => {
    const clock = new VirtualClock(0)
    const line = new Line(memoryBuckets({ clock }))
    const rule = { tokens: { tokens: 1e-9, per: 1e9, capacity: 20_000 } }
    const random = seeded(9)
    const parts = { buckets: rule, coordinator: line, onDown: 'closed', clock, random } as const
    const gates = [1, 2, 3, 4].map(() => fleetBuckets(parts))
    const used = [0, 0, 0, 0]
    for (let ms = 0; ms < 800; ms++) {
      for (const [at, gate] of gates.entries())
        for (let count = 0; count <= 3 * at; count++) {
          const verdict = gate.tryEnter({ cost: 4 })
          if (!verdict.admitted) continue
          used[at]! += 4
          const actual = Math.floor(random() * 9)
          if (random() < 0.3) {
            verdict.release('success', actual)
            used[at]! += actual - 4
          }
        }
      await pass(clock, 1)
    }
    for (const gate of gates) void gate.close()
    await turn()
    const asks = fleetBuckets({ ...parts, lease: 0 })
    await asks.take({ tokens: 0 })
    const rest = asks.status().tokens.available
    const admitted = used.reduce((sum, one) => sum + one, 0)
    assert.ok(Math.abs(admitted + rest - 20_000) < 1e-3, `${admitted} used, ${rest} left of 20000`)
    assert.ok(admitted > 19_000)
  })

  it('S2.1 settles estimates: what was not needed comes back, what was needed beyond becomes a debt', async () => {
    const { clock, line, gate } = make()
    const high = await gate.acquire({ flow: 'a', cost: 1000 })
    high.release('success', 400)
    high.release('success', 1)
    await pass(clock, 400, 10)
    assert.deepEqual(await left(clock, line, 'a'), [30, 1000], 'never fuller than full')
    const low = await gate.acquire({ flow: 'b', cost: 1000 })
    low.release('success', 3000)
    await pass(clock, 400, 10)
    assert.deepEqual((await left(clock, line, 'b'))[1], -1600)
    const refused = gate.tryEnter({ flow: 'b', cost: 1 })
    assert.ok(!refused.admitted)
    const never = await gate.acquire({ flow: 'c', cost: 10 })
    never.release('ignored', 0)
    await pass(clock, 250, 10)
    assert.deepEqual(await left(clock, line, 'c'), [30, 1000])
    gate.adjust('tokens', -500, 'd')
    gate.adjust('requests', -40, 'd')
    await pass(clock, 250, 250)
    const [requests, tokens] = await left(clock, line, 'd')
    assert.ok(requests! >= -10 && requests! <= 15 && tokens! >= 500 && tokens! <= 750, `${requests}, ${tokens}`)
  })

  it('S3.5 what is not there is refused here, with the time at which it is, without asking again', async () => {
    const { clock, line, gate } = make()
    await gate.acquire({ flow: 'a', cost: 1000 })
    assert.ok(!gate.tryEnter({ flow: 'a', cost: 500 }).admitted)
    await turn()
    const { calls } = line
    for (let count = 0; count < 100; count++) {
      const refused = gate.tryEnter({ flow: 'a', cost: 500 })
      assert.ok(!refused.admitted)
      assert.equal(refused.code, 'rate_limited')
      assert.equal(refused.gate, 'llm.tokens')
      assert.ok(Math.abs(refused.retryAfter! - (500 - count)) < 1e-3, `${refused.retryAfter} at ${count}`)
      await pass(clock, 1)
    }
    assert.equal(line.calls, calls)
    await pass(clock, 401, 401)
    assert.ok((await gate.acquire({ flow: 'a', cost: 500, maxWait: 5 })).admitted)
  })

  it('S3.5 control: who forgets what was refused asks more than 5 times as often', async () => {
    const callsOf = async (spoil: (grant: BucketsGrant) => BucketsGrant): Promise<number> => {
      const { clock, line, gate } = make()
      line.spoil = spoil
      await gate.acquire({ cost: 1000 })
      for (let ms = 0; ms < 300; ms++) {
        gate.tryEnter({ cost: 600 })
        await pass(clock, 1)
      }
      return line.calls
    }
    const cached = await callsOf((grant) => grant)
    const uncached = await callsOf((grant) => ({ ...grant, retryAfter: 0, available: [30, 1000] }))
    assert.ok(uncached >= 5 * cached, `${uncached} and ${cached}`)
  })

  it('S3.5 tryEnter never waits: it refuses what it does not have, and asks ahead', async () => {
    const { line, gate } = make()
    const first = gate.tryEnter({ flow: 'a', cost: 5 })
    assert.ok(!first.admitted)
    assert.deepEqual([first.code, first.retryAfter, line.calls], ['rate_limited', 10, 1])
    await turn()
    assert.ok(gate.tryEnter({ flow: 'a', cost: 5 }).admitted)
    assert.ok(
      !(
        await gate.acquire({ flow: 'b', maxWait: 0 }).then(
          () => ({ admitted: true }),
          () => ({ admitted: false }),
        )
      ).admitted,
    )
  })

  it('S3.5 a line is bounded, in number and in time, and can be left', async () => {
    const { clock, gate } = make({ capacity: 2, maxWait: 100 })
    await gate.acquire({ cost: 1000 })
    const codes: string[] = []
    const hear = (verdict: { readonly admitted: boolean; readonly code?: string }): void =>
      void codes.push(verdict.code ?? 'in')
    const leaves = gate.enter({ cost: 1000 }, hear)
    gate.enter({ cost: 900 }, hear)
    gate.enter({ cost: 900 }, hear)
    assert.deepEqual(codes, ['queue_full'])
    leaves!.cancel()
    leaves!.cancel()
    assert.deepEqual(codes, ['queue_full', 'cancelled'])
    gate.enter({ cost: 900, deadline: clock.now() + 20 }, hear)
    await pass(clock, 150)
    assert.deepEqual(codes, ['queue_full', 'cancelled', 'deadline', 'queue_timeout'])
    assert.equal(gate.stats.queued, 0)
    gate.enter({ cost: 900 }, hear)
    void gate.close()
    assert.deepEqual(codes.at(-1), 'closed')
    assert.ok(!gate.tryEnter().admitted)
    await turn()
    assert.equal(clock.pending, 0)
  })

  it('S1.13 tenants are bounded, whatever they are called', async () => {
    const { clock, gate } = make({ maxTenants: 100 })
    for (let at = 0; at < 1000; at++) {
      await gate.acquire({ flow: `tenant ${at}` })
      if (at % 50 === 0) await pass(clock, 10)
    }
    assert.ok(gate.state.tenants <= 100, `${gate.state.tenants}`)
    for (const flow of ['__proto__', 'constructor', '', '\0', '}{', '\ud800', 'x'.repeat(1e5)])
      assert.ok((await gate.acquire({ flow, cost: 1000 })).admitted, JSON.stringify(flow.slice(0, 20)))
  })

  it('S3.5 more than a capacity, and options out of range, are named at once', async () => {
    const { gate } = make()
    assert.throws(() => gate.tryEnter({ cost: 1001 }), {
      message: /arrival\.cost: expected at most 1000, the capacity of llm\.tokens, got 1001/,
    })
    await assert.rejects(gate.take({ requests: 31 }), { message: /amounts\.requests: expected at most 30/ })
    assert.throws(() => gate.tryTake({ token: 1 } as never), { message: /amounts: expected one of requests, tokens/ })
    assert.throws(() => gate.adjust('tokens', Number.NaN), { message: /fleetBuckets\.adjust\.tokens/ })
    for (const [options, message] of [
      [{ onDown: 'maybe' as 'open' }, /fleetBuckets\.onDown: expected 'share', 'open' or 'closed', got "maybe"/],
      [{ lease: 1001 }, /fleetBuckets\.lease/],
      [{ deadline: 0 }, /fleetBuckets\.deadline/],
      [{ sessions: 0 }, /fleetBuckets\.sessions/],
      [{ maxTenants: 0 }, /fleetBuckets\.maxTenants/],
      [{ buckets: {} as typeof BUCKETS }, /fleetBuckets\.buckets: expected at least one/],
      [{ buckets: { ...BUCKETS, requests: { tokens: 0 } } }, /fleetBuckets\.buckets\.requests\.tokens/],
    ] as const)
      assert.throws(() => make(options), { name: 'RangeError', message })
  })
})

describe('S3.5 token buckets of a fleet whose coordinator is down', () => {
  for (const cut of ['silent', 'refuses'] as const) {
    it(`S3.5 ${cut}: closed lets in what is at hand, then nobody, and says why`, async () => {
      const { clock, line, gate } = make({ onDown: 'closed' })
      line.cut = cut
      const waiting = gate.acquire({ flow: 'a' }).catch((error: { code: string }) => error.code)
      await pass(clock, 250, 10)
      assert.equal(await waiting, 'breaker_open')
      assert.deepEqual([gate.state.health, gate.state.onDown, gate.health.value], ['down', 'closed', 'down'])
      assert.equal(gate.pressure.value.level, 1)
      const refused = gate.tryEnter({ flow: 'b' })
      assert.ok(!refused.admitted)
      assert.match(explain(refused), /^llm refused: the dependency is failing/)
      assert.ok(refused.retryAfter! > 0 && refused.retryAfter! <= 250)
      line.cut = 'no'
      await pass(clock, 250, 10)
      assert.equal(gate.state.health, 'up')
      assert.ok((await gate.acquire({ flow: 'a' })).admitted)
    })

    it(`S3.5 ${cut}: open lets everybody in; when it is over they have been counted, so there is no burst`, async () => {
      const { clock, line, gate } = make({ onDown: 'open' })
      line.cut = cut
      const permits: Promise<Permit>[] = []
      for (let count = 0; count < 100; count++) permits.push(gate.acquire({ flow: 'a', cost: 100 }))
      await pass(clock, 260, 10)
      await Promise.all(permits)
      assert.ok(gate.tryEnter({ flow: 'a', cost: 1000 }).admitted)
      line.cut = 'no'
      await pass(clock, 900, 10)
      assert.equal(gate.state.health, 'up')
      const [requests, tokens] = await left(clock, line, 'a')
      assert.ok(tokens! < 1000 && requests! < 31, `${tokens} tokens, ${requests} requests`)
      // At most a bucket is owed for what nobody could be asked about.
      assert.ok(tokens! >= 0)
    })

    it(`S3.5 ${cut}: share lets in this process's part; when it is over there is no burst`, async () => {
      const { clock, line, gate } = make({ onDown: 'share', sessions: 4 })
      line.cut = cut
      let admitted = 0
      for (let ms = 0; ms < 5000; ms += 5) {
        if (gate.tryEnter({ flow: 'a', cost: 10 }).admitted) admitted += 10
        await pass(clock, 5, 5)
      }
      // 0.8 of a quarter: 200 at once, and 200 a second.
      assert.ok(admitted >= 1000 && admitted <= 200 + 1000, `${admitted}`)
      line.cut = 'no'
      const start = clock.now()
      while (gate.state.health === 'down') await pass(clock, 10, 10)
      assert.ok(clock.now() - start <= 2500)
      const tokens = (await left(clock, line, 'a'))[1]!
      assert.ok(tokens <= 1000 - admitted + (clock.now() - start) + 600, `${tokens} left`)
    })
  }

  it('S3.5 whoever needs more than this process’s part is told to come back when it is tried again', async () => {
    const { clock, line, gate } = make({ onDown: 'share', sessions: 4, lease: 0 })
    line.cut = 'refuses'
    const arrival = { flow: 'a', cost: 500 }
    gate.tryEnter(arrival)
    await pass(clock, 5)
    assert.equal(gate.state.health, 'down')
    const refused = gate.tryEnter(arrival)
    assert.ok(!refused.admitted && refused.code === 'rate_limited')
    assert.ok(refused.retryAfter! >= 10 && refused.retryAfter! <= 250, `${refused.retryAfter}`)
    const waiting = gate.acquire(arrival)
    await pass(clock, 100, 10)
    line.cut = 'no'
    await pass(clock, 250, 10)
    assert.equal((await waiting).admitted, true)
  })

  it('S3.5 what is at hand goes on being used', async () => {
    const { clock, line, gate } = make({
      buckets: { requests: { tokens: 1e4, takes: 'one' }, tokens: { tokens: 1e5 } },
    })
    for (let ms = 0; ms < 300; ms++) {
      gate.tryEnter({ flow: 'a', cost: 10 })
      await pass(clock, 1)
    }
    const held = gate.status('a').tokens.held
    assert.ok(held > 100)
    line.cut = 'refuses'
    let admitted = 0
    for (let count = 0; count < held / 10 - 1; count++)
      if (gate.tryEnter({ flow: 'a', cost: 10 }).admitted) admitted += 10
    assert.ok(admitted >= held - 30, `${admitted} of ${held}`)
  })
})

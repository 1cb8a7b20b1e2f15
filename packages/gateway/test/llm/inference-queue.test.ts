import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { QueueWorld } from './queue-world.ts'

const NARROW = 'inflight: { tokens: 1000, count: 2, adaptive: false }'

describe('the queue before model servers', () => {
  it('S2.3 in progress are at most so many, and at most so many tokens', () => {
    const world = new QueueWorld(NARROW)
    const [a, b, c] = [world.ask(), world.ask(), world.ask()]
    assert.ok(a.turn && b.turn && !c.turn)
    a.turn.end({ input: 100, output: 100 }, 'done')
    assert.ok(c.turn)
    const wide = new QueueWorld('inflight: { tokens: 450, count: 10, adaptive: false }')
    const askers = Array.from({ length: 3 }, () => wide.ask({ input: 100, maxOutput: 100 }))
    assert.deepEqual(
      askers.map(({ turn }) => turn !== undefined),
      [true, true, false],
    )
    assert.equal(wide.queue.status.tokens, 400)
  })

  it('what never fits is refused at once, and says so', () => {
    const world = new QueueWorld(NARROW)
    const asker = world.ask({ input: 990, maxOutput: 20 })
    assert.equal(asker.refusal?.is, 'never')
    assert.match(asker.refusal.message, /^1010 tokens.* never fit into 1000$/)
  })

  it('S2.3 the highest band is first, and each lower one has its reserved part', () => {
    const world = new QueueWorld('inflight: { tokens: 200, adaptive: false }\nqueue: { reserve: 10 }')
    const served = { low: 0, high: 0 }
    const keep = (priority: 0 | 3): void => {
      const asker = world.ask({ tenant: String(priority), priority })
      asker.told = () => {
        served[priority === 3 ? 'high' : 'low']++
        keep(priority)
        world.clock.after(10, () => asker.turn!.end({ input: 100, output: 100 }, 'done'))
      }
      if (asker.turn !== undefined) asker.told()
    }
    for (let n = 0; n < 5; n++) {
      keep(3)
      keep(0)
    }
    world.clock.advance(11_000)
    const share = served.low / (served.low + served.high)
    // A tenth of what the others have: 1 of 11.
    assert.ok(share > 0.085 && share < 0.097, `${share}`)
    const strict = new QueueWorld('inflight: { tokens: 200, adaptive: false }\nqueue: { reserve: 0 }')
    const first = strict.ask()
    const [low, high] = [strict.ask({ priority: 0 }), strict.ask({ priority: 3 })]
    first.turn!.end(undefined, 'done')
    assert.ok(high.turn && !low.turn)
  })

  it('goes to the server with the fewest tokens in progress, and past one that is ill', () => {
    const world = new QueueWorld('inflight: { tokens: 1000, adaptive: false }', 3)
    const big = world.ask({ input: 800 })
    world.fit[1] = false
    for (let n = 0; n < 4; n++) world.ask({ input: 100 })
    assert.deepEqual(
      world.queue.servers.map(({ inflight }) => inflight),
      [1, 0, 4],
    )
    big.turn!.end(undefined, 'done')
    world.fit.fill(false)
    // Where all are ill all are asked.
    const last = world.ask()
    assert.ok(last.turn)
  })

  it('waits as long as it may, and no longer; who has left is not served', () => {
    const world = new QueueWorld(NARROW)
    const [a] = [world.ask(), world.ask()]
    const [late, left, next] = [world.ask({ patience: 500 }), world.ask(), world.ask()]
    world.clock.advance(499)
    assert.equal(late.refusal?.is, undefined)
    world.clock.advance(1)
    const told = late.refusal?.is as string | undefined
    assert.equal(told, 'late')
    world.queue.leave(left)
    world.queue.leave(left)
    a.turn!.end(undefined, 'done')
    assert.ok(next.turn && !left.turn && !left.refusal)
    assert.equal(world.queue.status.waiting, 0)
  })

  it('S2.6 a refusal says when: what is before, divided by the measured rate', () => {
    const world = new QueueWorld('inflight: { tokens: 200, adaptive: false }')
    // 300 of service each, one after the other, 100 ms each: 3 a ms.
    const keep = (): void => {
      const asker = world.ask()
      asker.told = () => void world.clock.after(100, () => asker.turn!.end({ input: 100, output: 100 }, 'done'))
      if (asker.turn !== undefined) asker.told()
    }
    for (let n = 0; n < 100; n++) keep()
    world.clock.advance(5000)
    assert.equal(world.queue.status.waiting, 49)
    const rate = world.queue.status.rate!
    assert.ok(Math.abs(rate - 3000) < 60, `${rate}`)
    const delay = world.queue.delayFor('a', 2)
    // 49 of 100 ms, and up to a quarter more.
    assert.ok(delay >= 4800 && delay <= 6250, `${delay}`)
    // A tenant that has nothing waiting is soon served: turns go by tenant.
    assert.ok(world.queue.delayFor('somebody else', 2) < 300)
    assert.equal(world.queue.delayFor('a', 3) < 150, true)
  })

  it('S2.3 429 is for who has more than its part, 503 for when there is no more', () => {
    const world = new QueueWorld(NARROW)
    for (let n = 0; n < 10; n++) world.ask({ tenant: 'greedy' })
    assert.equal(world.queue.fullFor('greedy', 2, '').is, 'full')
    world.ask({ tenant: 'modest' })
    assert.equal(world.queue.fullFor('greedy', 2, '').is, 'share')
    assert.equal(world.queue.fullFor('modest', 2, '').is, 'full')
  })

  it('whoever is least important goes so that others can come', () => {
    const world = new QueueWorld(NARROW)
    world.ask()
    world.ask()
    const low = world.ask({ priority: 0 })
    assert.equal(world.queue.evict('b', 0), false)
    assert.equal(world.queue.evict('b', 2), true)
    assert.equal(low.refusal?.is, 'full')
    const many = Array.from({ length: 3 }, () => world.ask({ tenant: 'greedy' }))
    assert.equal(world.queue.evict('b', 2), true)
    assert.ok(many[2]!.refusal)
    assert.equal(world.queue.evict('greedy', 2), false)
  })

  it('a failure waits before it tries again, at another server at once, before those who are new', () => {
    const world = new QueueWorld('inflight: { tokens: 1000, count: 1, adaptive: false }')
    const asker = world.ask()
    const other = world.ask()
    const first = asker.turn!
    asker.turn = undefined
    assert.equal(first.failed({ status: 503 }).retry, true)
    assert.ok(other.turn)
    world.queue.enter(asker, first)
    const newcomer = world.ask()
    world.clock.advance(400)
    other.turn.end(undefined, 'done')
    assert.ok(asker.turn !== undefined && newcomer.turn === undefined)
    const two = new QueueWorld(NARROW, 2)
    const moved = two.ask()
    const before = moved.turn!
    const from = two.queue.servers.findIndex(({ inflight }) => inflight === 1)
    before.failed({ status: 0 })
    two.queue.enter(moved, before)
    assert.equal(two.queue.servers[1 - from]!.inflight, 1)
  })

  it('leaving in the sleep before an attempt leaves nothing behind', () => {
    const world = new QueueWorld(NARROW)
    const asker = world.ask()
    const turn = asker.turn!
    asker.turn = undefined
    turn.failed({ status: 503 })
    world.queue.enter(asker, turn)
    world.queue.leave(asker)
    world.clock.advance(60_000)
    assert.equal(asker.turn, undefined)
    assert.deepEqual([world.queue.status.inflight, world.queue.status.waiting, world.clock.pending], [0, 0, 0])
  })

  it('calls that hang do not hold up the others for ever', () => {
    const world = new QueueWorld('inflight: { tokens: 1000000, count: 100 }')
    const all = Array.from({ length: 30 }, () => world.ask())
    const begun = (): number => all.filter(({ turn }) => turn !== undefined).length
    assert.equal(begun(), 20)
    world.clock.advance(5000)
    assert.equal(begun(), 30)
  })

  it('S2.3 how many wait for their first token follows the time to it', () => {
    // A server with 8 slots of 200 ms, of which 20 ms are to the first token; its own queue is endless.
    const world = new QueueWorld('inflight: { tokens: 1000000, count: 500 }')
    const [server] = world.queue.servers
    const inside: (() => void)[] = []
    let busy = 0
    let served = 0
    const start = (): void => {
      const next = inside.shift()
      if (next === undefined || busy >= 8) return void (next && inside.unshift(next))
      busy++
      next()
    }
    const keep = (): void => {
      const asker = world.ask()
      asker.told = () => {
        keep()
        inside.push(() => {
          world.clock.after(20, () => asker.turn!.began())
          world.clock.after(200, () => {
            busy--
            served++
            asker.turn!.end({ input: 100, output: 100 }, 'done')
            start()
          })
        })
        start()
      }
      if (asker.turn !== undefined) asker.told()
    }
    for (let n = 0; n < 40; n++) keep()
    world.clock.advance(60_000)
    const before = served
    world.clock.advance(60_000)
    const waiting = server!.inflight - busy
    assert.ok((served - before) / 2400 > 0.97, `served ${served - before} of 2400`)
    assert.ok(waiting <= 10, `${waiting} wait inside, the limit is ${server!.prefillLimit}`)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { QueueWorld, type TestAsker } from './queue-world.ts'

describe('S2.4 whoever leaves frees what it held', () => {
  it('100,000 who leave, in every phase, leave nothing behind', () => {
    const yaml = 'inflight: { tokens: 20000, count: 64 }\nqueue: { maxWait: 30s }'
    const world = new QueueWorld(yaml, 3, 7)
    const { queue, clock, random } = world
    const phases = { waiting: 0, asked: 0, answering: 0, sleeping: 0 }
    const open: TestAsker[] = []
    for (let n = 0; n < 100_000; n++) {
      const options = { tenant: `t${n % 50}`, priority: (n % 4) as 0 | 1 | 2 | 3, stream: n % 3 > 0 }
      open.push(world.ask({ ...options, input: Math.ceil(random() * 500), maxOutput: Math.ceil(random() * 1000) }))
      if (n % 7 === 0) clock.advance(random() * 20)
      while (open.length > 150) leave(open.splice(Math.floor(random() * open.length), 1)[0]!)
    }
    for (const asker of open) leave(asker)

    function leave(asker: TestAsker): void {
      const { turn } = asker
      if (turn === undefined) {
        if (asker.refusal === undefined) phases.waiting++
        return queue.leave(asker)
      }
      if (random() < 0.3) {
        phases.sleeping++
        turn.failed({ status: random() < 0.5 ? 0 : 503 })
        asker.turn = undefined
        queue.enter(asker, turn)
        if (asker.turn === undefined) return queue.leave(asker)
      } else if (random() < 0.5) {
        phases.answering++
        turn.began()
        turn.produced(Math.ceil(random() * 2000))
      } else phases.asked++
      const last = asker.turn!
      last.end({ output: 0 }, 'left')
      last.end({ output: 0 }, 'left')
    }

    const { waiting, inflight, tokens, backlog } = queue.status
    assert.deepEqual([waiting, inflight, tokens, Math.abs(backlog) < 1e-6], [0, 0, 0, true])
    for (const server of queue.servers) assert.deepEqual([server.inflight, server.tokens], [0, 0])
    assert.equal(clock.pending, 0)
    assert.ok(
      Object.values(phases).every((count) => count > 1000),
      JSON.stringify(phases),
    )
    // And there is as much room as before.
    assert.ok(world.ask().turn)
  })
})

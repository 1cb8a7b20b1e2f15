import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RejectedError, Rejection, seeded, semaphore, tokenBucket } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { FakeKafka } from './fake-kafka.ts'

const wide = { gate: semaphore({ permits: 1000 }) }

describe('kafkaConsumer', () => {
  it('S1.12 commits what is done and all before it, never what is done behind something that is not', async () => {
    const kafka = new FakeKafka({ ...wide, order: 'none' })
    await kafka.deliver('0:5', '0:6', '0:9', '1:0')
    await kafka.done('0:9')
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['commit 0:5'])
    await kafka.done('0:6')
    await kafka.pass(500)
    await kafka.done('0:5', '1:0')
    assert.deepEqual(kafka.said, ['commit 0:5'])
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['commit 0:5', 'commit 0:10', 'commit 1:1'])
    await kafka.pass(10_000)
    assert.equal(kafka.said.length, 3)
  })

  it('S1.12 has one commit on its way at a time, so that a lower offset cannot overtake a higher one', async () => {
    const kafka = new FakeKafka(wide)
    kafka.slowCommits = true
    await kafka.deliver('0:0', '0:1', '0:2')
    await kafka.done('0:0')
    await kafka.pass(500)
    await kafka.done('0:1')
    await kafka.pass(5000)
    assert.deepEqual(kafka.said, [])
    kafka.slowCommits = false
    kafka.answer!()
    await kafka.pass(0)
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['commit 0:1', 'commit 0:2'])
    kafka.slowCommits = true
    await kafka.done('0:2')
    const flushed = kafka.consumer.flush()
    await kafka.pass(0)
    await kafka.deliver('0:3', '0:4')
    await kafka.done('0:3')
    const both = [kafka.consumer.flush(), kafka.consumer.flush()]
    kafka.slowCommits = false
    kafka.answer!()
    await Promise.all([flushed, ...both])
    assert.deepEqual(kafka.said.slice(2), ['commit 0:3', 'commit 0:4'])
  })

  it('S1.12 a commit that fails is told, and made up for a second later with what is done by then', async () => {
    const kafka = new FakeKafka(wide)
    kafka.commitFails = true
    await kafka.deliver('0:0', '0:1')
    await kafka.done('0:0')
    await kafka.pass(500)
    assert.equal((kafka.errors[0] as Error).message, 'no coordinator')
    kafka.commitFails = false
    await kafka.done('0:1')
    await kafka.pass(999)
    assert.deepEqual(kafka.said, [])
    await kafka.pass(1)
    assert.deepEqual(kafka.said, ['commit 0:2'])
    kafka.commitFails = true
    await kafka.deliver('0:2')
    await kafka.done('0:2')
    await kafka.pass(500)
    kafka.commitFails = false
    await kafka.pass(1000)
    assert.deepEqual(kafka.said, ['commit 0:2', 'commit 0:3'])
  })

  it('keeps order within a partition, within a key, or not at all', async () => {
    const names = ['0:0:a', '0:1:b', '0:2:a', '1:0:a', '0:3', '0:4']
    for (const [order, first] of [
      ['partition', ['0:0', '1:0']],
      ['key', ['0:0', '0:1', '1:0', '0:3', '0:4']],
      ['none', ['0:0', '0:1', '0:2', '1:0', '0:3', '0:4']],
    ] as const) {
      const kafka = new FakeKafka({ ...wide, order })
      await kafka.deliver(...names)
      assert.deepEqual([...kafka.working.keys()], first)
      if (order !== 'none') {
        await kafka.done('0:0')
        assert.ok(kafka.working.has(order === 'key' ? '0:2' : '0:1'))
      }
    }
  })

  it('S0.3 S1.12 pauses one partition at the high mark and resumes it at the low one, once each', async () => {
    const kafka = new FakeKafka({ ...wide, buffer: 10 })
    await kafka.deliver(...Array.from({ length: 7 }, (_, offset) => `0:${offset}`), '1:0')
    assert.deepEqual(kafka.said, [])
    await kafka.deliver('0:7', '0:8')
    assert.deepEqual(kafka.said, ['pause 0'])
    for (let offset = 0; offset < 6; offset++) await kafka.done(`0:${offset}`)
    assert.deepEqual(kafka.said, ['pause 0'])
    await kafka.done('0:6')
    assert.deepEqual(kafka.said, ['pause 0', 'resume 0'])
    await kafka.done('0:7', '0:8')
    assert.deepEqual(kafka.said, ['pause 0', 'resume 0'])
  })

  it('S1.12 what is done behind something that is not still fills the buffer: a crash would repeat it', async () => {
    const kafka = new FakeKafka({ ...wide, order: 'none', buffer: 10 })
    await kafka.deliver(...Array.from({ length: 8 }, (_, offset) => `0:${offset}`))
    await kafka.done(...Array.from({ length: 7 }, (_, offset) => `0:${offset + 1}`))
    assert.deepEqual([kafka.consumer.stats.unfinished, kafka.said], [8, ['pause 0']])
    await kafka.done('0:0')
    assert.deepEqual([kafka.consumer.stats.unfinished, kafka.said], [0, ['pause 0', 'resume 0']])
  })

  it('a client that does not pause waits for room, and is told that we are alive meanwhile', async () => {
    const kafka = new FakeKafka({ ...wide, buffer: 2 })
    await kafka.deliver('0:0')
    let went = false
    void kafka.delivery('0:1').then(() => (went = true))
    await kafka.pass(9000)
    assert.deepEqual([went, kafka.beats], [false, 3])
    await kafka.done('0:0')
    assert.equal(went, true)
  })

  it('S1.12 heartbeats while there is work, by its own clock, and none when there is not', async () => {
    const kafka = new FakeKafka({ ...wide, heartbeatInterval: 1000 })
    await kafka.deliver('0:0')
    for (let second = 0; second < 10; second++) await kafka.pass(1000)
    assert.equal(kafka.beats, 10)
    await kafka.done('0:0')
    for (let second = 0; second < 10; second++) await kafka.pass(1000)
    assert.equal(kafka.beats, 10)
    await kafka.deliver('0:1')
    await kafka.pass(1000)
    assert.equal(kafka.beats, 11)
    const mute = new FakeKafka({ ...wide, heartbeatInterval: Infinity })
    await mute.deliver('0:0')
    await mute.pass(100_000)
    assert.equal(mute.beats, 0)
  })

  it('S1.12 a partition that is taken away: work is called off, nothing of it is committed, its pause is undone', async () => {
    const kafka = new FakeKafka({ ...wide, buffer: 4 })
    await kafka.deliver('0:0', '0:1', '0:2', '0:3', '1:0')
    await kafka.done('0:0')
    await kafka.deliver('0:4')
    const [lost, kept] = [kafka.working.get('0:1')!, kafka.working.get('1:0')!]
    await kafka.assigned(1, 2)
    assert.deepEqual(kafka.said, ['pause 0', 'resume 0'])
    assert.deepEqual([lost.signal.aborted, kept.signal.aborted], [true, false])
    await lost.done()
    await kept.done()
    await kafka.pass(500)
    assert.deepEqual(kafka.said.slice(2), ['commit 1:1'])
    assert.deepEqual([kafka.consumer.stats.revoked, kafka.consumer.stats.done], [4, 2])
    // What a fetch on its way still brings is somebody else's.
    await kafka.deliver('0:5')
    assert.equal(kafka.working.size, 0)
    // And when it comes back it begins anew, wherever the other has got to.
    await kafka.assigned(0, 1)
    await kafka.deliver('0:2')
    await kafka.done('0:2')
    await kafka.pass(500)
    assert.equal(kafka.said.at(-1), 'commit 0:3')
  })

  it('S1.12 a partition that is kept: what is delivered again is done once, and committed anew', async () => {
    const kafka = new FakeKafka({ ...wide, order: 'none', buffer: 5 })
    await kafka.assigned(0)
    await kafka.deliver('0:0', '0:1', '0:2', '0:3')
    await kafka.done('0:0', '0:2')
    await kafka.rebalancing()
    assert.deepEqual(kafka.said, ['pause 0', 'commit 0:1'])
    // A client that has begun anew has forgotten what was paused.
    await kafka.assigned(0)
    assert.equal(kafka.said.at(-1), 'pause 0')
    await kafka.deliver('0:1', '0:2', '0:3', '0:4')
    assert.deepEqual([...kafka.working.keys()], ['0:1', '0:3', '0:4'])
    assert.equal(kafka.consumer.stats.repeated, 3)
    await kafka.pass(500)
    assert.equal(kafka.said.at(-1), 'commit 0:1')
    await kafka.done('0:1', '0:3', '0:4')
    await kafka.pass(500)
    assert.deepEqual(kafka.said.slice(-2), ['resume 0', 'commit 0:5'])
  })

  it('a client that goes back of its own accord gets it all done again', async () => {
    const kafka = new FakeKafka({ ...wide, order: 'none' })
    await kafka.assigned(0)
    await kafka.deliver('0:0', '0:1', '0:2')
    await kafka.done('0:0')
    const before = kafka.working.get('0:1')!
    await kafka.deliver('0:1', '0:2')
    await before.done()
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['commit 0:1'])
    await kafka.done('0:1')
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['commit 0:1', 'commit 0:2'])
  })

  it('S1.12 work that fails is done again, later and later; the partition waits for it', async () => {
    const kafka = new FakeKafka(wide)
    await kafka.deliver('0:0', '0:1')
    for (const delay of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      await kafka.working.get('0:0')!.fail(new Error('sink'))
      assert.equal(kafka.working.size, 0)
      await kafka.pass(delay - 1)
      assert.equal(kafka.working.size, 0)
      await kafka.pass(1)
      assert.ok(kafka.working.has('0:0'))
    }
    assert.deepEqual([kafka.consumer.stats.failed, kafka.errors.length], [7, 7])
    await kafka.done('0:0')
    assert.ok(kafka.working.has('0:1'))
  })

  it('what the user says becomes of a failure happens; a judge that breaks costs no message', async () => {
    const seen: unknown[] = []
    const kafka = new FakeKafka({
      ...wide,
      giveUp: async (error, { offset }, attempts) => {
        seen.push([(error as Error).message, offset, attempts])
        if (attempts === 1) throw new Error('dead-letter topic is down')
        return true
      },
    })
    await kafka.deliver('0:0', '0:1')
    await kafka.working.get('0:0')!.fail(new Error('poison'))
    await kafka.pass(1000)
    await kafka.working.get('0:0')!.fail(new Error('poison'))
    assert.ok(kafka.working.has('0:1'))
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['commit 0:1'])
    assert.deepEqual(seen, [
      ['poison', '0', 1],
      ['poison', '0', 2],
    ])
    assert.equal(kafka.consumer.stats.givenUp, 1)
  })

  it('S1.12 refusals are no failures: from our own gate and from one further in, work waits until it may come back', async () => {
    const clock = new VirtualClock()
    const kafka = new FakeKafka({ gate: tokenBucket({ tokens: 1, per: 10_000, clock }), order: 'none' }, clock)
    await kafka.deliver('0:0', '0:1', '0:2')
    assert.deepEqual([...kafka.working.keys()], ['0:0'])
    await kafka.done('0:0')
    assert.equal(kafka.consumer.stats.refused, 1)
    await kafka.pass(10_000)
    assert.deepEqual([...kafka.working.keys()], ['0:1'])
    await kafka.working.get('0:1')!.fail(new RejectedError(new Rejection('breaker_open', 'sink', 1, 0, 3000)))
    assert.deepEqual([kafka.consumer.stats.failed, kafka.consumer.stats.refused], [0, 3])
    await kafka.pass(20_000)
    assert.equal(kafka.working.size, 1)
  })

  it('S1.12 work refused further in is done again when that gate said so', async () => {
    const kafka = new FakeKafka(wide)
    await kafka.deliver('0:0')
    await kafka.working.get('0:0')!.fail(new RejectedError(new Rejection('breaker_open', 'sink', 1, 0, 3000)))
    await kafka.pass(2999)
    assert.equal(kafka.working.size, 0)
    await kafka.pass(1)
    assert.equal(kafka.working.size, 1)
  })

  it('a partition that is taken away while a failure is judged is left alone', async () => {
    let judge: ((answer: boolean) => void) | undefined
    const kafka = new FakeKafka({
      ...wide,
      buffer: 1,
      giveUp: () => new Promise<boolean>((resolve) => (judge = resolve)),
    })
    await kafka.deliver('0:0')
    await kafka.working.get('0:0')!.fail(new Error('poison'))
    await kafka.assigned(1)
    judge!(true)
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['pause 0', 'resume 0'])
  })

  it('S1.12 a gate without a queue is asked once for each slot that comes free, not for each message', async () => {
    const kafka = new FakeKafka({ gate: semaphore({ permits: 3 }), order: 'none', buffer: 500 })
    await kafka.deliver(...Array.from({ length: 300 }, (_, offset) => `0:${offset}`))
    for (let offset = 0; offset < 300; offset++) {
      assert.equal(kafka.working.size, Math.min(3, 300 - offset))
      await kafka.done(`0:${offset}`)
    }
    assert.equal(kafka.consumer.stats.refused, 1)
  })

  it('work out of time is a failure, and its signal is aborted', async () => {
    const clock = new VirtualClock()
    const kafka = new FakeKafka({ gate: semaphore({ permits: 1, clock }), timeout: 2000 }, clock)
    await kafka.deliver('0:0')
    const { signal } = kafka.working.get('0:0')!
    await kafka.pass(2000)
    assert.deepEqual([signal.aborted, kafka.consumer.stats.failed], [true, 1])
  })

  it('S1.10 S1.12 drain: what is at work ends and is committed, what waits is not begun, nothing new is taken', async () => {
    const kafka = new FakeKafka(wide)
    await kafka.deliver('0:0', '0:1', '1:0')
    const drained = kafka.consumer.drain()
    await kafka.deliver('0:2', '2:0')
    assert.deepEqual(kafka.said, ['pause 0', 'pause 1'])
    await kafka.done('0:0', '1:0')
    assert.deepEqual(await drained, { cutOff: 0 })
    assert.deepEqual(kafka.said.slice(2), ['commit 0:1', 'commit 1:1'])
    assert.equal(kafka.working.size, 0)
    assert.equal(kafka.clock.pending, 0)
  })

  it('S1.10 draining resumes nothing, and waits for nothing that is to be tried again', async () => {
    const kafka = new FakeKafka({ ...wide, order: 'none', buffer: 4, lowWater: 0.5 })
    await kafka.deliver('0:0', '0:1', '0:2', '0:3')
    await kafka.working.get('0:3')!.fail(new Error('sink'))
    const drained = kafka.consumer.drain()
    await kafka.done('0:0', '0:1', '0:2')
    assert.deepEqual(await drained, { cutOff: 0 })
    assert.deepEqual(kafka.said, ['pause 0', 'commit 0:3'])
    assert.equal(kafka.clock.pending, 0)
  })

  it('S1.10 drain does not wait for ever: work is called off and not committed', async () => {
    const kafka = new FakeKafka(wide)
    await kafka.deliver('0:0', '1:0')
    const drained = kafka.consumer.drain({ timeout: 5000 })
    await kafka.done('1:0')
    const { signal } = kafka.working.get('0:0')!
    await kafka.pass(4999)
    assert.equal(signal.aborted, false)
    await kafka.pass(1)
    assert.equal(signal.aborted, true)
    assert.deepEqual(await drained, { cutOff: 1 })
    assert.deepEqual(kafka.said.slice(2), ['commit 0:0', 'commit 1:1'].slice(kafka.said.length === 4 ? 0 : 1))
  })

  it('S1.10 drain does not wait for a broker that does not answer', async () => {
    const kafka = new FakeKafka(wide)
    kafka.slowCommits = true
    await kafka.deliver('0:0')
    await kafka.done('0:0')
    const drained = kafka.consumer.drain()
    await kafka.pass(0)
    await kafka.pass(5000)
    assert.deepEqual(await drained, { cutOff: 0 })
  })

  it('a client that is being restarted and cannot be told to pause loses nothing', async () => {
    const kafka = new FakeKafka({ ...wide, buffer: 2 })
    kafka.breaks = true
    await kafka.deliver('0:0', '0:1')
    await kafka.done('0:0', '0:1')
    await kafka.pass(500)
    assert.deepEqual(kafka.said, ['commit 0:2'])
    assert.equal(kafka.errors.length, 2)
  })

  it('S1.12 whatever happens, nothing is committed before it is done; control: a commit of the latest done is seen', async () => {
    for (const [name, mayBeEarly] of [
      ['sluice', false],
      ['the latest done', true],
    ] as const) {
      const random = seeded(11)
      let early = 0
      for (let run = 0; run < 40; run++) {
        const kafka = new FakeKafka({ ...wide, order: run % 2 === 0 ? 'none' : 'partition', buffer: 8 })
        const done = new Map<number, Set<number>>([
          [0, new Set()],
          [1, new Set()],
        ])
        const next = [0, 0]
        let checked = 0
        const check = (partition: number, offset: number): void => {
          for (let below = 0; below < offset; below++) if (!done.get(partition)!.has(below)) early++
        }
        for (let step = 0; step < 60; step++) {
          const dice = random()
          const partition = Math.floor(random() * 2)
          if (dice < 0.45) await kafka.deliver(`${partition}:${next[partition]!++}`)
          else if (dice < 0.8) {
            const names = [...kafka.working.keys()]
            const work = names[Math.floor(random() * names.length)]
            if (work === undefined) continue
            const [at, offset] = work.split(':').map(Number) as [number, number]
            done.get(at)!.add(offset)
            await kafka.done(work)
            if (mayBeEarly) check(at, offset + 1)
          } else if (dice < 0.9) await kafka.pass(500)
          else {
            // The group meets, and each partition begins again at what was committed.
            const ours = [0, 1].filter(() => random() < 0.7)
            await kafka.assigned(...ours)
            for (const at of ours) next[at] = committed(kafka.said, at)
          }
          for (; checked < kafka.said.length; checked++) {
            const [, at, offset] = /^commit (\d+):(\d+)$/.exec(kafka.said[checked]!) ?? []
            if (at !== undefined) check(Number(at), Number(offset))
          }
        }
      }
      assert.equal(early > 0, mayBeEarly, `${name}: ${early} early`)
    }
  })

  it('says what is wrong with an option', () => {
    for (const options of [
      { buffer: 0 },
      { highWater: 2 },
      { lowWater: 0.9 },
      { order: 'topic' as 'key' },
      { commitInterval: -1 },
      { retryDelay: 0 },
      { timeout: 0 },
      { heartbeatInterval: 0 },
    ])
      assert.throws(() => new FakeKafka(options), RangeError, JSON.stringify(options))
  })
})

function committed(said: readonly string[], partition: number): number {
  const last = said.findLast((word) => word.startsWith(`commit ${partition}:`))
  return last === undefined ? 0 : Number(last.split(':')[1])
}

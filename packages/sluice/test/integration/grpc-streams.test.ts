import assert from 'node:assert/strict'
import type { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { status } from '@grpc/grpc-js'
import { semaphore } from '../../src/index.ts'
import { loadReportOf, serverChannelOptions, writeAll } from '../../src/grpc/index.ts'
import { gated } from './grpc-gates.ts'
import { Caller, PATHS, serving, start, type Handlers, type Note } from './grpc-loopback.ts'
import { until } from './waiting.ts'

describe('sluice/grpc, load reports', () => {
  it('each answer says how full the gate is and how many calls a second there are', async () => {
    const gate = semaphore({ permits: 8 })
    const held = [await gate.acquire(), await gate.acquire(), await gate.acquire()]
    const server = { ...gated({ gate }), ...serverChannelOptions() }
    await serving({ server }, async (caller) => {
      let report = loadReportOf((await caller.ask('feed')).metadata)
      assert.equal(report?.applicationUtilization, 0.5)
      for (let count = 0; count < 20; count++) report = loadReportOf((await caller.ask('unary')).metadata)
      assert.ok(report!.rps! > 1 && report!.rps! <= 4.2, `21 calls within 5 s are some 4 a second, not ${report!.rps}`)
      while (gate.stats.inflight < 8) held.push(await gate.acquire())
      const refused = await caller.ask('unary')
      assert.equal(refused.code, status.UNAVAILABLE)
      assert.equal(loadReportOf(refused.metadata)?.applicationUtilization, 1, 'whoever is refused learns it, too')
    })
  })

  it('what a handler records beside comes along; without the channel option nothing does', async () => {
    const handlers: Handlers = {
      unary: (call, answer) => {
        const recorder = call.getMetricsRecorder()
        recorder.recordCPUUtilizationMetric(0.25)
        recorder.recordMemoryUtilizationMetric(0.75)
        recorder.recordEpsMetric(1.5)
        recorder.recordRequestCostMetric('rows', 123)
        recorder.recordUtilizationMetric('disk', 0.5)
        recorder.recordNamedMetric('temperature', -4)
        answer(null, call.request)
      },
    }
    const gate = semaphore({ permits: 2 })
    await serving({ handlers, server: { ...gated({ gate }), ...serverChannelOptions() } }, async (caller) => {
      const { rps, ...report } = loadReportOf((await caller.ask('unary')).metadata)!
      assert.ok(rps! > 0)
      assert.deepEqual(JSON.parse(JSON.stringify(report)), {
        requestCost: { rows: 123 },
        utilization: { disk: 0.5 },
        namedMetrics: { temperature: -4 },
        cpuUtilization: 0.25,
        memUtilization: 0.75,
        eps: 1.5,
        applicationUtilization: 0.5,
      })
    })
    await serving({ handlers, server: gated({ gate }) }, async (caller) => {
      assert.equal(loadReportOf((await caller.ask('unary')).metadata), undefined)
    })
  })
})

describe('sluice/grpc, streams', () => {
  async function mostAtOnce(options: Parameters<typeof serverChannelOptions>[0]): Promise<number> {
    let live = 0
    let most = 0
    let served = 0
    const handlers: Handlers = {
      unary: ({ request }, answer) => {
        most = Math.max(most, ++live)
        setTimeout(() => {
          live--
          served++
          answer(null, request)
        }, 5)
      },
    }
    const gate = semaphore({ permits: 1000 })
    await serving({ handlers, server: { ...gated({ gate }), ...serverChannelOptions(options) } }, async (caller) => {
      // The client learns the limit with the first answer.
      await caller.ask('unary')
      await Promise.all(Array.from({ length: 40 }, () => caller.ask('unary')))
    })
    assert.equal(served, 41)
    return most
  }

  it('S1.11 maxConcurrentStreams holds one connection to so many calls; control: without it all come at once', async () => {
    assert.equal(await mostAtOnce({ maxConcurrentStreams: 3 }), 3)
    assert.ok((await mostAtOnce({})) > 30)
  })

  /** Feeds a client that reads nothing, and says how many messages were made before it was cancelled. */
  async function madeFor(
    feed: (call: Parameters<NonNullable<Handlers['feed']>>[0], made: () => Note) => void,
  ): Promise<number> {
    let made = 0
    const text = 'x'.repeat(10_000)
    const make = (): Note => {
      made++
      return { text }
    }
    const running = await start({ feed: (call) => feed(call, make) }, {})
    const caller = new Caller(running.port)
    try {
      const call = caller.client.makeServerStreamRequest(
        PATHS.feed,
        (note: Note) => Buffer.from(JSON.stringify(note)),
        (bytes) => JSON.parse(bytes.toString()) as Note,
        { text: 'a' },
      )
      call.on('error', () => undefined)
      // One that never began to read takes everything in, with grpc-js: it pauses its stream with the first message.
      call.once('data', () => call.pause())
      await until('it has begun', () => made > 0)
      let before = -1
      for (let looks = 0; looks < 50 && before !== made; looks++) {
        before = made
        const since = Date.now()
        await until('some time is over', () => Date.now() - since > 20)
      }
      call.cancel()
      return made
    } finally {
      caller.close()
      running.close()
    }
  }

  it('writeAll makes no more than a slow client takes; control: writing on makes everything at once', async () => {
    const endless = function* (make: () => Note): Generator<Note> {
      for (let count = 0; count < 5000; count++) yield make()
    }
    const held = await madeFor((call, make) => void writeAll(call, endless(make)))
    const careless = await madeFor((call, make) => {
      for (const note of endless(make)) call.write(note)
    })
    assert.ok(held < 500, `${held} messages made for nobody`)
    assert.equal(careless, 5000)
  })

  it('writeAll writes everything in order to one who reads, from any source', async () => {
    const sources: readonly (AsyncIterable<Note> | Iterable<Note>)[] = [
      Array.from({ length: 300 }, (_, index) => ({ text: String(index) })),
      (async function* () {
        for (let index = 0; index < 300; index++) yield { text: String(index) }
      })(),
    ]
    for (const source of sources) {
      const handlers: Handlers = {
        feed: (call) => void writeAll(call, source).then((all) => all && call.end()),
      }
      await serving({ handlers }, async (caller) => {
        const { code, texts } = await caller.ask('feed')
        assert.equal(code, status.OK)
        assert.deepEqual(
          texts,
          Array.from({ length: 300 }, (_, index) => String(index)),
        )
      })
    }
  })

  it('S2.4 a client that leaves ends the source at once, even while that is at work', async () => {
    let aborted = false
    let all: boolean | undefined
    const handlers: Handlers = {
      feed: (call) =>
        void writeAll(call, async function* (signal) {
          yield { text: 'first' }
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
          aborted = true
        }).then((result) => (all = result)),
    }
    const gate = semaphore({ permits: 1 })
    await serving({ handlers, server: gated({ gate }) }, async (caller) => {
      const open = caller.open('feed')
      await new Promise((resolve) => (open.call as Readable).on('data', resolve))
      open.cancel()
      await open.ended
      await until('the source was told', () => aborted && all === false)
      assert.equal(gate.stats.inflight, 0)
    })
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { semaphore } from '../../src/gate/index.ts'
import { isRejection, RejectedError, Rejection, type Outcome, type Permit } from '../../src/ground/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { DisconnectedError } from '../../src/flows/disconnected-error.ts'
import { ndjson } from '../../src/flows/ndjson.ts'
import type { LagPolicy, Reader, ReaderOptions, ReaderStats } from '../../src/flows/reader.ts'
import { sse } from '../../src/flows/sse.ts'
import { stream } from '../../src/flows/stream.ts'
import { FakeSocket, stateOf, turn } from './fakes.ts'

interface Rig {
  readonly socket: FakeSocket
  readonly clock: VirtualClock
  readonly reader: Reader<unknown>
  readonly told: string[]
}

/** A reader of lines whose socket takes one message and then asks to wait. */
function rig(options: Partial<ReaderOptions<unknown>> & { readonly policy: LagPolicy }): Rig {
  const socket = new FakeSocket(1)
  const clock = new VirtualClock(1000)
  const told: string[] = []
  const reader = ndjson(socket, {
    clock,
    capacity: 3,
    onDrop: (message, reason) => told.push(`${JSON.stringify(message)} ${reason}`),
    onEnd: ({ how }) => told.push(how),
    ...options,
  })
  return { socket, clock, reader, told }
}

/** Every message is accounted for. */
function balanced({ pushed, sent, waiting, senders, dropped }: ReaderStats): void {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  assert.equal(pushed, sent + waiting + senders + lost)
}

describe('a reader', () => {
  const overflows: readonly (readonly [policy: LagPolicy, answers: string, lost: string[], written: string])[] = [
    ['block', 'ok pause pause pause reject reject', ['4 full', '5 full'], '0 1 2 3'],
    ['drop-oldest', 'ok pause pause pause pause pause', ['1 oldest', '2 oldest'], '0 3 4 5'],
    ['coalesce', 'ok pause pause pause pause pause', [1, 2, 3, 4].map((n) => `${n} coalesced`), '0 5'],
    [
      'disconnect',
      'ok pause pause pause reject reject',
      ['4 disconnected', '1 disconnected', '2 disconnected', '3 disconnected', 'disconnected', '5 closed'],
      '0',
    ],
  ]
  for (const [policy, answers, lost, written] of overflows)
    it(`S2.4 ${policy}: what a slow reader does not get, and that somebody knows`, async () => {
      const { socket, reader, told } = rig({ policy })
      assert.equal([0, 1, 2, 3, 4, 5].map((n) => reader.push(n)).join(' '), answers)
      assert.deepEqual(told, lost)
      balanced(reader.stats)
      await socket.drain()
      assert.equal(socket.text.trim().split('\n').join(' '), written)
      balanced(reader.stats)
      assert.equal(reader.stats.waiting, 0)
    })

  it('S2.4 bounds what waits by bytes, too, and refuses what would never fit', () => {
    const { reader, told } = rig({ policy: 'drop-oldest', capacity: 100, maxBytes: 8 })
    // Each is four bytes, quotes and line break included; the socket has the first.
    for (const text of ['a', 'b', 'c']) reader.push(text)
    assert.equal(reader.stats.waitingBytes, 8)
    reader.push('d')
    assert.deepEqual(told, ['"b" oldest'])
    reader.push('efgh')
    assert.deepEqual(told, ['"b" oldest', '"c" oldest', '"d" oldest'])
    assert.equal(reader.push('far too long'), 'reject')
    assert.equal(told.at(-1), '"far too long" too-large')
    assert.ok(reader.stats.waitingBytes <= 8)
    balanced(reader.stats)
  })

  it('S2.4 coalesce keeps the newest about each key, in the place of the older, and drops the oldest key when full', async () => {
    const price = (symbol: string, value: number): unknown => ({ symbol, value })
    const { socket, reader, told } = rig({
      policy: 'coalesce',
      key: (message) => (message as { symbol: string }).symbol,
    })
    for (const [symbol, value] of [
      ['X', 0],
      ['A', 1],
      ['B', 2],
      ['A', 3],
      ['C', 4],
      ['D', 5],
    ] as const)
      reader.push(price(symbol, value))
    assert.deepEqual(told, ['{"symbol":"A","value":1} coalesced', '{"symbol":"A","value":3} oldest'])
    reader.push(price('B', 6))
    await socket.drain()
    assert.equal(socket.text.match(/"value":\d/g)!.join(' '), '"value":0 "value":6 "value":4 "value":5')
    balanced(reader.stats)
  })

  it('S2.4 coalesce forgets the keys that went, whose places others have now', async () => {
    const { socket, reader } = rig({ policy: 'coalesce', key: (message) => Math.floor(Number(message)) })
    // Many times around the ring; then one whose place was taken long ago.
    for (let n = 0; n <= 20; n++) reader.push(n)
    reader.push(12)
    reader.push(20.5)
    await socket.drain()
    assert.equal(socket.text, '0\n19\n20.5\n12\n')
    balanced(reader.stats)
  })

  it('S2.4 coalesce may merge, as text grows; what outgrows the bound drops the oldest', async () => {
    const { socket, reader, told } = rig({
      policy: 'coalesce',
      maxBytes: 8,
      merge: (waiting, message) => `${String(waiting)}${String(message)}`,
    })
    for (const text of ['x', 'a', 'b', 'c']) reader.push(text)
    assert.deepEqual(told, ['"a" coalesced', '"ab" coalesced'])
    reader.push('defg')
    assert.equal(told.at(-1), '"abc" oldest')
    await socket.drain()
    assert.equal(socket.text, '"x"\n"defg"\n')
    balanced(reader.stats)
  })

  it('S2.4 block slows the producer: send waits for room, in order', async () => {
    const { socket, reader } = rig({ policy: 'block', capacity: 1 })
    assert.equal(reader.send(0), undefined)
    assert.equal(reader.send(1), undefined)
    const waits = [reader.send(2), reader.send(3)]
    assert.equal(await stateOf(waits[0]), 'pending')
    assert.equal(reader.stats.senders, 2)
    assert.equal(reader.push(9), 'reject', 'nobody overtakes')
    await socket.drain()
    assert.equal(await stateOf(waits[1]), 'settled')
    assert.equal(socket.text, '0\n1\n2\n3\n')
    balanced(reader.stats)
  })

  it('S2.4 send says why a message is not in', async () => {
    const { reader, socket } = rig({ policy: 'block', maxBytes: 4, capacity: 1 })
    const large = await stateOf(reader.send('too large'))
    assert.ok(large instanceof RejectedError && large.code === 'queue_full')
    void reader.send(0)
    void reader.send(1)
    const waiting = reader.send(2)
    socket.destroy(new Error('reset'))
    assert.match(String(await stateOf(waiting)), /reset/)
    assert.match(String(await stateOf(reader.send(3))), /reset/)
    balanced(reader.stats)
    assert.deepEqual(
      { ...reader.stats.dropped },
      { oldest: 0, coalesced: 0, 'too-large': 1, full: 0, disconnected: 0, left: 2, closed: 1 },
    )
    const { reader: ended } = rig({ policy: 'block' })
    void ended.end()
    const closed = await stateOf(ended.send(1))
    assert.ok(closed instanceof RejectedError && closed.code === 'closed')
  })

  it('S2.4 hands the socket no more than it asks for', async () => {
    const socket = new FakeSocket(100)
    const reader = ndjson(socket, { policy: 'drop-oldest', clock: new VirtualClock() })
    for (let n = 0; n < 10_000; n++) reader.push('0123456789')
    assert.ok(socket.writableLength <= 100 + 13, `${socket.writableLength} bytes in the socket`)
    assert.equal(reader.stats.held, socket.writableLength)
    assert.equal(reader.stats.waiting, 64)
    await socket.drain()
    balanced(reader.stats)
  })

  it('S2.4 a reader that leaves is noticed at once, whatever waits is counted', async () => {
    const { socket, reader, told } = rig({ policy: 'drop-oldest' })
    const { signal } = reader
    for (const n of [0, 1, 2]) reader.push(n)
    socket.destroy()
    await turn()
    assert.equal(signal.aborted, true)
    assert.match(String(signal.reason), /closed before it was finished/)
    assert.deepEqual(told, ['1 left', '2 left', 'left'])
    assert.equal(reader.push(3), 'reject')
    assert.deepEqual(told.slice(3), ['3 closed'])
    balanced(reader.stats)
    assert.equal(reader.signal, signal)
    const late: string[] = []
    reader.onEnd(({ how }) => late.push(how))
    assert.deepEqual(late, ['left'])
    assert.match(String(await stateOf(reader.end())), /closed before it was finished/)
  })

  it('S2.4 end writes what waits, and takes no more', async () => {
    const { socket, clock, reader, told } = rig({ policy: 'drop-oldest' })
    for (const n of [0, 1, 2]) reader.push(n)
    const ended = reader.end()
    assert.equal(reader.closed, true)
    assert.equal(reader.push(3), 'reject')
    assert.equal(await stateOf(ended), 'pending')
    await socket.drain()
    assert.equal(await stateOf(ended), 'settled')
    assert.equal(socket.text, '0\n1\n2\n')
    assert.deepEqual(told, ['3 closed', 'finished'])
    assert.equal(reader.signal.aborted, false)
    assert.equal(await stateOf(reader.end()), 'settled')
    assert.equal(clock.pending, 0)
    balanced(reader.stats)
  })

  it('S2.4 whoever takes nothing for too long is disconnected, also at the end', async () => {
    for (const ending of [false, true]) {
      const { socket, clock, reader, told } = rig({ policy: 'drop-oldest', maxStall: 1000 })
      reader.push(0)
      if (!ending) reader.push(1)
      clock.advance(600)
      await socket.drain()
      reader.push(2)
      if (ending) {
        await socket.drain()
        reader.push(3)
        void reader.end()
      }
      clock.advance(900)
      assert.equal(socket.destroyed, false)
      clock.advance(200)
      assert.equal(socket.destroyed, true)
      assert.equal(told.at(-1), 'disconnected')
      assert.match(String(reader.signal.reason), /ndjson was disconnected: stalled/)
      assert.equal(clock.pending, 0)
    }
  })

  it('S2.4 whoever has read all is not stalled, however long nothing comes', async () => {
    const { socket, clock, reader } = rig({ policy: 'drop-oldest', maxStall: 1000 })
    reader.push(0)
    await socket.drain()
    clock.advance(100_000)
    assert.equal(reader.closed, false)
    assert.equal(clock.pending, 0)
  })

  it('S2.4 the lag is the age of the oldest that waits', async () => {
    const { socket, clock, reader } = rig({ policy: 'drop-oldest' })
    reader.push(0)
    reader.push(1)
    clock.advance(250)
    reader.push(2)
    assert.equal(reader.stats.lag, 250)
    await socket.drain()
    assert.equal(reader.stats.lag, 0)
  })

  it('listeners that throw surface by themselves, and spoil nothing', () => {
    const { clock, reader } = rig({
      policy: 'drop-oldest',
      onDrop: () => {
        throw new Error('a listener')
      },
    })
    for (let n = 0; n < 6; n++) reader.push(n)
    assert.throws(() => clock.advance(1), /a listener/)
    balanced(reader.stats)
  })

  it('refuses what makes no sense', () => {
    const wrong: readonly (readonly [RegExp, Record<string, unknown>])[] = [
      [/reader\.policy/, { policy: undefined }],
      [/reader\.policy/, { policy: 'drop-newest' }],
      [/reader\.capacity/, { capacity: 0 }],
      [/reader\.capacity/, { capacity: Infinity }],
      [/reader\.maxBytes/, { maxBytes: 0.5 }],
      [/reader\.maxStall/, { maxStall: 0 }],
      [/reader\.grace/, { grace: -1 }],
    ]
    for (const [field, options] of wrong)
      assert.throws(() => ndjson(new FakeSocket(), { policy: 'block', ...options }), field)
    assert.throws(() => sse(new FakeSocket(), { policy: 'block', heartbeat: 0 }), /reader\.heartbeat/)
  })

  it('S2.4 property: what was accepted is delivered in order exactly once, or counted; never above the bounds', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant('push' as const), size: fc.integer({ min: 1, max: 30 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('send' as const), size: fc.integer({ min: 1, max: 30 }) }),
      },
      { weight: 2, arbitrary: fc.constant({ kind: 'drain' as const, size: 0 }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'turn' as const, size: 0 }) },
    )
    const policy = fc.constantFrom<LagPolicy>('block', 'coalesce', 'drop-oldest', 'disconnect')
    const last = fc.constantFrom('end', 'leave', 'disconnect')
    await fc.assert(
      fc.asyncProperty(
        policy,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 10, max: 80 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(step, { maxLength: 40 }),
        last,
        async (policy, capacity, maxBytes, highWaterMark, steps, last) => {
          const socket = new FakeSocket(highWaterMark)
          const lost = new Set<number>()
          const idOf = (message: unknown): number => (message as { id: number }).id
          const reader = ndjson(socket, {
            policy,
            capacity,
            maxBytes,
            clock: new VirtualClock(),
            key: (message) => idOf(message) % 3,
            onDrop: (message) => {
              assert.ok(!lost.has(idOf(message)), 'lost twice')
              lost.add(idOf(message))
            },
          })
          const check = (): void => {
            const { stats } = reader
            balanced(stats)
            assert.ok(stats.waiting <= capacity && stats.waitingBytes <= maxBytes)
            assert.ok(stats.held <= highWaterMark + maxBytes)
          }
          let id = 0
          for (const { kind, size } of steps) {
            const message = { id, pad: 'p'.repeat(size) }
            if (kind === 'push') reader.push(message)
            else if (kind === 'send') void reader.send(message)
            else if (kind === 'drain') await socket.drain()
            else await turn()
            if (kind === 'push' || kind === 'send') id++
            check()
          }
          if (last === 'leave') socket.destroy()
          else if (last === 'disconnect') reader.disconnect()
          else {
            const ended = reader.end()
            ended.catch(() => {})
            await socket.drain()
          }
          await turn()
          check()
          const { stats } = reader
          assert.equal(stats.pushed, id)
          assert.equal(stats.waiting + stats.senders, 0)
          // Handed over in the order it came, each once, and everything else told as lost. What lay in the socket when
          // it was destroyed was sent as far as anybody here can know.
          const written = socket.text
            .split('\n')
            .filter(Boolean)
            .map((line) => idOf(JSON.parse(line)))
          assert.equal(new Set(written).size, written.length)
          if (policy !== 'coalesce')
            assert.deepEqual(
              written,
              [...written].sort((a, b) => a - b),
            )
          for (const each of written) assert.ok(!lost.has(each))
          assert.equal(stats.sent + lost.size, id)
          if (last === 'end' && !socket.destroyed) assert.equal(written.length, stats.sent)
        },
      ),
      { numRuns: 300, seed: 20_261_121 },
    )
  })
})

describe('stream', () => {
  function permit(): { readonly permit: Permit; readonly released: Outcome[] } {
    const released: Outcome[] = []
    return {
      released,
      permit: {
        admitted: true,
        waited: 0,
        release: (outcome) => void released.push(outcome),
        [Symbol.dispose]: () => {},
      },
    }
  }

  it('S2.4 generates at the pace of the reader, and gives the slot back when all is written', async () => {
    const { socket, reader } = rig({ policy: 'block', capacity: 1 })
    const gate = semaphore({ permits: 1 })
    const verdict = gate.tryEnter()
    assert.ok(!isRejection(verdict))
    const made: number[] = []
    const streamed = stream(
      async function* tokens() {
        for (let n = 0; n < 10; n++) {
          made.push(n)
          yield n
        }
      },
      reader,
      { permit: verdict },
    )
    await turn()
    assert.deepEqual(made, [0, 1, 2])
    assert.equal(gate.stats.inflight, 1)
    for (let n = 0; n < 12; n++) {
      await socket.drain()
      await turn()
    }
    assert.equal(await streamed, 'finished')
    assert.equal(gate.stats.inflight, 0)
    assert.equal(socket.text.length, 20)
  })

  it('S2.4 a reader that leaves cancels the generation at once, frees its slot once, and is no error', async () => {
    const { socket, reader } = rig({ policy: 'block' })
    const { permit: slot, released } = permit()
    let leaving: AbortSignal | undefined
    const streamed = stream(
      async function* hang(signal) {
        leaving = signal
        yield 1
        await new Promise(() => {})
      },
      reader,
      { permit: slot },
    )
    await turn()
    socket.destroy()
    await turn()
    assert.equal(leaving!.aborted, true)
    assert.equal(await streamed, 'left')
    assert.deepEqual(released, ['ignored'])
    // A reader that has left before.
    assert.equal(await stream([1], reader, { permit: permit().permit }), 'left')
  })

  it('S2.4 a response that somebody else has ended ends it', async () => {
    const socket = new FakeSocket(1000)
    const reader = ndjson(socket, { policy: 'block', clock: new VirtualClock() })
    const { permit: slot, released } = permit()
    const streamed = stream(
      async function* hang() {
        yield 1
        await new Promise(() => {})
      },
      reader,
      { permit: slot },
    )
    await turn()
    socket.end()
    await socket.drain()
    assert.equal(await streamed, 'finished')
    assert.deepEqual(released, ['ignored'])
  })

  it('S2.4 a reader that is disconnected in the middle of a wait ends it', async () => {
    const { reader } = rig({ policy: 'block', capacity: 1 })
    const { permit: slot, released } = permit()
    const streamed = stream([1, 2, 3, 4, 5], reader, { permit: slot })
    await turn()
    reader.disconnect('maintenance')
    assert.equal(await streamed, 'disconnected')
    assert.deepEqual(released, ['ignored'])
    assert.ok(reader.signal.reason instanceof DisconnectedError)
  })

  const failures: readonly (readonly [string, Error, Outcome])[] = [
    ['an error', new Error('no model'), 'failure'],
    ['a refusal', new RejectedError(new Rejection('rate_limited', 'upstream', 1, 0)), 'dropped'],
  ]
  for (const [what, error, outcome] of failures)
    it(`S2.4 ${what} of the source reaches whoever waits, and the reader`, async () => {
      const socket = new FakeSocket(1000)
      const reader = sse(socket, { policy: 'block', clock: new VirtualClock() })
      const { permit: slot, released } = permit()
      const streamed = stream(
        (function* fail() {
          yield 'hello'
          throw error
        })(),
        reader,
        { permit: slot },
      )
      const told = stateOf(streamed)
      await socket.drain()
      assert.equal(await told, error)
      await socket.drain()
      assert.equal(socket.text, 'data: hello\n\nevent: disconnect\ndata: {"reason":"failed"}\n\n')
      assert.deepEqual(released, [outcome])
    })

  it('S2.4 called off: rejects with the reason, leaves the source, disconnects the reader', async () => {
    for (const early of [true, false]) {
      const { reader, socket } = rig({ policy: 'block', capacity: 1 })
      const { permit: slot, released } = permit()
      const controller = new AbortController()
      let left = false
      if (early) controller.abort(new Error('enough'))
      const streamed = stream(
        (function* numbers() {
          try {
            for (let n = 0; ; n++) yield n
          } finally {
            left = true
          }
        })(),
        reader,
        { signal: controller.signal, permit: slot },
      )
      const told = stateOf(streamed)
      await turn()
      controller.abort(new Error('enough'))
      assert.match(String(await told.then(() => stateOf(streamed))), /enough/)
      assert.equal(left, !early)
      assert.equal(socket.destroyed, true)
      assert.deepEqual(released, ['ignored'])
    }
  })
})

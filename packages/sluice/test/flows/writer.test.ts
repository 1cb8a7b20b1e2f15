import assert from 'node:assert/strict'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import { buffer, channel, conflate, fromPush, mapConcurrent } from '../../src/stream/index.ts'
import { pump } from '../../src/flows/pump.ts'
import { writer } from '../../src/flows/writer.ts'
import type { Writable } from '../../src/flows/writable.ts'
import { watchedSignal } from '../stream/settle.ts'
import { FakeSocket, stateOf, turn } from './fakes.ts'

const BYTES = new Uint8Array(10)

/** A fake: a web stream that finishes a write only when told to. */
function fakeWeb(): {
  readonly stream: WritableStream<Uint8Array>
  taken: number
  done: () => void
  fail: (e: Error) => void
} {
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  const fake = {
    taken: 0,
    done: (): void => waiting.shift()?.resolve(),
    fail: (error: Error): void => waiting.shift()?.reject(error),
    stream: new WritableStream<Uint8Array>(
      {
        write: () =>
          new Promise((resolve, reject) => {
            fake.taken++
            waiting.push({ resolve, reject })
          }),
      },
      { highWaterMark: 2 },
    ),
  }
  return fake
}

describe('writer, on a Writable of Node', () => {
  it('S0.4 waits only when write() says false, and until drain', async () => {
    const socket = new FakeSocket(16)
    const out = writer(socket)
    assert.equal(out.write(BYTES), undefined)
    const wait = out.write(BYTES)
    assert.equal(out.held, 20)
    assert.equal(await stateOf(wait), 'pending')
    await socket.drain()
    assert.equal(await stateOf(wait), 'settled')
    assert.equal(out.write(BYTES), undefined)
  })

  const ends: readonly (readonly [
    what: string,
    end: (socket: FakeSocket, abort: AbortController) => void,
    told: RegExp,
  ])[] = [
    ['error', (socket) => socket.fail(new Error('broken')), /broken/],
    ['destroy with an error', (socket) => socket.destroy(new Error('torn')), /torn/],
    ['close', (socket) => socket.destroy(), /closed before it was finished/],
    ['abort', (_, abort) => abort.abort(new Error('enough')), /enough/],
  ]
  for (const [what, end, told] of ends)
    it(`S0.4 ${what} in the middle of a wait rejects it and all that follows, and leaves no listener`, async () => {
      const socket = new FakeSocket()
      const before = socket.listening
      const { controller, listeners } = watchedSignal()
      const closed: unknown[] = []
      const out = writer(socket, { signal: controller.signal, onClose: (failure) => closed.push(failure?.reason) })
      const waits = [out.write(BYTES), out.write(BYTES), out.write(BYTES)]
      socket.on('error', () => {})
      end(socket, controller)
      await turn()
      for (const wait of waits.slice(1)) assert.match(String(await stateOf(wait)), told)
      assert.match(String(await stateOf(out.write(BYTES))), told)
      assert.match(String(await stateOf(out.end())), told)
      assert.match(String(closed), told)
      assert.equal(closed.length, 1)
      socket.removeAllListeners('error')
      assert.equal(socket.listening, before)
      assert.equal(listeners(), 0)
    })

  it('S0.4 an error nobody waits for crashes nobody, and the next write hears of it', async () => {
    const socket = new FakeSocket()
    const out = writer(socket)
    void out.write(new Uint8Array(100))
    socket.fail(new Error('broken'))
    await turn()
    assert.match(String(await stateOf(out.write(BYTES))), /broken/)
  })

  it('S0.4 end settles when all has left; a stream that was over before says so', async () => {
    const socket = new FakeSocket()
    const before = socket.listening
    const out = writer(socket)
    void out.write(BYTES)
    const ended = out.end()
    assert.equal(await stateOf(ended), 'pending')
    await socket.drain()
    assert.equal(await stateOf(ended), 'settled')
    assert.equal(await stateOf(out.end()), 'settled')
    assert.match(String(await stateOf(out.write(BYTES))), /closed/)
    assert.equal(socket.listening, before)
    assert.equal(await stateOf(writer(socket).end()), 'settled')
    const torn = new FakeSocket().destroy()
    assert.match(String(await stateOf(writer(torn).write(BYTES))), /closed before/)
    const aborted = writer(new FakeSocket(), { signal: AbortSignal.abort(new Error('before')) })
    assert.match(String(await stateOf(aborted.write(BYTES))), /before/)
  })

  it('S0.4 abort destroys the stream with the reason, and crashes nobody who does not listen', async () => {
    const socket = new FakeSocket()
    const out = writer(socket)
    const wait = out.write(new Uint8Array(100))
    out.abort(new Error('no more'))
    out.abort(new Error('again'))
    assert.match(String(await stateOf(wait)), /no more/)
    assert.equal(socket.destroyed, true)
    assert.match(String(socket.errored), /no more/)
    assert.equal(socket.listenerCount('error'), 0)
  })

  it('S0.4 release leaves the stream open, for its next writer', async () => {
    const socket = new FakeSocket()
    const before = socket.listening
    const out = writer(socket)
    out.release()
    assert.equal(socket.listening, before)
    assert.equal(socket.destroyed, false)
    assert.equal(writer(socket).write(BYTES), undefined)
  })

  it('S0.4 10,000 writes, half of them waiting, keep one set of listeners', async () => {
    const socket = new FakeSocket(16)
    const before = socket.listening
    const warnings: Error[] = []
    const warned = (warning: Error): number => warnings.push(warning)
    process.on('warning', warned)
    const out = writer(socket)
    const during = socket.listening
    for (let write = 0; write < 10_000; write++) {
      const wait = out.write(BYTES)
      assert.equal(socket.listening, during)
      if (wait !== undefined) {
        const drained = socket.drain()
        await wait
        await drained
      }
    }
    const ended = out.end()
    await socket.drain()
    await ended
    assert.equal(socket.listening, before)
    assert.equal(socket.chunks.length, 10_000)
    process.off('warning', warned)
    assert.deepEqual(warnings, [])
  })

  it('refuses what is no stream', () => {
    assert.throws(() => writer({} as unknown as Writable<string>), /writer\.writable/)
  })
})

describe('writer, on a WritableStream', () => {
  it('S0.4 waits only when no more is wanted, and until it is', async () => {
    const web = fakeWeb()
    const out = writer(web.stream)
    assert.equal(out.write(BYTES), undefined)
    const wait = out.write(BYTES)
    assert.equal(out.held, 2)
    assert.equal(await stateOf(wait), 'pending')
    web.done()
    assert.equal(await stateOf(wait), 'settled')
    const ended = out.end()
    assert.equal(await stateOf(ended), 'pending')
    web.done()
    assert.equal(await stateOf(ended), 'settled')
    assert.equal(web.taken, 2)
    assert.equal(web.stream.locked, false)
  })

  it('S0.4 error, abort and cancelled readers in the middle of a wait reject it, and unlock the stream', async () => {
    const failing = fakeWeb()
    const failed = writer(failing.stream)
    const waits = [1, 2, 3].map(() => failed.write(BYTES))
    await turn()
    failing.fail(new Error('broken'))
    await turn()
    assert.match(String(await stateOf(waits[2])), /broken/)
    assert.match(String(await stateOf(failed.write(BYTES))), /broken/)
    assert.equal(failing.stream.locked, false)

    const { controller, listeners } = watchedSignal()
    const web = fakeWeb()
    const out = writer(web.stream, { signal: controller.signal })
    void out.write(BYTES)
    const wait = out.write(BYTES)
    controller.abort(new Error('enough'))
    assert.match(String(await stateOf(wait)), /enough/)
    assert.equal(web.stream.locked, false)
    assert.equal(listeners(), 0)

    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const left = writer(writable)
    const waiting = left.write(BYTES)
    await readable.cancel(new Error('gone'))
    assert.match(String(await stateOf(waiting ?? left.write(BYTES))), /gone/)

    const torn = fakeWeb()
    const abandoned = writer(torn.stream)
    void abandoned.write(BYTES)
    const last = abandoned.write(BYTES)
    abandoned.abort(new Error('no more'))
    assert.match(String(await stateOf(last)), /no more/)
  })
})

describe('pump', () => {
  async function* count(to: number, note: string[] = []): AsyncGenerator<Uint8Array> {
    try {
      for (let n = 0; n < to; n++) {
        note.push(`made ${n}`)
        yield BYTES
      }
    } finally {
      note.push('left')
    }
  }

  it('S0.4 makes nothing that the stream does not want', async () => {
    const note: string[] = []
    const socket = new FakeSocket(16)
    const pumped = pump(count(6, note), socket)
    await turn()
    assert.deepEqual(note, ['made 0', 'made 1'])
    await socket.drain()
    await turn()
    await socket.drain()
    await turn()
    await socket.drain()
    await turn()
    await socket.drain()
    await pumped
    assert.equal(socket.chunks.length, 6)
    assert.equal(socket.writableFinished, true)
  })

  it('S2.4 a stream that fails cancels the generation at once, even in the middle of an item', async () => {
    for (const end of [
      (socket: FakeSocket): unknown => socket.destroy(),
      (socket: FakeSocket): unknown => socket.destroy(new Error('broken')),
    ]) {
      const socket = new FakeSocket()
      let signal: AbortSignal | undefined
      const pumped = pump<Uint8Array>(async function* hang(leaving) {
        signal = leaving
        yield BYTES
        await new Promise(() => {})
      }, socket)
      const told = stateOf(pumped)
      await turn()
      assert.equal(signal!.aborted, false)
      end(socket)
      await turn()
      assert.equal(signal!.aborted, true)
      assert.match(String(await told.then(() => stateOf(pumped))), /broken|closed before/)
    }
  })

  it('S0.4 leaves the source when the stream fails or it is called off, and destroys the stream when the source fails', async () => {
    const note: string[] = []
    const { controller, listeners } = watchedSignal()
    const socket = new FakeSocket()
    const pumped = pump(count(5, note), socket, { signal: controller.signal })
    await turn()
    controller.abort(new Error('enough'))
    assert.match(String(await stateOf(pumped)), /enough/)
    assert.equal(note.at(-1), 'left')
    assert.equal(socket.destroyed, true)
    assert.equal(listeners(), 0)

    const other = new FakeSocket()
    const failing = pump(
      (function* fail() {
        yield BYTES
        throw new Error('no source')
      })(),
      other,
    )
    assert.match(String(await stateOf(failing)), /no source/)
    assert.match(String(other.errored), /no source/)
    assert.match(String(await stateOf(pump([BYTES], new FakeSocket().destroy()))), /closed before/)
    await assert.rejects(pump([BYTES], new FakeSocket(), { signal: AbortSignal.abort(new Error('before')) }), /before/)
  })

  it('S0.4 leaves the stream open when asked to', async () => {
    const socket = new FakeSocket(1000)
    const before = socket.listening
    await pump([BYTES], socket, { end: false })
    assert.equal(socket.writableEnded, false)
    assert.equal(socket.listening, before)
  })

  it('S0.4 pipeline, pipeTo and pump compose with every piece of flow', async () => {
    const pieces: readonly (readonly [name: string, make: () => AsyncIterable<unknown>])[] = [
      ['channel', filled],
      ['mapConcurrent', () => mapConcurrent([1, 2, 3], async (n) => n, { concurrency: 2 })],
      ['conflate', () => conflate(filled(), { keys: 10, key: (n) => n })],
      ['buffer', () => buffer(filled(), { count: 2 })],
      [
        'fromPush',
        () =>
          fromPush<number>(
            (push, close) => {
              for (const n of [1, 2, 3]) push(n)
              close()
            },
            { capacity: 5, policy: 'reject' },
          ),
      ],
    ]
    const text = (): Transform =>
      new Transform({
        writableObjectMode: true,
        transform: (chunk, _encoding, done): void => done(null, `${String(chunk)},`),
      })
    for (const [name, make] of pieces) {
      const got: string[] = []
      const collect = async (source: AsyncIterable<unknown>): Promise<void> => {
        for await (const chunk of source) got.push(String(chunk))
      }
      await pipeline(make(), text(), collect)
      const web: string[] = []
      await (Readable.toWeb(Readable.from(make())) as ReadableStream<unknown>).pipeTo(
        new WritableStream({ write: (chunk): void => void web.push(`${String(chunk)},`) }),
      )
      const pumped: string[] = []
      const middle = text()
      const end = collectInto(middle, pumped)
      await pump(make(), middle)
      await end
      assert.deepEqual([got.join(''), web.join(''), pumped.join('')], ['1,2,3,', '1,2,3,', '1,2,3,'], name)
    }
  })

  it('S0.4 a channel at the end of a pipeline slows it', async () => {
    const last = channel<number>({ capacity: 2, policy: 'block' })
    const made: number[] = []
    const done = pipeline(
      (async function* make() {
        for (let n = 0; n < 10; n++) {
          made.push(n)
          yield n
        }
      })(),
      async (source: AsyncIterable<number>) => {
        for await (const n of source) await last.send(n)
        last.close()
      },
    )
    await turn()
    assert.ok(made.length < 10, String(made.length))
    const got: number[] = []
    for await (const n of last) got.push(n)
    await done
    assert.deepEqual(got, made)
  })
})

function filled(): AsyncIterable<number> {
  const numbers = channel<number>({ capacity: 10, policy: 'reject' })
  for (const n of [1, 2, 3]) numbers.push(n)
  numbers.close()
  return numbers
}

async function collectInto(source: AsyncIterable<unknown>, into: string[]): Promise<void> {
  for await (const chunk of source) into.push(String(chunk))
}

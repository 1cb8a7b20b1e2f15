import { describe, it } from 'node:test'
import { ndjson } from '../../src/flows/ndjson.ts'
import { pump } from '../../src/flows/pump.ts'
import { stream } from '../../src/flows/stream.ts'
import type { Writable } from '../../src/flows/writable.ts'
import { writer } from '../../src/flows/writer.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { shareOneSignal, type Uses } from '../one-signal.ts'
import { HandFed } from '../stream/settle.ts'
import { FakeSocket } from './fakes.ts'

/** Work that reads a source until that ends. */
function reading(work: (source: HandFed<string>, signal: AbortSignal) => Promise<unknown>): Uses {
  const sources: HandFed<string>[] = []
  return {
    begin: (signal) => {
      const source = new HandFed<string>()
      sources.push(source)
      return work(source, signal)
    },
    finish: () => {
      for (const source of sources) source.end()
    },
  }
}

/** One chunk too many for a stream that takes nothing yet. */
async function write(writable: Writable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const out = writer(writable, { signal })
  await out.write(new Uint8Array(20))
  await out.end()
}

const users: Readonly<Record<string, () => Uses>> = {
  pumps: () => reading((source, signal) => pump(source, new FakeSocket(), { signal })),
  streams: () =>
    reading((source, signal) => {
      const reader = ndjson<string>(new FakeSocket(), { policy: 'block', clock: new VirtualClock() })
      return stream(source, reader, { signal })
    }),
  'writers on streams of Node': () => {
    const sockets: FakeSocket[] = []
    return {
      begin: (signal) => {
        const socket = new FakeSocket()
        sockets.push(socket)
        return write(socket, signal)
      },
      finish: () => Promise.all(sockets.map((socket) => socket.drain())),
    }
  },
  'writers on streams of the web': () => {
    const writes: (() => void)[] = []
    const slow = { write: (): Promise<void> => new Promise((resolve) => void writes.push(resolve)) }
    return {
      begin: (signal) => write(new WritableStream<Uint8Array>(slow), signal),
      finish: () => {
        for (const done of writes) done()
      },
    }
  },
}

describe('S0.4 one signal for many flows', () => {
  for (const [who, uses] of Object.entries(users))
    it(`S0.4 ${who} share one listener, leave none, and all hear of the abort`, () => shareOneSignal(uses))
})

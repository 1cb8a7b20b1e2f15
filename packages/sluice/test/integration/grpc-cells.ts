// What grpc-leaks.ts puts a server and its client through.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerInterceptorOptions } from '../../src/grpc/index.ts'
import type { Handlers, OpenCall } from './grpc-loopback.ts'
import { BATCH, type Stage, type Work } from './grpc-stage.ts'

const OK = 0
const CANCELLED = 1
const UNKNOWN = 2
const DEADLINE_EXCEEDED = 4
const UNAVAILABLE = 14

/** One way for calls to end. */
export interface Cell {
  readonly name: string
  readonly permits: number
  readonly queue: number
  /** Default 30,000. */
  readonly maxWait?: number
  /** The statuses calls may end with. */
  readonly endings: readonly number[]
  readonly options?: ServerInterceptorOptions
  readonly handlers: (work: Work) => Handlers
  readonly run: (stage: Stage) => Promise<void>
}

const echoing = (work: Work): Handlers => ({
  unary: (call, answer) => {
    const end = work.begin(call)
    setImmediate(() => {
      end()
      answer(null, call.request)
    })
  },
  collect: (call, answer) => {
    const end = work.begin(call)
    call.resume()
    call.on('end', () => {
      end()
      answer(null, { text: 'done' })
    })
  },
  feed: (call) => {
    const end = work.begin(call)
    for (let count = 0; count < 3; count++) call.write({ text: String(count) })
    setImmediate(() => {
      end()
      call.end()
    })
  },
  chat: (call) => {
    const end = work.begin(call)
    call.on('data', (note) => call.write(note))
    call.on('end', () => {
      end()
      call.end()
    })
  },
})

/** Streams begin and then nothing ends, whatever the client does. */
const endless = (work: Work): Handlers => ({
  unary: (call) => void work.begin(call),
  collect: (call) => {
    work.begin(call)
    call.resume()
  },
  feed: (call) => {
    work.begin(call)
    call.write({ text: 'first' })
  },
  chat: (call) => {
    work.begin(call)
    call.on('data', (note) => call.write(note))
  },
})

/** Every kind fails in its handler, before or after its first message. */
const throwing = (work: Work): Handlers => {
  const fail = (call: Parameters<Work['begin']>[0]): never => {
    work.begin(call)()
    throw new Error('thrown by the handler')
  }
  return {
    unary: (call) => fail(call),
    collect: (call) => fail(call),
    feed: (call) => {
      call.write({ text: 'first' })
      return fail(call)
    },
    chat: (call) => fail(call),
  }
}

async function allEnded(calls: readonly OpenCall[]): Promise<void> {
  await Promise.all(calls.map(({ ended }) => ended))
}

const soon = (): number => Date.now() + 60

/** Every way a call can end. */
export const CELLS: readonly Cell[] = [
  {
    name: 'served',
    endings: [OK],
    permits: 20,
    queue: 1000,
    handlers: echoing,
    run: (stage) => stage.batches((open) => allEnded(open())),
  },
  {
    name: 'refused',
    endings: [UNAVAILABLE],
    permits: 1,
    queue: 0,
    handlers: echoing,
    async run(stage) {
      const held = await stage.gate.acquire()
      await stage.batches((open) => allEnded(open()))
      held.release('success')
    },
  },
  {
    name: 'cancelled while queued',
    endings: [CANCELLED],
    permits: 1,
    queue: 1000,
    handlers: echoing,
    async run(stage) {
      const held = await stage.gate.acquire()
      await stage.batches(
        async (open) => {
          const calls = open()
          await stage.until('all queued', () => stage.gate.stats.queued === BATCH)
          for (const call of calls) call.cancel()
          await stage.until('nobody queued', () => stage.gate.stats.queued === 0)
          await allEnded(calls)
        },
        { open: true },
      )
      held.release('success')
    },
  },
  {
    name: 'cancelled while served, mid-stream',
    endings: [CANCELLED],
    permits: 1000,
    queue: 0,
    handlers: endless,
    run: (stage) =>
      stage.batches(
        async (open) => {
          const before = stage.work.started
          const calls = open()
          await stage.until('all at work', () => stage.work.started === before + BATCH)
          for (const call of calls) call.cancel()
          await allEnded(calls)
          await stage.until('none at work', () => stage.work.live === 0)
        },
        { open: true },
      ),
  },
  {
    name: 'every other one cancelled, at any moment',
    endings: [OK, CANCELLED],
    permits: 5,
    queue: 1000,
    handlers: echoing,
    run: (stage) =>
      stage.batches(async (open) => {
        const calls = open()
        for (const [index, call] of calls.entries()) {
          if (index % 2 === 0) call.cancel()
          if (index % 10 === 0) await sleep(1)
        }
        await allEnded(calls)
      }),
  },
  {
    name: 'connection cut, while served and while queued',
    endings: [UNAVAILABLE],
    permits: 100,
    queue: 1000,
    handlers: endless,
    run: (stage) =>
      stage.batches(
        async (open) => {
          const calls = open()
          await stage.until('100 at work', () => stage.work.live === 100 && stage.gate.stats.queued === BATCH - 100)
          stage.cut()
          await allEnded(calls)
          await stage.until('none at work', () => stage.work.live === 0)
        },
        { open: true },
      ),
  },
  {
    name: 'handler throws',
    endings: [UNKNOWN],
    permits: 20,
    queue: 1000,
    handlers: throwing,
    run: (stage) => stage.batches((open) => allEnded(open())),
  },
  {
    name: 'handler never ends, the client has a deadline',
    endings: [DEADLINE_EXCEEDED],
    permits: 1000,
    queue: 0,
    handlers: endless,
    run: (stage) => stage.batches((open) => allEnded(open()), { deadline: soon, open: true }),
  },
  {
    name: 'handler never ends, the server has a timeout',
    endings: [DEADLINE_EXCEEDED],
    permits: 1000,
    queue: 0,
    options: { timeout: 20 },
    handlers: endless,
    run: (stage) => stage.batches((open) => allEnded(open()), { open: true }),
  },
  {
    name: 'late while queued',
    endings: [DEADLINE_EXCEEDED],
    permits: 1,
    queue: 1000,
    handlers: echoing,
    async run(stage) {
      const held = await stage.gate.acquire()
      await stage.batches((open) => allEnded(open()), { deadline: soon, open: true })
      held.release('success')
    },
  },
  {
    name: 'queue timeout',
    endings: [UNAVAILABLE],
    permits: 1,
    queue: 1000,
    maxWait: 20,
    handlers: echoing,
    async run(stage) {
      const held = await stage.gate.acquire()
      await stage.batches((open) => allEnded(open()), { open: true })
      held.release('success')
    },
  },
]

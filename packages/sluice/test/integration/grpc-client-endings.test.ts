import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { status, type ServerUnaryCall } from '@grpc/grpc-js'
import { isRejection, type Gate } from '../../src/index.ts'
import { localRejection, type ClientInterceptorOptions } from '../../src/grpc/index.ts'
import { cable } from './grpc-cable.ts'
import { counting, gatedBy, waiting } from './grpc-gates.ts'
import {
  Caller,
  KINDS,
  serving,
  start,
  type Ask,
  type Ending,
  type Handlers,
  type Note,
  type OpenCall,
} from './grpc-loopback.ts'
import { until } from './waiting.ts'

const CALLS = 1000
const BATCH = 250

describe('sluice/grpc clientInterceptor, calls that end early', () => {
  /** Fills the gate, lets calls wait, ends them in some way, and looks at what is left. */
  async function left(
    ask: () => Ask,
    end: (calls: readonly OpenCall[]) => void,
  ): Promise<{ readonly endings: readonly Ending[]; readonly gate: Gate }> {
    const gate = waiting(1)
    const held = await gate.acquire()
    const endings: Ending[] = []
    await serving({ client: gatedBy({ gate }) }, async (caller) => {
      for (let made = 0; made < CALLS; made += BATCH) {
        const calls = Array.from({ length: BATCH }, (_, index) => caller.open(KINDS[index % 4]!, ask()))
        // On a busy machine some may be late already.
        assert.ok(gate.stats.queued > BATCH / 2)
        end(calls)
        endings.push(...(await Promise.all(calls.map(({ ended }) => ended))))
        assert.equal(gate.stats.queued, 0)
      }
      held.release('success')
      // Whatever came before, the next one is served.
      assert.equal((await caller.ask('unary')).code, status.OK)
    })
    assert.equal(endings.length, CALLS)
    assert.equal(gate.stats.inflight, 0)
    return { endings, gate }
  }

  it('1,000 cancelled while they wait leave nothing behind', async () => {
    const { endings } = await left(
      () => ({}),
      (calls) => {
        for (const call of calls) call.cancel()
      },
    )
    assert.ok(endings.every(({ code }) => code === status.CANCELLED))
  })

  it('1,000 whose deadline comes while they wait end there and then', async () => {
    const { endings } = await left(
      () => ({ deadline: Date.now() + 200 }),
      () => undefined,
    )
    assert.ok(
      endings.every(({ code, error }) => code === status.DEADLINE_EXCEEDED && isRejection(localRejection(error))),
    )
  })

  it('1,000 cancelled while they are served, or at any moment, leave nothing behind', async () => {
    const gate = waiting(20)
    let cancelled = 0
    const { handlers } = counting(2)
    await serving({ handlers, client: gatedBy({ gate }) }, async (caller) => {
      for (let made = 0; made < CALLS; made += BATCH) {
        const calls = Array.from({ length: BATCH }, (_, index) => caller.open(KINDS[index % 4]!))
        for (const [index, call] of calls.entries()) {
          if (index % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
          if (index % 2 === 0) call.cancel()
        }
        for (const { code } of await Promise.all(calls.map(({ ended }) => ended))) {
          assert.ok(code === status.OK || code === status.CANCELLED, status[code])
          if (code === status.CANCELLED) cancelled++
        }
      }
    })
    assert.ok(cancelled > 100, `${cancelled} cancelled`)
    assert.deepEqual(gate.stats, { limit: 20, inflight: 0, queued: 0 })
  })

  it('a connection that is cut gives every permit back', async () => {
    const gate = waiting(50)
    const running = await start({ unary: () => undefined, chat: () => undefined }, {})
    const wire = await cable(running.port)
    const caller = new Caller(wire.port, { ...gatedBy({ gate }), 'grpc.enable_retries': 0 })
    try {
      const calls = Array.from({ length: 50 }, (_, index) =>
        caller.ask(index % 2 === 0 ? 'unary' : 'chat', { open: true }),
      )
      await until('connected', () => wire.connections > 0)
      const since = Date.now()
      await until('under way', () => Date.now() - since > 50)
      wire.cut()
      assert.ok((await Promise.all(calls)).every(({ code }) => code === status.UNAVAILABLE))
      assert.equal(gate.stats.inflight, 0)
    } finally {
      caller.close()
      await wire.close()
      running.close()
    }
  })

  it('nobody answers at all: the deadline ends it', async () => {
    const gate = waiting(5)
    const sockets: Socket[] = []
    const silent = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
    })
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const caller = new Caller((silent.address() as { port: number }).port, gatedBy({ gate, deadline: 100 }))
    try {
      for (const kind of KINDS) assert.equal((await caller.ask(kind)).code, status.DEADLINE_EXCEEDED)
      assert.equal(gate.stats.inflight, 0)
    } finally {
      caller.close()
      silent.close()
      // grpc-js leaves a connection that was never answered open when its client is closed.
      for (const socket of sockets) socket.destroy()
    }
  })

  it('a client that is closed while calls wait ends them when their turn comes', async () => {
    const gate = waiting(1)
    const held = await gate.acquire()
    await serving({ client: gatedBy({ gate }) }, async (caller) => {
      const open = KINDS.map((kind) => caller.ask(kind))
      caller.close()
      held.release('success')
      for (const { code, details } of await Promise.all(open)) {
        assert.equal(code, status.UNAVAILABLE)
        assert.match(details, /shut down/)
      }
    })
    assert.equal(gate.stats.inflight, 0)
  })

  it('when the call it is made for is cancelled, so is one that waits', async () => {
    const gate = waiting(1)
    const held = await gate.acquire()
    await serving({ client: gatedBy({ gate }) }, async (inner) => {
      let ended: Promise<Ending> | undefined
      const handlers: Handlers = {
        unary: (call) => {
          ended = inner.ask('unary', { parent: call })
        },
      }
      await serving({ handlers }, async (outer) => {
        const open = outer.open('unary')
        await until('the inner one waits', () => gate.stats.queued === 1)
        open.cancel()
        assert.equal((await ended!).code, status.CANCELLED)
        assert.equal(gate.stats.queued, 0)
      })
    })
    held.release('success')
    assert.equal(gate.stats.inflight, 0)
  })
})

describe('sluice/grpc clientInterceptor, deadlines', () => {
  /** How long the server was given, in ms. */
  async function given(options: ClientInterceptorOptions, ask: Ask, wait = 0): Promise<number> {
    const gate = waiting(1)
    let told = Number.NaN
    const handlers: Handlers = {
      unary: (call: ServerUnaryCall<Note, Note>, answer) => {
        told = Number(call.getDeadline()) - Date.now()
        answer(null, call.request)
      },
    }
    await serving({ handlers, client: gatedBy({ ...options, gate }) }, async (caller) => {
      const held = await gate.acquire()
      const ended = caller.ask('unary', ask)
      const since = Date.now()
      await until('it has waited', () => Date.now() - since >= wait)
      held.release('success')
      assert.equal((await ended).code, status.OK)
    })
    return told
  }

  it('S1.11 what is left after waiting goes over the wire', async () => {
    const left = await given({}, { deadline: Date.now() + 5000 }, 300)
    assert.ok(left > 3000 && left <= 4750, `${left} ms left of 5,000 after 300`)
  })

  it('`deadline` is that of calls without one, and bounds that of others', async () => {
    for (const ask of [{}, { deadline: Date.now() + 60_000 }]) {
      const left = await given({ deadline: 2000 }, ask)
      assert.ok(left > 500 && left <= 2001, `${left} ms left of 2,000`)
    }
    const own = await given({ deadline: 60_000 }, { deadline: Date.now() + 2000 })
    assert.ok(own <= 2001, `${own} ms left of 2,000`)
    assert.equal(await given({}, {}), Infinity)
  })

  it('the deadline of the call it is made for counts while it waits', async () => {
    const gate = waiting(1)
    const held = await gate.acquire()
    await serving({ client: gatedBy({ gate }) }, async (inner) => {
      let ended: Promise<Ending> | undefined
      const handlers: Handlers = { unary: (call) => void (ended = inner.ask('unary', { parent: call })) }
      await serving({ handlers }, async (outer) => {
        assert.equal((await outer.ask('unary', { deadline: Date.now() + 150 })).code, status.DEADLINE_EXCEEDED)
        const { code } = await ended!
        assert.ok(code === status.DEADLINE_EXCEEDED || code === status.CANCELLED, status[code])
      })
    })
    assert.equal(gate.stats.queued, 0)
    held.release('success')
  })
})

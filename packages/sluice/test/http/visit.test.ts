import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { Pacer, Visit, type Host } from '../../src/http/index.ts'
import { fifo, semaphore, type Clock, type Gate, type Outcome, type Rejection } from '../../src/index.ts'

class FakeSocket extends EventEmitter {
  destroyed = false
  paused = false
  leave(): void {
    this.destroyed = true
    this.emit('close')
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
    this.emit('resume')
  }
  destroy(): void {
    this.leave()
  }
}

class FakeRequest extends EventEmitter {
  readonly socket: FakeSocket
  constructor(socket: FakeSocket) {
    super()
    this.socket = socket
  }
}

/** As node:http has it: written out, a response is parted from its socket; one whose client left is not. */
class FakeResponse extends EventEmitter {
  statusCode = 200
  writableEnded = false
  writableFinished = false
  errored: Error | null = null
  socket: FakeSocket | null
  readonly req: FakeRequest
  constructor(req: FakeRequest) {
    super()
    this.req = req
    this.socket = req.socket
  }
  finish(): void {
    this.writableEnded = true
    this.writableFinished = true
    this.socket = null
    this.emit('close')
  }
}

type FakeVisit = Visit<FakeRequest, FakeResponse, undefined>

class World implements Host<FakeRequest, FakeResponse> {
  readonly served: FakeVisit[] = []
  readonly refusals: { readonly rejection: Rejection; readonly waited: number }[] = []
  readonly outcomes: Outcome[] = []
  readonly gate: Gate
  readonly clock: Clock
  now = 1000
  #fire: (() => void) | undefined
  failWith: Error | undefined
  pacer?: Pacer
  most = Infinity
  timeout: number | undefined
  late?: (visit: FakeVisit) => void
  tellsEnd?: () => boolean
  /** How many left before they were served. */
  leavers = 0

  constructor(permits: number) {
    this.clock = {
      now: () => this.now,
      after: (_delay, run) => {
        this.#fire = run
        const cancel = (): void => void (this.#fire = undefined)
        return { cancel, [Symbol.dispose]: cancel }
      },
    }
    const observer = { released: (_arrival: unknown, outcome: Outcome): void => void this.outcomes.push(outcome) }
    const queue = fifo({ capacity: 100, maxWait: 500 })
    this.gate = semaphore({ permits, queue, name: 'fake', clock: this.clock, observer })
  }

  pass(ms: number): void {
    this.now += ms
    this.#fire?.()
  }

  admitted(visit: FakeVisit): void {
    this.served.push(visit)
    if (this.failWith !== undefined) throw this.failWith
  }

  refused(visit: FakeVisit, rejection: Rejection): void {
    this.refusals.push({ rejection, waited: visit.waited })
  }

  gone(): void {
    this.leavers++
  }

  visit(socket: FakeSocket = new FakeSocket()): FakeVisit {
    const request = new FakeRequest(socket)
    const visit = new Visit<FakeRequest, FakeResponse, undefined>(this, request, new FakeResponse(request), undefined)
    visit.enter({})
    return visit
  }

  holds(inflight: number, queued: number): void {
    assert.deepEqual([this.gate.stats.inflight, this.gate.stats.queued], [inflight, queued])
  }
}

describe('Visit', () => {
  it('ends once, on the first of the end of the response, its closing and the departure of the client', () => {
    const endings: readonly ((visit: FakeVisit) => void)[] = [
      (visit) => visit.response.finish(),
      (visit) => visit.response.emit('close'),
      (visit) => visit.request.socket.leave(),
    ]
    for (const [at, first] of endings.entries()) {
      const world = new World(1)
      const visit = world.visit()
      world.holds(1, 0)
      first(visit)
      world.holds(0, 0)
      for (const ending of endings) ending(visit)
      assert.deepEqual(world.outcomes, [at === 0 ? 'success' : 'ignored'])
    }
  })

  it('hears of the end from its host where that knows, and then listens to no response', () => {
    const world = new World(3)
    world.tellsEnd = (): boolean => true
    const [first, second, third] = [world.visit(), world.visit(), world.visit()]
    assert.equal(first.response.listenerCount('close'), 0)
    first.closed(true)
    first.closed(true)
    second.closed(false)
    // Whose client leaves is told by its connection all the same.
    third.request.socket.leave()
    world.holds(0, 0)
    assert.deepEqual(world.outcomes, ['success', 'ignored', 'ignored'])
  })

  it("never ends with the request's own stream: its body is read long before the answer is out", () => {
    const world = new World(1)
    const visit = world.visit()
    visit.request.emit('end')
    visit.request.emit('close')
    world.holds(1, 0)
    visit.end('ignored')
  })

  it('the status of the finished response is the outcome', () => {
    const world = new World(1)
    for (const status of [200, 429, 500, 503]) {
      const visit = world.visit()
      visit.response.statusCode = status
      visit.response.finish()
    }
    assert.deepEqual(world.outcomes, ['success', 'ignored', 'failure', 'dropped'])
  })

  it('an answer that was destroyed with an error is a failure, whoever of connection and response says so first', () => {
    const world = new World(2)
    const [one, other] = [world.visit(), world.visit()]
    for (const { response } of [one, other]) response.errored = new Error('cut off')
    one.response.emit('close')
    other.request.socket.leave()
    assert.deepEqual(world.outcomes, ['failure', 'failure'])
  })

  it('adds one listener to a connection, however many requests are open on it, and forgets those that ended', () => {
    const world = new World(1000)
    const socket = new FakeSocket()
    for (let at = 0; at < 100; at++) world.visit(socket)
    assert.equal(socket.listenerCount('close'), 1)
    for (const visit of world.served.slice(0, 50)) visit.response.finish()
    world.holds(50, 0)
    socket.leave()
    world.holds(0, 0)
    assert.equal(world.outcomes.filter((outcome) => outcome === 'ignored').length, 50)
    assert.equal(world.outcomes.length, 100)
  })

  it('pipelined waiters leave with their connection and none of them is served', () => {
    const world = new World(1)
    const socket = new FakeSocket()
    for (let at = 0; at < 10; at++) world.visit(socket)
    // One of a connection waits at the gate, and the others behind it: their answers could not overtake anyway.
    world.holds(1, 1)
    socket.leave()
    world.holds(0, 0)
    assert.equal(world.served.length, 1)
    assert.deepEqual(world.refusals, [])
  })

  it('a request whose client is gone before it asks is not served', () => {
    const world = new World(1)
    const gone = new FakeSocket()
    gone.leave()
    world.visit(gone)
    assert.equal(world.served.length, 0)
    world.visit()
    world.holds(1, 0)
    world.visit(gone)
    world.holds(1, 0)
    assert.deepEqual(world.refusals, [])
    world.served[0]!.end('success')
  })

  it('knows how long it waited, whether let in or refused', () => {
    const world = new World(1)
    const first = world.visit()
    assert.equal(first.waited, 0)
    const second = world.visit()
    const third = world.visit()
    world.pass(300)
    first.response.finish()
    assert.equal(world.served[1], second)
    assert.equal(second.waited, 300)
    world.pass(201)
    assert.equal(world.refusals[0]?.rejection.code, 'queue_timeout')
    assert.ok(world.refusals[0].waited >= 500)
    assert.equal(third.waited, world.refusals[0].waited)
    second.end('success')
    world.holds(0, 0)
  })

  /** One request that computes for 5 ms and is in its handler, and another one that was let in and is held back. */
  function computing(): { world: World; held: FakeVisit; turn: () => void } {
    const world = new World(2)
    const turns: (() => void)[] = []
    world.pacer = new Pacer({ accepted: 0, afterReading: (run) => void turns.push(run) }, world.clock)
    world.admitted = (visit): void => {
      world.served.push(visit)
      world.now += 5
    }
    world.visit()
    const held = world.visit()
    world.holds(2, 0)
    assert.equal(world.served.length, 1)
    return {
      world,
      held,
      turn: () => {
        for (const run of turns.splice(0)) run()
      },
    }
  }

  it('holds its permit while its work is held back, and has waited that long', () => {
    const { world, held, turn } = computing()
    world.now += 7
    turn()
    turn()
    assert.equal(world.served[1], held)
    assert.equal(held.waited, 7)
    for (const visit of world.served) visit.end('success')
    world.holds(0, 0)
  })

  it('is not served when its client leaves while its work is held back', () => {
    const { world, held, turn } = computing()
    held.request.socket.leave()
    world.holds(1, 0)
    turn()
    turn()
    assert.equal(world.served.length, 1)
    assert.deepEqual(world.outcomes, ['ignored'])
    world.served[0]!.end('success')
  })

  /** Lets whoever is next be taken up: that waits until everybody has heard of an end. */
  const settled = (): Promise<void> => new Promise((resolve) => queueMicrotask(resolve))

  it('takes up as many of a connection as it should, in order, and each in its own async context', async () => {
    const world = new World(1000)
    world.most = 3
    const context = new AsyncLocalStorage<number>()
    const seen: (number | undefined)[] = []
    world.admitted = (visit): void => {
      world.served.push(visit)
      seen.push(context.getStore())
    }
    const socket = new FakeSocket()
    for (let at = 0; at < 10; at++) context.run(at, () => world.visit(socket))
    world.holds(3, 0)
    // Another connection is none of its business.
    context.run(10, () => world.visit())
    assert.deepEqual(seen, [0, 1, 2, 10])
    for (const next of [1, 0, 2, 4, 5, 6]) {
      world.served[next]!.response.finish()
      assert.ok(world.gate.stats.inflight <= 4)
      await settled()
      assert.equal(world.gate.stats.inflight, 4)
    }
    assert.deepEqual(seen, [0, 1, 2, 10, 3, 4, 5, 6, 7, 8])
    socket.leave()
    world.holds(1, 0)
    await settled()
    assert.equal(world.served.length, 10)
    assert.equal(world.leavers, 1)
  })

  it('a request that passes a second gate is not held back behind itself', () => {
    const world = new World(10)
    world.most = 1
    const inner = new World(1)
    inner.most = 1
    const outer = world.visit()
    const visit = new Visit<FakeRequest, FakeResponse, undefined>(inner, outer.request, outer.response, undefined)
    visit.enter({})
    inner.holds(1, 0)
    assert.equal(visit.signal, outer.signal)
    outer.response.finish()
    inner.holds(0, 0)
    world.holds(0, 0)
    assert.deepEqual([world.outcomes, inner.outcomes], [['success'], ['success']])
  })

  it('a request that passes a second door of one gate does not wait for the slot it holds', () => {
    const world = new World(1)
    const outer = world.visit()
    const visit = new Visit<FakeRequest, FakeResponse, undefined>(world, outer.request, outer.response, undefined)
    visit.enter({})
    world.holds(1, 0)
    assert.deepEqual(world.served, [outer, visit])
    outer.response.finish()
    world.holds(0, 0)
    assert.deepEqual([visit.over, world.outcomes], [true, ['success']])
  })

  it('one error among those taken up later surfaces by itself, and the others go on', async () => {
    const world = new World(10)
    world.most = 1
    const socket = new FakeSocket()
    const first = world.visit(socket)
    world.failWith = new Error('handler')
    world.visit(socket)
    world.visit(socket)
    first.response.finish()
    await settled()
    await settled()
    assert.equal(world.served.length, 3)
    assert.throws(() => world.pass(0), { message: 'handler' })
    assert.deepEqual(world.outcomes, ['success', 'failure', 'failure'])
  })

  /** A connection on which more is held back than is read on for. */
  function flood(): { world: World; socket: FakeSocket } {
    const world = new World(1000)
    world.most = 1
    const socket = new FakeSocket()
    for (let at = 0; at < 1000; at++) world.visit(socket)
    assert.equal(socket.paused, false)
    world.visit(socket)
    assert.equal(socket.paused, true)
    // node:http reads on when it has something to read for.
    socket.resume()
    assert.equal(socket.paused, true)
    return { world, socket }
  }

  it('from a thousand held back on the connection is not read, until half of them are gone', async () => {
    const { world, socket } = flood()
    for (let at = 0; at < 499; at++) {
      world.served[at]!.response.finish()
      await settled()
    }
    assert.equal(socket.paused, true)
    world.served[499]!.response.finish()
    await settled()
    assert.equal(socket.paused, false)
    socket.leave()
    world.holds(0, 0)
  })

  it('it is looked whether its client is there, and where nothing moves it is cut off', () => {
    const { world, socket } = flood()
    for (let look = 0; look < 4; look++) {
      world.pass(1000)
      // Read once more, and more of the same comes.
      assert.equal(socket.paused, false)
      world.visit(socket)
      assert.equal(socket.paused, true)
    }
    world.pass(1000)
    assert.equal(socket.destroyed, true)
    world.holds(0, 0)
    assert.deepEqual(world.outcomes, ['ignored'])
  })

  it('S1.6 over its time: the host hears of it, then the work, and then the slot comes back', () => {
    const world = new World(1)
    world.timeout = 100
    const order: string[] = []
    world.late = (): void => void order.push(`answered with ${world.gate.stats.inflight} in flight`)
    const visit = world.visit()
    visit.signal.addEventListener('abort', () => order.push(`aborted with ${world.gate.stats.inflight} in flight`))
    world.pass(100)
    assert.deepEqual(order, ['answered with 1 in flight', 'aborted with 1 in flight'])
    assert.equal((visit.signal.reason as Error).name, 'TimeoutError')
    world.holds(0, 0)
    assert.deepEqual(world.outcomes, ['dropped'])
    visit.response.finish()
    assert.deepEqual(world.outcomes, ['dropped'])
  })

  it('S1.6 whoever has ended its answer is not late, however slowly the client reads', () => {
    const world = new World(1)
    world.timeout = 100
    world.late = (): void => assert.fail('it was late')
    const visit = world.visit()
    visit.response.writableEnded = true
    world.pass(100)
    world.holds(1, 0)
    visit.response.finish()
    assert.deepEqual(world.outcomes, ['success'])
  })

  it('its signal says that the client left, also to whoever asks later', () => {
    const world = new World(1)
    const visit = world.visit()
    visit.request.socket.leave()
    assert.equal((visit.signal.reason as Error).message, 'the client left')
    const finished = world.visit()
    const { signal } = finished
    finished.response.finish()
    assert.equal(signal.aborted, false)
  })

  it('an error of the host surfaces, and ends the permit as failure', () => {
    const world = new World(1)
    world.failWith = new Error('handler')
    assert.throws(() => world.visit(), { message: 'handler' })
    world.holds(0, 0)
    assert.deepEqual(world.outcomes, ['failure'])
  })
})

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { Pacer, Visit, type Host } from '../../src/http/index.ts'
import { fifo, semaphore, type Clock, type Gate, type Outcome, type Rejection } from '../../src/index.ts'

class FakeSocket extends EventEmitter {
  destroyed = false
  leave(): void {
    this.destroyed = true
    this.emit('close')
  }
}

class FakeRequest extends EventEmitter {
  readonly socket: FakeSocket
  constructor(socket: FakeSocket) {
    super()
    this.socket = socket
  }
}

class FakeResponse extends EventEmitter {
  statusCode = 200
}

class World implements Host<FakeRequest, FakeResponse> {
  readonly served: Visit<FakeRequest, FakeResponse>[] = []
  readonly refusals: { readonly rejection: Rejection; readonly waited: number }[] = []
  readonly outcomes: Outcome[] = []
  readonly gate: Gate
  readonly clock: Clock
  now = 1000
  #fire: (() => void) | undefined
  failWith: Error | undefined
  pacer?: Pacer

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

  admitted(visit: Visit<FakeRequest, FakeResponse>): void {
    this.served.push(visit)
    if (this.failWith !== undefined) throw this.failWith
  }

  refused(visit: Visit<FakeRequest, FakeResponse>, rejection: Rejection): void {
    this.refusals.push({ rejection, waited: visit.waited })
  }

  visit(socket: FakeSocket = new FakeSocket()): Visit<FakeRequest, FakeResponse> {
    const visit = new Visit<FakeRequest, FakeResponse>(this, new FakeRequest(socket), new FakeResponse())
    visit.enter(this.gate, {})
    return visit
  }

  holds(inflight: number, queued: number): void {
    assert.deepEqual([this.gate.stats.inflight, this.gate.stats.queued], [inflight, queued])
  }
}

describe('Visit', () => {
  it('ends once, on the first of finish, close, aborted and the departure of the client', () => {
    const endings: readonly ((visit: Visit<FakeRequest, FakeResponse>) => void)[] = [
      (visit) => visit.response.emit('finish'),
      (visit) => visit.response.emit('close'),
      (visit) => visit.request.emit('aborted'),
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
      visit.response.emit('finish')
    }
    assert.deepEqual(world.outcomes, ['success', 'ignored', 'failure', 'dropped'])
  })

  it('adds one listener to a connection, however many requests are open on it, and forgets those that ended', () => {
    const world = new World(1000)
    const socket = new FakeSocket()
    for (let at = 0; at < 100; at++) world.visit(socket)
    assert.equal(socket.listenerCount('close'), 1)
    for (const visit of world.served.slice(0, 50)) visit.response.emit('finish')
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
    world.holds(1, 9)
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
    first.response.emit('finish')
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
  function computing(): { world: World; held: Visit<FakeRequest, FakeResponse>; turn: () => void } {
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

  it('an error of the host surfaces, and ends the permit as failure', () => {
    const world = new World(1)
    world.failWith = new Error('handler')
    assert.throws(() => world.visit(), { message: 'handler' })
    world.holds(0, 0)
    assert.deepEqual(world.outcomes, ['failure'])
  })
})

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import {
  sluice,
  type ClientOptions,
  type Dispatch,
  type DispatchController,
  type DispatchHandler,
  type DispatchOptions,
  type Interceptor,
} from '../../src/clients/undici.ts'
import { fifo, RejectedError, semaphore, type Gate } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** A connection's controller, as far as it matters. */
class Wire implements DispatchController {
  aborted = false
  paused = false
  reason: Error | null = null
  constructor(handler: DispatchHandler) {
    this.#handler = handler
  }
  readonly #handler: DispatchHandler
  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#handler.onResponseError?.(this, reason)
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
}

interface Sent {
  readonly options: DispatchOptions
  readonly handler: DispatchHandler
  readonly wire: Wire
}

/** A caller that writes down what it is told. */
class Ear implements DispatchHandler {
  readonly told: string[] = []
  controller: DispatchController | undefined
  error: Error | undefined
  onRequestStart(controller: DispatchController): void {
    this.controller = controller
    this.told.push('start')
  }
  onResponseStart(_controller: DispatchController, status: number): void {
    this.told.push(String(status))
  }
  onResponseData(): void {
    this.told.push('data')
  }
  onResponseEnd(): void {
    this.told.push('end')
  }
  onResponseError(_controller: DispatchController, error: Error): void {
    this.error = error
    this.told.push(error instanceof RejectedError ? error.code : error.message)
  }
  onRequestUpgrade(): void {
    this.told.push('upgrade')
  }
}

interface Rig {
  readonly clock: VirtualClock
  readonly guard: Interceptor
  readonly dispatch: Dispatch
  readonly sent: Sent[]
  readonly ask: (options?: Partial<DispatchOptions>, ear?: Ear) => Ear
  readonly inflight: () => number
}

const OPTIONS: DispatchOptions = { origin: 'http://a', path: '/x', method: 'GET' }

function rig(options: ClientOptions = {}, permits: number = 1): Rig {
  const clock = new VirtualClock(1000)
  const gate = (name: string): Gate => semaphore({ name, clock, permits, queue: fifo({ capacity: 10, maxWait: 5000 }) })
  const guard = sluice({ clock, random: () => 0.999, gate, ...options })
  const sent: Sent[] = []
  const dispatch = guard<Dispatch>((request, handler) => {
    sent.push({ options: request, handler, wire: new Wire(handler) })
    return false
  })
  return {
    clock,
    guard,
    dispatch,
    sent,
    ask(more = {}, ear = new Ear()) {
      dispatch({ ...OPTIONS, ...more }, ear)
      return ear
    },
    inflight: () => [...guard.origins].reduce((sum, { stats }) => sum + stats.inflight + stats.queued, 0),
  }
}

/** The connection takes it up. */
function connect({ handler, wire }: Sent, context: unknown = null): void {
  handler.onRequestStart?.(wire, context)
}

function serve(each: Sent, status: number = 200, headers: Record<string, string> = {}): void {
  const { handler, wire } = each
  connect(each)
  handler.onResponseStart?.(wire, 103, {})
  handler.onResponseStart?.(wire, status, headers)
  handler.onResponseData?.(wire, undefined as never)
  handler.onResponseEnd?.(wire, {})
}

describe('sluice/undici', () => {
  it('passes on what comes, holds the slot to the end of the body, then lets in the next', () => {
    const { sent, ask, inflight } = rig()
    const [first, second] = [ask(), ask()]
    assert.equal(sent.length, 1)
    const [one] = sent
    connect(one!)
    one!.handler.onResponseStart?.(one!.wire, 200, {})
    assert.equal(sent.length, 1)
    one!.handler.onResponseEnd?.(one!.wire, {})
    assert.equal(sent.length, 2)
    serve(sent[1]!)
    assert.deepEqual(first.told, ['start', '200', 'end'])
    assert.deepEqual(second.told, ['start', '103', '200', 'data', 'end'])
    assert.equal(inflight(), 0)
  })

  it('answers what dispatch answers', () => {
    const { dispatch } = rig()
    assert.equal(dispatch(OPTIONS, new Ear()), false)
    assert.equal(dispatch(OPTIONS, new Ear()), true)
  })

  it('whoever waits can leave, and is told at once', () => {
    const { sent, ask, inflight } = rig()
    ask()
    const waiting = ask()
    waiting.controller!.abort(new RangeError('enough'))
    waiting.controller!.abort(new RangeError('again'))
    assert.deepEqual(waiting.told, ['start', 'enough'])
    assert.equal(waiting.controller!.aborted, true)
    assert.equal(inflight(), 1)
    serve(sent[0]!)
    assert.equal(sent.length, 1)
  })

  it('one that leaves before there is a connection frees its slot, and is not sent when there is one', () => {
    const { sent, ask, inflight } = rig()
    const leaving = ask()
    leaving.controller!.abort(undefined as never)
    assert.deepEqual(leaving.told, ['start', 'This operation was aborted'])
    assert.equal(inflight(), 0)
    connect(sent[0]!)
    assert.equal(sent[0]!.wire.aborted, true)
    assert.deepEqual(leaving.told.length, 2)
  })

  it('one that leaves on its way frees its slot, and is told once', () => {
    const { sent, ask, inflight } = rig()
    const leaving = ask()
    connect(sent[0]!)
    leaving.controller!.abort(new RangeError('enough'))
    assert.equal(sent[0]!.wire.aborted, true)
    assert.deepEqual(leaving.told, ['start', 'enough'])
    assert.equal(inflight(), 0)
  })

  it('one that leaves as it begins is never sent', () => {
    const { sent, ask, inflight } = rig()
    const ear = new (class extends Ear {
      override onRequestStart(controller: DispatchController): void {
        super.onRequestStart(controller)
        controller.abort(new RangeError('at once'))
      }
    })()
    ask({}, ear)
    assert.deepEqual(ear.told, ['start', 'at once'])
    assert.deepEqual([sent.length, inflight()], [0, 0])
  })

  it('one whose handler fails as it begins is told so, and never sent', () => {
    const { ask, sent, inflight } = rig()
    const ear = new Ear()
    ear.onRequestStart = () => {
      throw new RangeError('no beginning')
    }
    assert.doesNotThrow(() => ask({}, ear))
    assert.deepEqual([ear.told, sent.length, inflight()], [['no beginning'], 0, 0])
  })

  it('pauses and resumes the connection, also when told so before there is one', () => {
    const { sent, ask } = rig()
    const { controller } = ask()
    controller!.pause()
    assert.equal(controller!.paused, true)
    connect(sent[0]!)
    assert.equal(sent[0]!.wire.paused, true)
    controller!.resume()
    assert.equal(sent[0]!.wire.paused, false)
    assert.equal(controller!.paused, false)
  })

  it('S3.3 refuses by onResponseError, with the data of the refusal', () => {
    const { guard, ask } = rig()
    guard.origins.close()
    const { told, error } = ask()
    assert.deepEqual(told, ['start', 'closed'])
    assert.ok(error instanceof RejectedError)
    assert.equal(error.rejection.gate, 'http://a')
  })

  it('tells the origin how much time is left, and calls the request off when there is none', () => {
    const { clock, sent, ask, inflight } = rig({ deadline: 1000 })
    const first = ask({ headers: { Accept: 'x' } })
    const second = ask({ headers: ['X-Envoy-Expected-Rq-Timeout-Ms', '600', 'a', 'b'] })
    const third = ask()
    assert.deepEqual(sent[0]!.options.headers, { Accept: 'x', 'x-envoy-expected-rq-timeout-ms': '1000' })
    clock.advance(400.5)
    serve(sent[0]!)
    assert.deepEqual(sent[1]!.options.headers, ['a', 'b', 'x-envoy-expected-rq-timeout-ms', '199'])
    connect(sent[1]!)
    clock.advance(599.5)
    assert.deepEqual(first.told.at(-1), 'end')
    assert.deepEqual(second.told, ['start', 'deadline'])
    assert.equal(sent[1]!.wire.aborted, true)
    assert.deepEqual(third.told, ['start', 'deadline'])
    assert.deepEqual([inflight(), clock.pending], [0, 0])
  })

  it('a request that is sent again by the same handler is a retry, and costs budget', () => {
    const { sent, ask } = rig({ retryBudget: { ratio: 0.5, reserve: 0 } }, 10)
    const [one, two] = [new Ear(), new Ear()]
    for (const ear of [one, two, one, two]) ask({}, ear)
    assert.equal(sent.length, 3)
    assert.deepEqual(one.told, ['start', 'start'])
    assert.deepEqual(two.told, ['start', 'start', 'rate_limited'])
    // A redirect goes elsewhere with the same handler: no retry.
    ask({ path: '/y' }, two)
    assert.equal(sent.length, 4)
  })

  it('an upgrade frees its slot: a connection is no request', () => {
    const { sent, ask, inflight } = rig()
    const ear = ask({ method: 'CONNECT' })
    connect(sent[0]!)
    sent[0]!.handler.onRequestUpgrade?.(sent[0]!.wire, 101, {}, undefined as never)
    assert.deepEqual(ear.told, ['start', 'upgrade'])
    assert.equal(inflight(), 0)
  })

  it('what dispatch throws is thrown, or told where the caller has left the stack, and takes nothing', () => {
    const { clock, guard } = rig()
    let calls = 0
    const dispatch = guard<Dispatch>(() => {
      if (++calls === 2 || calls === 3) throw new TypeError('no such thing')
      return true
    })
    const [first, second] = [new Ear(), new Ear()]
    dispatch(OPTIONS, first)
    dispatch(OPTIONS, second)
    first.controller!.abort(new RangeError('enough'))
    assert.deepEqual(second.told, ['start', 'no such thing'])
    assert.throws(() => dispatch(OPTIONS, new Ear()), TypeError)
    assert.equal([...guard.origins][0]?.stats.inflight, 0)
    assert.equal(clock.pending, 0)
  })

  it('a body that fails while its request waits ends it, instead of the process', () => {
    const { sent, ask, inflight } = rig()
    const sentAtOnce = new EventEmitter()
    const ahead = ask({ body: sentAtOnce })
    assert.equal(sentAtOnce.listenerCount('error'), 0)
    const body = new EventEmitter()
    const waiting = ask({ body })
    body.emit('error', new RangeError('unreadable'))
    assert.deepEqual(waiting.told, ['start', 'unreadable'])
    assert.equal(body.listenerCount('error'), 0)
    const fine = new EventEmitter()
    ask({ body: fine })
    assert.equal(fine.listenerCount('error'), 1)
    serve(sent[0]!)
    assert.equal(fine.listenerCount('error'), 0)
    assert.deepEqual([ahead.told.at(-1), inflight()], ['end', 1])
  })

  it('keeps the context of the connection for the caller', () => {
    const { dispatch, sent } = rig()
    let context: unknown
    dispatch(OPTIONS, { onRequestStart: (_controller, told) => void (context = told) })
    connect(sent[0]!, { history: ['there'] })
    assert.deepEqual(context, { history: ['there'] })
  })

  it('several dispatchers with one interceptor share what stands before an origin', () => {
    const { guard, dispatch, sent } = rig()
    const other = guard<Dispatch>(() => true)
    dispatch({ ...OPTIONS, origin: new URL('http://a/z') }, new Ear())
    const waiting = new Ear()
    other(OPTIONS, waiting)
    assert.deepEqual([sent.length, waiting.told, [...guard.origins].length], [1, ['start'], 1])
  })
})

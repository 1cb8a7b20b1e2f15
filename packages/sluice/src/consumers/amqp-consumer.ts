import {
  checkFunction,
  checkNumber,
  checkWhole,
  systemClock,
  type Clock,
  type Millis,
  type RejectionCode,
  type Timer,
} from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import type { Tally } from '../observe/index.ts'
import type { AmqpChannel, AmqpMessage, AmqpOptions, AmqpStats, AmqpVerdict, AmqpWork } from './amqp-options.ts'
import { AmqpSession, ChannelClosedError } from './amqp-session.ts'
import type { Drained, DrainOptions } from './consumer-options.ts'
import { Dispatcher, restAfter, type End, type Task } from './dispatcher.ts'
import { drained } from './drained.ts'
import { gated, type Gated } from './gated.ts'
import { LimitFollower } from './limit-follower.ts'
import { LAST_WORDS, within } from './within.ts'

/** What stands between a queue and the work. */
export interface AmqpConsumer<M extends AmqpMessage> extends Gated {
  readonly stats: AmqpStats
  /** Consumes on this channel from now on: at the start, and after every reconnection. */
  attach(channel: AmqpChannel<M>): Promise<void>
  /**
   * Takes nothing more, returns what has not begun, lets work in progress end. Before `channel.close()`: what was cut off
   * goes back to the queue with that.
   */
  drain(options?: DrainOptions): Promise<Drained>
}

/**
 * Messages of an AMQP queue through a gate: the prefetch follows the gate's limit, a message is acknowledged when its
 * work is done, and a channel that closes takes nothing with it.
 *
 * ```ts
 * const orders = amqpConsumer('orders', async (message, { signal }) => save(message.content, signal))
 * await orders.attach(await connection.createChannel())
 * ```
 * @throws RangeError for an option out of range
 */
export function amqpConsumer<M extends AmqpMessage>(
  queue: string,
  work: AmqpWork<M>,
  options: AmqpOptions<M> = {},
): AmqpConsumer<M> {
  return new QueueConsumer(queue, checkFunction('amqpConsumer.work', work), options)
}

/** What a gate says that is at work on something else: it will be our turn. */
const FULL: ReadonlySet<RejectionCode> = new Set<RejectionCode>(['limit_exceeded', 'queue_full', 'queue_timeout'])

class QueueConsumer<M extends AmqpMessage> implements AmqpConsumer<M> {
  readonly gate: Gate
  readonly tally: Tally | undefined
  readonly #queue: string
  readonly #work: AmqpWork<M>
  readonly #options: AmqpOptions<M>
  readonly #clock: Clock
  readonly #dispatcher: Dispatcher
  readonly #follower: LimitFollower
  readonly #ahead: number
  readonly #most: number
  readonly #adjustInterval: Millis
  readonly #retryDelay: Millis
  readonly #sessions = new Set<AmqpSession<M>>()
  #current: AmqpSession<M> | undefined
  #adjusting: Timer | undefined
  #closed = false
  readonly #counts = { acked: 0, requeued: 0, rejected: 0, failed: 0, refused: 0, lost: 0 }

  constructor(queue: string, work: AmqpWork<M>, options: AmqpOptions<M>) {
    this.#queue = queue
    this.#work = work
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#ahead = checkNumber('amqp.ahead', options.ahead ?? 0.5, 0)
    this.#most = checkWhole('amqp.mostPrefetch', options.mostPrefetch ?? 1000, 1, 65_535)
    this.#adjustInterval = checkNumber('amqp.adjustInterval', options.adjustInterval ?? 1000, Number.MIN_VALUE)
    this.#retryDelay = checkNumber('amqp.retryDelay', options.retryDelay ?? 1000, 0)
    checkNumber('amqp.timeout', options.timeout ?? Infinity, Number.MIN_VALUE, Infinity)
    const { gate, tally } = gated(options, 'amqp')
    this.gate = gate
    this.tally = tally
    this.#dispatcher = new Dispatcher(gate, this.#clock)
    this.#follower = new LimitFollower(gate, this.#most, () => this.#adjustSoon())
  }

  get stats(): AmqpStats {
    let unsettled = 0
    for (const session of this.#sessions) unsettled += session.unsettled.size
    const prefetch = this.#current?.prefetch ?? 0
    return { unsettled, running: this.#dispatcher.running, prefetch, ...this.#counts }
  }

  async attach(channel: AmqpChannel<M>): Promise<void> {
    if (this.#closed) return
    const before = this.#current
    const session = new AmqpSession(channel, this.#failed)
    this.#current = session
    this.#sessions.add(session)
    channel.on('close', () => {
      this.#counts.lost += session.unsettled.size
      session.unsettled.clear()
      this.#sessions.delete(session)
      if (this.#current === session) this.#current = undefined
    })
    await before?.cancel().catch(this.#failed)
    await this.#consume(session)
  }

  async drain(options: DrainOptions = {}): Promise<Drained> {
    this.#closed = true
    this.#follower[Symbol.dispose]()
    this.#adjusting?.cancel()
    await this.#lastWords((session) => session.cancel())
    this.#dispatcher.close()
    const result = await drained(this.#dispatcher, this.#clock, options, () => {
      for (const { controller } of this.#sessions) controller.abort(new ChannelClosedError('draining took too long'))
    })
    await this.#lastWords((session) => session.heard())
    return result
  }

  #lastWords(say: (session: AmqpSession<M>) => Promise<void>): Promise<void> {
    const said = [...this.#sessions].map((session) => say(session).catch(this.#failed))
    return within(this.#clock, LAST_WORDS, Promise.all(said))
  }

  get #prefetch(): number {
    return Math.min(this.#most, Math.ceil(this.#follower.limit * (1 + this.#ahead)))
  }

  #consume(session: AmqpSession<M>): Promise<void> {
    return session.consume(this.#queue, this.#prefetch, (message) => {
      if (message === null) this.#failed(new Error(`the broker cancelled the consumer of ${this.#queue}`))
      else this.#deliver(message, session)
    })
  }

  #deliver(message: M, session: AmqpSession<M>): void {
    session.unsettled.add(message)
    if (this.#closed) this.#settle(session, message, 'requeue')
    else this.#dispatcher.add(this.#task(message, session))
  }

  /** Not for every step of the limit: each means another consumer at the broker. */
  #adjustSoon(): void {
    if (this.#closed) return
    this.#adjusting ??= this.#clock.after(
      this.#adjustInterval,
      () => {
        this.#adjusting = undefined
        const session = this.#current
        if (session === undefined || this.#closed) return
        const change = Math.abs(this.#prefetch - session.prefetch)
        if (change > session.prefetch * 0.1) void this.#consume(session).catch(this.#failed)
      },
      { background: true },
    )
  }

  #task(message: M, session: AmqpSession<M>): Task {
    const { arrivalOf, timeout } = this.#options
    const { signal } = session.controller
    return {
      lane: undefined,
      entry: { flow: this.#queue, ...arrivalOf?.(message), signal, ...(timeout !== undefined && { timeout }) },
      get gone() {
        return !session.open
      },
      perform: (stop) => this.#work(message, { signal: stop }),
      ended: (end) => this.#ended(end, message, session),
    }
  }

  #ended(end: End, message: M, session: AmqpSession<M>): Millis | undefined {
    if (end.kind === 'done') return this.#settle(session, message, 'ack')
    // Called off because draining took too long: it may go on for all we know, so it is the closing channel that returns it.
    if (session.controller.signal.aborted) return undefined
    if (end.kind === 'gone') return this.#settle(session, message, 'requeue')
    if (end.kind === 'failed') {
      this.#counts.failed++
      return this.#judge(end.error, message, session)
    }
    this.#counts.refused++
    if (!end.begun && FULL.has(end.rejection.code)) return 0
    const counted = message.properties.headers?.['x-delivery-count'] !== undefined
    if ((this.#options.onRefusal ?? (counted ? 'wait' : 'requeue')) === 'wait')
      return end.begun ? restAfter(end.rejection) : 0
    return this.#settle(session, message, 'requeue')
  }

  #judge(error: unknown, message: M, session: AmqpSession<M>): undefined {
    this.#failed(error)
    let verdict: AmqpVerdict = 'requeue'
    try {
      verdict = this.#options.onFailure?.(error, message) ?? 'requeue'
    } catch (broken) {
      this.#failed(broken)
    }
    if (verdict !== 'requeue' || this.#closed || this.#retryDelay === 0) this.#settle(session, message, verdict)
    else this.#clock.after(this.#retryDelay, () => this.#settle(session, message, verdict), { background: true })
    return undefined
  }

  #settle(session: AmqpSession<M>, message: M, verdict: AmqpVerdict): undefined {
    try {
      if (!session.settle(message, verdict)) return
      this.#counts[verdict === 'ack' ? 'acked' : verdict === 'requeue' ? 'requeued' : 'rejected']++
    } catch (error) {
      // Closed, and not said so yet: the broker has it back.
      this.#counts.lost++
      this.#failed(error)
    }
  }

  readonly #failed = (error: unknown): void => {
    this.#options.onError?.(error)
  }
}

import {
  tell,
  checkNumber,
  RejectedError,
  Rejection,
  systemClock,
  throwLater,
  type Clock,
  type Millis,
  type Timer,
} from '../ground/index.ts'
import type { PushAnswer } from '../stream/index.ts'
import { Backlog } from './backlog.ts'
import { DisconnectedError } from './disconnected-error.ts'
import { frame as encoded, type Format, type Frame } from './frame.ts'
import type { Line } from './line.ts'
import { Losses } from './losses.ts'
import { Missed } from './missed.ts'
import type { LagPolicy, LossReason, Reader, ReaderEnd, ReaderOptions, ReaderStats } from './reader.ts'
import { prematureClose } from './premature-close.ts'
import type { ReaderProtocol } from './reader-protocol.ts'
import { readerSettings } from './reader-settings.ts'
import type { Sender } from './sender.ts'
import { Squeeze } from './squeeze.ts'
import { Wait } from './wait.ts'
import { Watchdog } from './watchdog.ts'

/** The {@link Reader} of every protocol. */
export class BoundedReader<T> implements Reader<T> {
  readonly name: string
  readonly policy: LagPolicy
  readonly format: Format<T>
  readonly #options: ReaderOptions<T>
  readonly #maxBytes: number
  readonly #grace: Millis
  readonly #clock: Clock
  readonly #line: Line<T>
  readonly #backlog: Backlog<T>
  readonly #stall: Watchdog
  readonly #pulse: Watchdog
  readonly #losses: Losses<T>
  readonly #squeeze: Squeeze<T>
  readonly #senders = new Set<Sender<T>>()
  readonly #listeners = new Set<(end: ReaderEnd) => void>()
  #missed: Missed<T> | undefined
  #pushed = 0
  #sent = 0
  /** The socket has asked to wait. Only then does anything wait here. */
  #blocked = false
  #closing: Wait | undefined
  #end: ReaderEnd | undefined
  #controller: AbortController | undefined
  #cut: Timer | undefined

  /** @throws RangeError for an option out of range; a policy must be given */
  constructor(protocol: ReaderProtocol<T>, options: ReaderOptions<T>) {
    const { policy, capacity, maxBytes, maxStall, grace } = readerSettings(options)
    checkNumber('reader.heartbeat', protocol.heartbeat, Number.MIN_VALUE, Infinity)
    this.name = options.name ?? protocol.name
    this.format = protocol.format
    this.policy = policy
    this.#options = options
    this.#maxBytes = maxBytes
    this.#grace = grace
    this.#clock = options.clock ?? systemClock
    this.#losses = new Losses(this.#clock, options.onDrop)
    this.#backlog = new Backlog(capacity, maxBytes)
    this.#squeeze = new Squeeze(this.#backlog, this.#losses, (message) => this.#encode(message))
    this.#stall = new Watchdog(this.#clock, maxStall, () => this.disconnect('stalled'))
    this.#pulse = new Watchdog(this.#clock, protocol.heartbeat, () => this.#beat())
    this.#line = protocol.line((failure) => this.#gone(failure))
    if (this.#end === undefined) this.#pulse.watch(this.#clock.now())
  }

  get closed(): boolean {
    return this.#end !== undefined || this.#closing !== undefined
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#end !== undefined && this.#end.how !== 'finished') this.#controller.abort(this.#end.reason)
    }
    return this.#controller.signal
  }

  get stats(): ReaderStats {
    const first = this.#backlog.first
    return {
      pushed: this.#pushed,
      sent: this.#sent,
      waiting: this.#backlog.size,
      waitingBytes: this.#backlog.bytes,
      senders: this.#senders.size,
      dropped: { ...this.#losses.counts },
      held: this.#line.held,
      lag: first === undefined ? 0 : Math.max(0, this.#clock.now() - first.at),
    }
  }

  push(message: T): PushAnswer {
    return this.offer(this.#encode(message))
  }

  send(message: T): Promise<void> | undefined {
    const frame = this.#encode(message)
    const full = this.#blocked && !this.closed && frame.bytes.length <= this.#maxBytes && !this.#hasRoom(frame)
    if (this.policy === 'block' && full) {
      this.#pushed++
      const wait = new Wait()
      this.#senders.add({ frame, wait })
      return wait.promise
    }
    return this.offer(frame) === 'reject' ? Wait.rejected(this.#refusal(frame)) : undefined
  }

  offer(frame: Frame<T>): PushAnswer {
    this.#pushed++
    if (this.closed) return this.#refuse(frame, 'closed')
    if (frame.bytes.length > this.#maxBytes) return this.#refuse(frame, 'too-large')
    if (!this.#blocked) {
      this.#put(frame)
      return 'ok'
    }
    if (this.policy === 'coalesce') this.#squeeze.coalesce(frame, this.#options)
    else if (this.policy === 'drop-oldest') this.#squeeze.push(frame)
    else if (this.#hasRoom(frame)) this.#backlog.push(frame)
    else if (this.policy === 'block') return this.#refuse(frame, 'full')
    else {
      // Counted before whoever watches the end reads the counts.
      this.#losses.add(frame.message, 'disconnected')
      this.disconnect('slow')
      return 'reject'
    }
    return 'pause'
  }

  /** Sends what it missed, at its own pace, before all that comes from now on, which waits by the policy. */
  replay(missed: Iterable<T>): void {
    this.#missed = new Missed(
      missed,
      (message) => this.#encode(message),
      (error) => {
        throwLater(this.#clock, error)
        // It has not got all: it is to come back, rather than believe so.
        this.disconnect('failed')
      },
    )
    this.#blocked = true
    this.#flush()
  }

  end(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = new Wait()
      if (this.#end === undefined) {
        if (!this.#blocked) this.#finish()
      } else if (this.#end.how === 'finished') this.#closing.resolve()
      else this.#closing.reject(this.#end.reason)
    }
    return this.#closing.promise
  }

  disconnect(reason = 'closed', code?: number): void {
    if (this.#end !== undefined) return
    this.#cut = this.#clock.after(this.#grace, () => this.#line.cut(), { background: true })
    const end = { how: 'disconnected', reason: new DisconnectedError(this.name, reason) } as const
    // Closed to newcomers before the line is told, which may well tell somebody else.
    this.#end = end
    this.#line.part(reason, code)
    this.#finished(end)
  }

  onEnd(listener: (end: ReaderEnd) => void): Disposable {
    const entry = (end: ReaderEnd): void => listener(end)
    if (this.#end === undefined) this.#listeners.add(entry)
    else tell(this.#clock, entry, this.#end)
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) }
  }

  #encode(message: T): Frame<T> {
    return encoded(this.format, message, this.#clock.now())
  }

  #hasRoom(frame: Frame<T>): boolean {
    return this.#senders.size === 0 && this.#backlog.hasRoom(frame.bytes.length)
  }

  #put(frame: Frame<T>): void {
    this.#sent++
    this.#pulse.watch(frame.at)
    this.#await(this.#line.put(frame))
  }

  #await(wait: Promise<void> | undefined): void {
    if (wait === undefined) return
    this.#blocked = true
    this.#stall.watch(this.#clock.now())
    // Why nothing more can be written is told by the line.
    wait.then(this.#flush, () => {})
  }

  /** The socket takes more. */
  readonly #flush = (): void => {
    if (this.#end !== undefined) return
    this.#stall.rest()
    for (;;) {
      const frame = this.#nextMissed() ?? this.#backlog.shift()
      if (frame === undefined) break
      this.#admit()
      this.#sent++
      this.#pulse.watch(frame.at)
      const wait = this.#line.put(frame)
      if (wait !== undefined) return this.#await(wait)
    }
    this.#blocked = false
    if (this.#end === undefined && this.#closing !== undefined) this.#finish()
  }

  #nextMissed(): Frame<T> | undefined {
    for (let frame = this.#missed?.next(); frame !== undefined; frame = this.#missed?.next()) {
      this.#pushed++
      if (frame.bytes.length <= this.#maxBytes) return frame
      this.#refuse(frame, 'too-large')
    }
    return undefined
  }

  /** Lets in whoever has waited longest for room. */
  #admit(): void {
    for (const sender of this.#senders) {
      if (!this.#backlog.hasRoom(sender.frame.bytes.length)) return
      this.#senders.delete(sender)
      this.#backlog.push(sender.frame)
      sender.wait.resolve()
    }
  }

  #refuse(frame: Frame<T>, reason: LossReason): 'reject' {
    this.#losses.add(frame.message, reason)
    return 'reject'
  }

  /** What is thrown at a producer whose message is not in. */
  #refusal(frame: Frame<T>): unknown {
    if (this.#end !== undefined && this.#end.how !== 'finished') return this.#end.reason
    const [code, limit] = this.closed ? (['closed', 0] as const) : (['queue_full', this.#maxBytes] as const)
    return new RejectedError(new Rejection(code, this.name, this.#backlog.bytes + frame.bytes.length, limit))
  }

  #beat(): void {
    if (this.#end !== undefined) return
    // Whoever does not read what is there already hears no heart either.
    if (!this.#blocked) this.#await(this.#line.beat())
    this.#pulse.watch(this.#clock.now())
  }

  /** All is handed over. */
  #finish(): void {
    // The socket may still hold what nobody reads.
    this.#stall.watch(this.#clock.now())
    this.#line.end().then(
      () => this.#gone(),
      () => {},
    )
  }

  #gone(failure?: { readonly reason: unknown }): void {
    this.#cut?.cancel()
    if (this.#end !== undefined) return
    const complete = failure === undefined && this.#backlog.size === 0 && this.#senders.size === 0
    this.#finished(
      complete ? { how: 'finished', reason: undefined } : { how: 'left', reason: failure?.reason ?? prematureClose() },
    )
  }

  #finished(end: ReaderEnd): void {
    this.#end = end
    this.#stall.stop()
    this.#pulse.stop()
    this.#missed?.leave()
    const why = end.how === 'disconnected' ? 'disconnected' : 'left'
    const senders = [...this.#senders]
    this.#senders.clear()
    if (end.how === 'finished') this.#closing?.resolve()
    else {
      this.#closing?.reject(end.reason)
      this.#controller?.abort(end.reason)
    }
    for (let frame = this.#backlog.shift(); frame !== undefined; frame = this.#backlog.shift())
      this.#losses.add(frame.message, why)
    for (const sender of senders) {
      this.#losses.add(sender.frame.message, why)
      sender.wait.reject(end.reason)
    }
    tell(this.#clock, this.#options.onEnd, end)
    for (const listener of this.#listeners) tell(this.#clock, listener, end)
    this.#listeners.clear()
  }
}

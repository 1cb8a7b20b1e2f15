import { unwatchAbort, watchAbort, type AbortListener } from '../ground/index.ts'
import { unwatchDeparture, watchDeparture, type Connection, type Leaver } from '../http/index.ts'
import { prematureClose } from './premature-close.ts'
import { Wait } from './wait.ts'
import type { NodeWritable, Writer, WriterOptions } from './writable.ts'

/** The slice of `ServerResponse` by which one that waits behind others on its connection is known. */
interface Pipelined {
  readonly socket?: Connection | null
  readonly req?: { readonly socket?: Connection | null }
}

/** A {@link Writer} over `write() === false` and `drain`. */
export class NodeWriter<T> implements Writer<T>, Leaver, AbortListener {
  readonly #writable: NodeWritable<T>
  readonly #options: WriterOptions
  #drained: Wait | undefined
  #finished: Wait | undefined
  #failure: { readonly reason: unknown } | undefined
  #over = false
  #watched: Connection | undefined

  constructor(writable: NodeWritable<T>, options: WriterOptions) {
    this.#writable = writable
    this.#options = options
    const { signal } = options
    if (signal) watchAbort(signal, this)
    writable.on('drain', this.#onDrain)
    writable.on('error', this.#onError)
    writable.on('close', this.#onClose)
    writable.on('finish', this.#onFinish)
    // A response that has not its turn yet emits nothing on Node 20 and 22 when its client disconnects.
    const { socket, req } = writable as Pipelined
    if (socket === null && typeof req?.socket?.on === 'function') this.#watched = req.socket
    if (this.#watched !== undefined) watchDeparture(this.#watched, this)
    if (signal?.aborted === true) this.#fail(signal.reason)
    else if (writable.writableFinished) this.#onFinish()
    else if (writable.destroyed) this.#onClose()
  }

  get held(): number {
    return this.#writable.writableLength
  }

  left(): void {
    this.#onClose()
  }

  aborted(reason: unknown): void {
    this.#fail(reason)
  }

  write(chunk: T): Promise<void> | undefined {
    if (this.#failure !== undefined) return Wait.rejected(this.#failure.reason)
    if (this.#over || this.#finished !== undefined) return Wait.rejected(prematureClose())
    if (this.#writable.write(chunk)) return undefined
    this.#drained ??= new Wait()
    return this.#drained.promise
  }

  end(): Promise<void> {
    if (this.#finished !== undefined) return this.#finished.promise
    this.#finished = new Wait()
    if (this.#failure !== undefined) this.#finished.reject(this.#failure.reason)
    else if (this.#over) this.#finished.resolve()
    else this.#writable.end()
    return this.#finished.promise
  }

  abort(reason: unknown = prematureClose()): void {
    if (this.#over) return
    // Before its listeners go: what it says of being destroyed is no news to anybody, and must not crash the process.
    this.#writable.on('error', ignore)
    this.#fail(reason)
    this.#writable.destroy(reason instanceof Error ? reason : undefined)
    if (this.#writable.destroyed) this.#writable.on('close', this.#afterAbort)
  }

  release(): void {
    this.#fail(prematureClose())
  }

  readonly #onDrain = (): void => {
    const drained = this.#drained
    this.#drained = undefined
    drained?.resolve()
  }

  readonly #onError = (error: unknown): void => this.#fail(error)

  readonly #onClose = (): void => this.#fail(this.#writable.errored ?? prematureClose())

  readonly #onFinish = (): void => {
    if (this.#over) return
    this.#putAway()
    this.#drained?.resolve()
    this.#finished?.resolve()
    this.#options.onClose?.()
  }

  readonly #afterAbort = (): void => {
    this.#writable.off('error', ignore)
    this.#writable.off('close', this.#afterAbort)
  }

  #fail(reason: unknown): void {
    if (this.#over) return
    this.#failure = { reason }
    this.#putAway()
    this.#drained?.reject(reason)
    this.#finished?.reject(reason)
    this.#options.onClose?.(this.#failure)
  }

  #putAway(): void {
    const { signal } = this.#options
    this.#over = true
    if (signal) unwatchAbort(signal, this)
    this.#writable.off('drain', this.#onDrain)
    this.#writable.off('error', this.#onError)
    this.#writable.off('close', this.#onClose)
    this.#writable.off('finish', this.#onFinish)
    if (this.#watched !== undefined) unwatchDeparture(this.#watched, this)
  }
}

function ignore(): void {}

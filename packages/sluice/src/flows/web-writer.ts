import { unwatchAbort, watchAbort, type AbortListener } from '../ground/index.ts'
import { prematureClose } from './premature-close.ts'
import { Wait } from './wait.ts'
import type { WebWriterLike, Writer, WriterOptions } from './writable.ts'

/** A {@link Writer} over `desiredSize` and `ready`. */
export class WebWriter<T> implements Writer<T>, AbortListener {
  readonly #writer: WebWriterLike<T>
  readonly #options: WriterOptions
  /** What the stream wanted at first: what it wants less of now, it holds. */
  readonly #room: number
  #ready: Wait | undefined
  #finished: Wait | undefined
  #failure: { readonly reason: unknown } | undefined
  #over = false

  constructor(writer: WebWriterLike<T>, options: WriterOptions) {
    this.#writer = writer
    this.#options = options
    this.#room = writer.desiredSize ?? 0
    writer.closed.then(this.#closed, this.#fail)
    const { signal } = options
    if (signal?.aborted === true) this.#fail(signal.reason)
    else if (signal) watchAbort(signal, this)
  }

  get held(): number {
    if (this.#over) return 0
    return Math.max(0, this.#room - (this.#writer.desiredSize ?? this.#room))
  }

  aborted(reason: unknown): void {
    this.#fail(reason)
  }

  write(chunk: T): Promise<void> | undefined {
    if (this.#failure !== undefined) return Wait.rejected(this.#failure.reason)
    if (this.#over || this.#finished !== undefined) return Wait.rejected(prematureClose())
    // What becomes of one chunk is told by `ready` and `closed`, too.
    this.#writer.write(chunk).catch(ignore)
    if ((this.#writer.desiredSize ?? 0) > 0) return undefined
    this.#writer.ready.then(this.#settled, this.#fail)
    this.#ready ??= new Wait()
    return this.#ready.promise
  }

  end(): Promise<void> {
    if (this.#finished !== undefined) return this.#finished.promise
    this.#finished = new Wait()
    if (this.#failure !== undefined) this.#finished.reject(this.#failure.reason)
    else if (this.#over) this.#finished.resolve()
    else this.#writer.close().then(this.#closed, this.#fail)
    return this.#finished.promise
  }

  abort(reason: unknown = prematureClose()): void {
    if (this.#over) return
    this.#writer.abort(reason).catch(ignore)
    this.#fail(reason)
  }

  release(): void {
    this.#fail(prematureClose())
  }

  readonly #settled = (): void => {
    // Another write may have come meanwhile, and waits for a promise of its own.
    if (this.#over || (this.#writer.desiredSize ?? 0) <= 0) return
    const ready = this.#ready
    this.#ready = undefined
    ready?.resolve()
  }

  readonly #closed = (): void => {
    if (this.#over) return
    this.#putAway()
    this.#ready?.resolve()
    this.#finished?.resolve()
    this.#options.onClose?.()
  }

  readonly #fail = (reason: unknown): void => {
    if (this.#over) return
    this.#failure = { reason }
    this.#putAway()
    this.#ready?.reject(reason)
    this.#finished?.reject(reason)
    this.#options.onClose?.(this.#failure)
  }

  #putAway(): void {
    const { signal } = this.#options
    this.#over = true
    if (signal) unwatchAbort(signal, this)
    this.#writer.releaseLock()
  }
}

function ignore(): void {}

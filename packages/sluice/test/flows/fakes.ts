// Streams of our own that take chunks only when told to, so that every moment in between can be looked at.
import { Writable } from 'node:stream'

/** A fake: a Writable of Node that finishes a write only when told to, and notes what it was given. */
export class FakeSocket extends Writable {
  readonly chunks: string[] = []
  readonly #done: ((error?: Error | null) => void)[] = []

  constructor(highWaterMark = 16) {
    super({ highWaterMark })
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.chunks.push(Buffer.from(chunk).toString())
    this.#done.push(done)
  }

  /** Finishes writes until there are none. */
  async drain(): Promise<void> {
    while (this.#done.length > 0) {
      this.#done.shift()!()
      await turn()
    }
  }

  fail(error: Error): void {
    this.#done.shift()!(error)
  }

  /** Everything written so far. */
  get text(): string {
    return this.chunks.join('')
  }

  /** Listeners of any kind. */
  get listening(): number {
    return this.eventNames().reduce((count, name) => count + this.listenerCount(name), 0)
  }
}

/** Lets everything happen that does not wait for the world. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What a promise has come to: its error, `settled`, or `pending`. */
export async function stateOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  if (promise === undefined) return 'none'
  let state: unknown = 'pending'
  promise.then(
    () => (state = 'settled'),
    (error: unknown) => (state = error),
  )
  await turn()
  return state
}

import type { Backlog } from './backlog.ts'
import type { Frame } from './frame.ts'
import type { Losses } from './losses.ts'
import type { ReaderOptions } from './reader.ts'

/** Gets frames into a backlog that has no room for them, at the cost of others. */
export class Squeeze<T> {
  readonly #backlog: Backlog<T>
  readonly #losses: Losses<T>
  readonly #encode: (message: T) => Frame<T>

  constructor(backlog: Backlog<T>, losses: Losses<T>, encode: (message: T) => Frame<T>) {
    this.#backlog = backlog
    this.#losses = losses
    this.#encode = encode
  }

  /** The oldest go until there is room. */
  push(frame: Frame<T>): void {
    this.#makeRoom(frame)
    this.#backlog.push(frame)
  }

  /** The newest about each thing, in the place of the older; the oldest go where even that does not fit. */
  coalesce(frame: Frame<T>, { key, merge }: ReaderOptions<T>): void {
    const backlog = this.#backlog
    const about = key?.(frame.message)
    const waiting = backlog.find(about)
    if (waiting !== undefined) {
      const newest = merge === undefined ? frame : this.#encode(merge(waiting.message, frame.message))
      while (backlog.find(about) !== undefined && !backlog.canReplace(waiting, newest)) this.#loseOldest()
      if (backlog.find(about) !== undefined) {
        backlog.replace(about, newest)
        return this.#losses.add(waiting.message, 'coalesced')
      }
    }
    this.#makeRoom(frame)
    backlog.pushKeyed(frame, about)
  }

  #makeRoom(frame: Frame<T>): void {
    while (!this.#backlog.hasRoom(frame.bytes.length)) this.#loseOldest()
  }

  #loseOldest(): void {
    this.#losses.add(this.#backlog.shift()!.message, 'oldest')
  }
}

import type { RefusalReason } from './provider-refusal.ts'

/** Where a call was when its client left. `upload`: its body had not come yet; `arriving`: delayed before it was judged. */
export type LeftIn = 'upload' | 'arriving' | 'queued' | 'first-token' | 'decoding'

/** What became of one call. Instants are the wall clock, in ms since 1970, with fractions. */
export interface CallRecord {
  /** Counts from 1. */
  readonly number: number
  /** What the client calls it (`x-emulate: {"id":…}`). */
  readonly id: string | undefined
  readonly model: string
  readonly stream: boolean
  readonly arrived: number
  admitted?: number
  firstToken?: number
  ended?: number
  fate: 'open' | 'refused' | 'done' | 'aborted' | 'broken'
  reason?: RefusalReason
  leftIn?: LeftIn
  /** When the client says that it left, told by it afterwards. */
  clientLeft?: number
  readonly input: number
  produced: number
}

/** The last calls, in a ring. */
export class CallLog {
  readonly #records: CallRecord[] = []
  readonly #size: number
  #next = 0

  /** @param size of how many calls it keeps; 0: none */
  constructor(size: number) {
    this.#size = size
  }

  add(record: CallRecord): void {
    if (this.#size === 0) return
    this.#records[this.#next % this.#size] = record
    this.#next++
  }

  find(id: string): CallRecord | undefined {
    return this.#records.find((record) => record.id === id)
  }

  clear(): void {
    this.#records.length = 0
    this.#next = 0
  }

  /** Oldest first, at most so many of the newest. Default: all it has. */
  last(count: number = this.#size): readonly CallRecord[] {
    const all = [...this.#records].sort((a, b) => a.number - b.number)
    return all.slice(Math.max(0, all.length - count))
  }
}

import { setMaxListeners } from 'node:events'
import { Watermarks } from '../stream/index.ts'
import { Ledger } from './ledger.ts'

/** What a consumer knows of one partition while it is assigned to it. */
export class Partition {
  readonly topic: string
  readonly number: number
  readonly ledger: Ledger = new Ledger()
  readonly marks: Watermarks
  /** Calls its work off. */
  readonly controller: AbortController = new AbortController()
  /** The offset last committed; `undefined` when that is not known. */
  committed: bigint | undefined
  /** No longer assigned: nothing of it is committed any more. */
  revoked = false
  /** After a rebalance the client begins again at the committed offset: what is known must not be done twice. */
  #replay: 'none' | 'possible' | 'going on' = 'none'
  readonly #seeks: boolean
  #waiting: (() => void)[] = []

  /** @param seeks whether the client's user can go back */
  constructor(topic: string, number: number, marks: Watermarks, seeks: boolean) {
    // Each piece of work listens, and there may be hundreds.
    setMaxListeners(0, this.controller.signal)
    this.topic = topic
    this.number = number
    this.marks = marks
    this.#seeks = seeks
  }

  /** The group has met again, and it is still ours. */
  rejoined(): void {
    this.#replay = 'possible'
    // Whether the last commit went through before is not known.
    this.committed = undefined
  }

  /** Whether a message is new. One that is not was delivered before, and is done or will be. */
  isNew(offset: bigint): boolean {
    const { highest } = this.ledger
    const back = highest !== undefined && offset <= highest
    if (!this.#seeks) return !back
    if (this.#replay === 'possible') this.#replay = back ? 'going on' : 'none'
    if (!back) this.#replay = 'none'
    if (this.#replay === 'going on') return false
    // Not by a rebalance: somebody has sought back, and wants it all again.
    if (back) this.ledger.rewind(offset)
    return true
  }

  /** Resolves when there may be room. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  tellRoom(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

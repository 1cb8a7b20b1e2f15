import {
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Clock,
  type Millis,
  type Outcome,
  type Permit,
} from '../ground/index.ts'
import { faultOf, type PoolPort } from './pool-port.ts'

/** How long somebody waits for a connection to be there, and how it may leave. */
export interface OpeningOptions {
  readonly clock: Clock
  /** In ms. */
  readonly patience: Millis
  /** What is said when that is over. */
  readonly late: () => unknown
  readonly signal: AbortSignal | undefined
  /** It may leave before that. */
  readonly hurried: boolean
}

/**
 * A connection on its way to somebody who may stop waiting for it. The permit is kept until it is known what became of
 * the connection, not of the caller: a pool full of connections being opened is full.
 */
export class Opening<C extends object> {
  readonly #port: PoolPort<C>
  readonly #permit: Permit
  readonly #options: OpeningOptions
  /** How the permit ends, once the caller has left. */
  #left: Outcome | undefined
  #cut: ((reason: unknown) => void) | undefined

  constructor(port: PoolPort<C>, permit: Permit, options: OpeningOptions) {
    this.#port = port
    this.#permit = permit
    this.#options = options
  }

  /** @throws what opening fails with, with the permit given back; what `late` says; `signal.reason` */
  start(): Promise<C> {
    return this.#port.ready === true && !this.#options.hurried ? this.#reach() : this.#wait(this.#open())
  }

  /** Of a connection that is there nobody need be told that it is not. */
  async #reach(): Promise<C> {
    let client: C
    let preparing: PromiseLike<void> | undefined
    try {
      client = await this.#port.take()
      preparing = this.#port.prepare?.(client)
    } catch (error) {
      this.#permit.release(faultOf(this.#port, error).outcome)
      throw error
    }
    return preparing === undefined ? client : this.#wait(this.#settled(client, preparing))
  }

  #wait(opening: Promise<C>): Promise<C> {
    return new Promise((resolve, reject) => {
      const { clock, patience, late, signal } = this.#options
      const leave = (outcome: Outcome, reason: unknown): void => {
        if (this.#left !== undefined) return
        this.#left = outcome
        putAway()
        reject(reason)
        this.#cut?.(reason)
      }
      const caller: AbortListener = { aborted: (reason) => leave('ignored', reason) }
      const timer = clock.after(patience, () => leave('dropped', late()))
      const putAway = (): void => {
        timer.cancel()
        if (signal) unwatchAbort(signal, caller)
      }
      if (signal) watchAbort(signal, caller)
      opening.then(
        (client) => {
          putAway()
          if (this.#left === undefined) resolve(client)
          else void this.#giveBack(client, this.#left)
        },
        (error: unknown) => {
          putAway()
          this.#permit.release(this.#left ?? faultOf(this.#port, error).outcome)
          reject(error)
        },
      )
      if (signal?.aborted === true) caller.aborted(signal.reason)
    })
  }

  async #open(): Promise<C> {
    const client = await this.#port.take()
    if (this.#left !== undefined) return client
    const preparing = this.#port.prepare?.(client)
    return preparing === undefined ? client : this.#settled(client, preparing)
  }

  async #settled(client: C, preparing: PromiseLike<void>): Promise<C> {
    try {
      await new Promise<void>((resolve, reject) => {
        // A server that does not answer would hold the slot for as long as TCP takes to notice.
        this.#cut = reject
        preparing.then(resolve, reject)
      })
    } catch (error) {
      await this.#port.close(client, error)
      throw error
    }
    this.#cut = undefined
    return client
  }

  async #giveBack(client: C, outcome: Outcome): Promise<void> {
    try {
      await this.#port.give(client)
    } finally {
      this.#permit.release(outcome)
    }
  }
}

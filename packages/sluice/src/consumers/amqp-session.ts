import { setMaxListeners } from 'node:events'
import type { AmqpChannel, AmqpMessage, AmqpVerdict } from './amqp-options.ts'

/** Why work is called off. */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError'
}

/** One channel, from `attach` until it closes: settles each of its messages at most once, and none after the end. */
export class AmqpSession<M extends AmqpMessage> {
  readonly channel: AmqpChannel<M>
  /** Calls its work off. */
  readonly controller: AbortController = new AbortController()
  readonly unsettled: Set<M> = new Set<M>()
  open = true
  prefetch = 0
  #tag: string | undefined
  #changing: Promise<void> = Promise.resolve()

  constructor(channel: AmqpChannel<M>, onError: (error: unknown) => void) {
    // Each piece of work listens, and there may be hundreds.
    setMaxListeners(0, this.controller.signal)
    this.channel = channel
    channel.on('error', onError)
    channel.on('close', () => {
      this.open = false
      this.controller.abort(new ChannelClosedError('the channel was closed'))
    })
  }

  /**
   * Consumes with another prefetch. A prefetch holds for consumers that come after it, so the consumer is replaced; what
   * it was given stays valid, for messages belong to the channel.
   */
  consume(queue: string, prefetch: number, onMessage: (message: M | null) => void): Promise<void> {
    return this.#change(async () => {
      await this.#cancel()
      this.prefetch = prefetch
      await this.channel.prefetch(prefetch)
      this.#tag = (await this.channel.consume(queue, onMessage, { noAck: false })).consumerTag
    })
  }

  /** No further message is delivered once it has resolved. */
  cancel(): Promise<void> {
    return this.#change(() => this.#cancel())
  }

  /**
   * Resolves when the broker has heard all that was settled: it answers a channel in order. A client may send the end of
   * the connection before what its channels still have to say.
   */
  heard(): Promise<void> {
    return this.#change(async () => {
      await this.channel.prefetch(this.prefetch)
    })
  }

  /** Answers whether the broker was told. Settling twice would close the channel, and take all its messages with it. */
  settle(message: M, verdict: AmqpVerdict): boolean {
    if (!this.unsettled.delete(message) || !this.open) return false
    if (verdict === 'ack') this.channel.ack(message)
    else this.channel.nack(message, false, verdict === 'requeue')
    return true
  }

  /** One change at a time, and none on a channel that has gone. */
  #change(change: () => Promise<void>): Promise<void> {
    const changed = this.#changing.then(async () => {
      if (this.open) await change()
    })
    this.#changing = changed.catch(() => undefined)
    return changed
  }

  async #cancel(): Promise<void> {
    const tag = this.#tag
    this.#tag = undefined
    if (tag !== undefined) await this.channel.cancel(tag)
  }
}

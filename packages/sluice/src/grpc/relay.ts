import type { InterceptingListener, Metadata, NextCall, status } from '@grpc/grpc-js'

type InnerCall = ReturnType<NextCall>

/**
 * Stands for a call that may not have been made yet. grpc-js starts the clock of a call when it makes it, and one that is
 * over before it was started never says so: a call that waits must not exist.
 */
export class Relay implements InnerCall {
  #inner: InnerCall | undefined
  #reading = false

  /** Makes it the call all else is passed on to. */
  use(inner: InnerCall): void {
    this.#inner = inner
  }

  start(metadata: Metadata, listener?: Partial<InterceptingListener>): void {
    this.#inner?.start(metadata, listener)
    if (this.#reading) this.#inner?.startRead()
  }

  startRead(): void {
    if (this.#inner === undefined) this.#reading = true
    else this.#inner.startRead()
  }

  sendMessageWithContext(context: Parameters<InnerCall['sendMessageWithContext']>[0], message: unknown): void {
    this.#inner?.sendMessageWithContext(context, message)
  }

  sendMessage(message: unknown): void {
    this.#inner?.sendMessage(message)
  }

  halfClose(): void {
    this.#inner?.halfClose()
  }

  cancelWithStatus(code: status, details: string): void {
    this.#inner?.cancelWithStatus(code, details)
  }

  getPeer(): string {
    return this.#inner?.getPeer() ?? 'unknown'
  }

  getAuthContext(): ReturnType<InnerCall['getAuthContext']> {
    return this.#inner?.getAuthContext() ?? null
  }
}

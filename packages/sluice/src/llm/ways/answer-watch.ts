import { unwatchAbort, watchAbort, type AbortListener } from '../../ground/index.ts'
import type { LlmLease, RefusalVerdict } from '../lease.ts'
import type { ProviderRefusal } from '../refused.ts'
import type { LlmUsage } from '../request.ts'

/** Frees what belongs to an answer that nobody reads, and nobody can read any more. */
const forgotten = new FinalizationRegistry<() => void>((end) => end())

/**
 * Sees to it that the lease of an answer under way ends: when the answer does, when it breaks off, as soon as its caller
 * aborts, or at last when the answer itself is gone.
 */
export class AnswerWatch implements AbortListener {
  readonly #lease: LlmLease
  readonly #signal: AbortSignal | undefined
  readonly #used: () => LlmUsage

  /** @param used what it has used so far, as far as can be seen */
  constructor(lease: LlmLease, signal: AbortSignal | undefined, used: () => LlmUsage) {
    this.#lease = lease
    this.#signal = signal
    this.#used = used
    if (signal?.aborted === true) this.leave()
    else if (signal) watchAbort(signal, this)
  }

  /** True once its end is known: nothing after it counts. */
  get ended(): boolean {
    return this.#lease.ended
  }

  /** Ends it when `answer` is thrown away unread; `cancel` stops the provider. Neither may refer to `answer`. */
  hold(answer: object, cancel: () => void): void {
    const lease = this.#lease
    forgotten.register(
      answer,
      () => {
        lease.abandon()
        cancel()
      },
      this,
    )
  }

  settle(usage: LlmUsage): void {
    this.#lease.settle(usage)
    this.#end()
  }

  fail(refusal: ProviderRefusal): RefusalVerdict {
    const verdict = this.#lease.refused(refusal)
    this.#end()
    return verdict
  }

  aborted(): void {
    this.leave()
  }

  leave(): void {
    if (!this.ended) this.#lease.abandon(this.#used())
    this.#end()
  }

  #end(): void {
    if (this.#signal) unwatchAbort(this.#signal, this)
    forgotten.unregister(this)
  }
}

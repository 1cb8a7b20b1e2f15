import type { Millis, Timer } from 'sluice'
import type { Admission } from './admission.ts'
import type { CallRecord } from './call-log.ts'
import type { Generation } from './engine.ts'
import type { Fault } from './fault.ts'
import type { Errand, Provider, Tally } from './provider.ts'
import type { ProviderRefusal } from './provider-refusal.ts'

/** Told what becomes of a call. After `refused`, `finished` or `broke` nothing more comes, nor after it left. */
export interface CallListener {
  refused(refusal: ProviderRefusal): void
  /** It is let in, and charged. */
  admitted(): void
  /** The prompt has been read, the first token is due. */
  began(): void
  tokens(count: number): void
  finished(): void
  /** `cut`: the connection is gone; `error`: an error in the stream. */
  broke(how: 'cut' | 'error'): void
}

export interface CallOptions {
  readonly provider: Provider
  readonly record: CallRecord
  /** The counts of the time it came in. */
  readonly tally: Tally
  readonly errand: Errand
  readonly fault: Fault | undefined
  readonly listener: CallListener
}

/** One call on its way through a {@link Provider}. */
export class Call {
  readonly record: CallRecord
  readonly #options: CallOptions
  #arrival: Timer | undefined
  #admission: Admission | undefined
  #generation: Generation | undefined
  #struck = false

  constructor(options: CallOptions) {
    this.#options = options
    this.record = options.record
  }

  /** The client is gone: whatever is done for it ends now, and is settled. Idempotent; nothing after the end. */
  leave(): void {
    if (this.record.fate !== 'open') return
    this.#arrival?.cancel()
    const phase = this.#generation?.phase
    this.record.leftIn = phase === undefined || phase === 'over' ? 'arriving' : phase
    this.#options.tally.aborted[this.record.leftIn]++
    this.#end('aborted')
  }

  /** For {@link Provider} only: it is under way for so long. */
  delay(duration: Millis): void {
    this.#arrival = this.#options.provider.clock.after(duration, () => this.judge())
  }

  /** For {@link Provider} only: it is there. */
  judge(): void {
    const { provider, errand, listener, tally } = this.#options
    const verdict = this.#verdict()
    if (!verdict.admitted) {
      this.record.reason = verdict.reason
      tally.refused[verdict.reason] = (tally.refused[verdict.reason] ?? 0) + 1
      this.#end('refused')
      listener.refused(verdict)
      return
    }
    tally.admitted++
    this.record.admitted = provider.wall
    this.#admission = verdict
    listener.admitted()
    const { ask, output } = errand
    const wanted = ask.maxTokens === undefined ? output : Math.min(output, ask.maxTokens)
    const reader = {
      began: () => this.#began(),
      tokens: (count: number) => this.#tokens(count),
      finished: () => {
        tally.completed++
        this.#end('done')
        listener.finished()
      },
    }
    this.#generation = provider.engine.generation(ask.input, wanted, reader)
    provider.engine.enter(this.#generation)
  }

  #verdict(): Admission | ProviderRefusal {
    const { provider, errand, fault } = this.#options
    if (fault !== undefined && !('after' in fault)) return provider.model.refuse(fault.kind)
    if (provider.engine.full) return provider.model.refuse('overloaded')
    return provider.model.ask(errand.ask)
  }

  #began(): void {
    this.record.firstToken = this.#options.provider.wall
    this.#admission?.read()
    this.#options.listener.began()
    this.#strike()
  }

  #tokens(count: number): void {
    this.#admission?.produce(count)
    this.record.produced += count
    this.#options.listener.tokens(count)
    this.#strike()
  }

  #strike(): void {
    const { fault, listener, tally } = this.#options
    if (fault === undefined || this.#struck || this.record.fate !== 'open' || !('after' in fault)) return
    if (this.record.produced < fault.after || this.#generation === undefined) return
    this.#struck = true
    if (fault.kind === 'stall') {
      this.#generation.hold(fault.for)
      return
    }
    tally.broken++
    this.#end('broken')
    listener.broke(fault.kind === 'cut' ? 'cut' : 'error')
  }

  #end(fate: CallRecord['fate']): void {
    this.record.fate = fate
    this.record.ended = this.#options.provider.wall
    this.#generation?.cancel()
    this.#admission?.end()
  }
}

import type { LlmUsage, ProviderRefusal, RefusalVerdict } from 'sluice/llm'
import type { Upstream } from '../proxy/index.ts'
import type { Turn } from './line.ts'

/** Another way to an answer for those who would wait too long: another upstream, or one for batches, so many at once. */
export class Overflow {
  readonly #upstream: Upstream
  readonly #most: number
  inflight = 0

  constructor(upstream: Upstream, most: number) {
    this.#upstream = upstream
    this.#most = most
  }

  /** A turn there, where there is room. */
  tryTake(): Turn | undefined {
    if (this.inflight >= this.#most) return undefined
    this.inflight++
    return new OverflowTurn(this, this.#upstream)
  }
}

class OverflowTurn implements Turn {
  readonly upstream: Upstream
  readonly waited = 0
  readonly expected: undefined
  readonly #overflow: Overflow
  #over = false

  constructor(overflow: Overflow, upstream: Upstream) {
    this.#overflow = overflow
    this.upstream = upstream
  }

  heard(): void {}
  began(): void {}
  produced(): void {}

  failed({ status }: ProviderRefusal): RefusalVerdict {
    this.end(undefined)
    return { is: status === 429 ? 'wait' : 'fault', retry: false, retryAfter: undefined }
  }

  end(_usage: LlmUsage | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#overflow.inflight--
  }
}

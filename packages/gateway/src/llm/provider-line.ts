import { RejectedError, retryAfterOf, systemRandom, type Clock, type Instant, type Millis, type Random } from 'sluice'
import {
  goDuration,
  type LlmLease,
  type LlmPool,
  type LlmUsage,
  type ModelStatus,
  type ProviderRefusal,
  type RefusalVerdict,
} from 'sluice/llm'
import type { Upstream } from '../proxy/index.ts'
import { headersByName } from './answer-head.ts'
import type { Asker, Line, LineRefusal, LineStatus, Turn } from './line.ts'

/** What a {@link ProviderLine} is made of. */
export interface ProviderLineParts {
  readonly pool: LlmPool
  /** The models there are limits for. */
  readonly models: ReadonlySet<string>
  readonly upstream: Upstream
  readonly clock: Clock
  /** Default: the system's. */
  readonly random?: Random
}

/**
 * The line before a provider with limits of requests and tokens: the pool of `sluice/llm` has the order and the pace. What
 * the provider refuses for a limit waits for its next turn, before those who are new.
 */
export class ProviderLine implements Line {
  readonly #parts: ProviderLineParts
  readonly #waiting = new Map<Asker, AbortController>()
  readonly #random: Random
  #inflight = 0

  constructor(parts: ProviderLineParts) {
    this.#parts = parts
    this.#random = parts.random ?? systemRandom
  }

  get status(): LineStatus {
    const { size: waiting } = this.#waiting
    const waitingBy = [0, 0, 0, 0]
    for (const { priority } of this.#waiting.keys()) waitingBy[priority]!++
    return { waiting, waitingBy, inflight: this.#inflight, tokens: 0, peakTokens: 0, rate: undefined, backlog: 0 }
  }

  models(): readonly ModelStatus[] {
    return this.#parts.pool.status()
  }

  enter(asker: Asker, after?: Turn): void {
    const { pool, clock } = this.#parts
    const before = after instanceof LeaseTurn ? after : undefined
    const stop = before?.stop ?? new AbortController()
    const since = before?.since ?? clock.now()
    this.#waiting.set(asker, stop)
    const { size, tenant, priority } = asker
    const asked =
      before?.lease.again() ??
      pool.acquire({
        model: size.model,
        input: size.input,
        ...(size.maxOutput !== undefined && { maxOutput: size.maxOutput }),
        tenant,
        priority,
        deadline: asker.expires,
        signal: stop.signal,
      })
    asked.then(
      (lease) => {
        if (!this.#waiting.delete(asker)) return lease.abandon({ input: 0, output: 0 })
        this.#inflight++
        asker.granted(new LeaseTurn(this, lease, stop, since))
      },
      (error: unknown) => {
        if (this.#waiting.delete(asker)) asker.refused(this.#refusalOf(error, size.model))
      },
    )
  }

  leave(asker: Asker): void {
    const stop = this.#waiting.get(asker)
    if (stop === undefined) return
    this.#waiting.delete(asker)
    stop.abort(new Error('the client has left'))
  }

  expected(): Millis | undefined {
    return undefined
  }

  evict(): boolean {
    return false
  }

  isAboveShare(): boolean {
    return false
  }

  ended(): void {
    this.#inflight--
  }

  get upstream(): Upstream {
    return this.#parts.upstream
  }

  waitedSince(since: Instant): Millis {
    return this.#parts.clock.now() - since
  }

  #refusalOf(error: unknown, model: string): LineRefusal {
    if (error instanceof RejectedError) {
      const { code, rejection } = error
      const wait = retryAfterOf(rejection)
      // All who are refused together would come back together.
      const delay = wait === undefined ? undefined : wait * (1 + this.#random() / 4)
      const { message } = error
      if (code === 'closed') return { is: 'closed', message }
      if (code !== 'deadline' && code !== 'queue_timeout') return { is: 'full', message, delay }
      // The figures of a deadline are instants of a clock that nobody else has.
      return {
        is: 'late',
        message: wait === undefined ? message : `its limits have room in ${goDuration(wait)}`,
        delay,
      }
    }
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof RangeError && !this.#parts.models.has(model))
      return { is: 'unknown', message: `there are no limits here for the model ${JSON.stringify(model)}` }
    return { is: 'never', message }
  }

  close(): void {
    void this.#parts.pool.close()
  }
}

class LeaseTurn implements Turn {
  readonly lease: LlmLease
  readonly stop: AbortController
  readonly since: Instant
  readonly waited: Millis
  readonly #line: ProviderLine
  #over = false

  constructor(line: ProviderLine, lease: LlmLease, stop: AbortController, since: Instant) {
    this.#line = line
    this.lease = lease
    this.stop = stop
    this.since = since
    this.waited = line.waitedSince(since)
  }

  get upstream(): Upstream {
    return this.#line.upstream
  }

  get expected(): number {
    return this.lease.expected
  }

  heard(headers: readonly string[]): void {
    this.lease.heard(headersByName(headers))
  }

  began(): void {}

  produced(tokens: number): void {
    this.lease.produced(tokens)
  }

  failed(refusal: ProviderRefusal): RefusalVerdict {
    const verdict = this.lease.refused(refusal)
    this.#end()
    return verdict
  }

  end(usage: LlmUsage | undefined, how: 'done' | 'left'): void {
    if (how === 'done') this.lease.settle(usage)
    else this.lease.abandon(usage)
    this.#end()
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#line.ended()
  }
}

import type { Instant, Millis, Priority, Timer } from 'sluice'
import type { LlmUsage, ProviderRefusal, RefusalVerdict } from 'sluice/llm'
import type { LlmConfig } from '../config/index.ts'
import type { Upstream } from '../proxy/index.ts'
import type { Asker, Turn } from './line.ts'
import type { Generation, ModelServer } from './model-server.ts'

/** What turns need of the queue they come from. */
export interface TurnKeeper {
  readonly config: LlmConfig
  readonly servers: readonly ModelServer[]
  /** How many tokens it is expected to answer. */
  predict(asker: Asker): number
  /** More is in progress than was expected. */
  grown(): void
  /** Somebody may have room now. */
  pump(): void
  /** It has taken so much. @param isWhole false where it says nothing about how long answers are */
  ended(waiter: Waiter, generation: Generation, input: number, output: number, isWhole: boolean): void
  /** Before the next attempt, in ms. */
  pauseAfter(attempt: number): Millis
}

/** One who waits for a model server. */
export class Waiter {
  readonly asker: Asker
  readonly tenant: string
  readonly priority: Priority
  /** What it holds of a server's cap. */
  readonly tokens: number
  /** What it is expected to be in the order of tenants. */
  readonly service: number
  /** How many tokens its answer is expected to have. */
  readonly expected: number
  readonly since: Instant
  timer: Timer | undefined
  stands = false
  attempts = 0
  /** The server that has just failed it. */
  tried: ModelServer | undefined

  constructor(queue: TurnKeeper, asker: Asker, since: Instant) {
    this.asker = asker
    this.tenant = asker.tenant
    this.priority = asker.priority
    const { service, inflight } = queue.config
    const { input, maxOutput } = asker.size
    const predicted = queue.predict(asker)
    this.tokens = input + (inflight.reserve === 'max' ? (maxOutput ?? queue.config.maxOutput) : predicted)
    this.service = service.input * input + service.output * predicted
    this.expected = predicted
    this.since = since
  }
}

/** The right to one generation at a model server. */
export class ServerTurn implements Turn {
  readonly waiter: Waiter
  readonly waited: Millis
  /** Before the next attempt, in ms. */
  pause: Millis = 0
  readonly #queue: TurnKeeper
  readonly #generation: Generation
  #produced = 0
  #over = false

  constructor(queue: TurnKeeper, waiter: Waiter, generation: Generation, waited: Millis) {
    this.#queue = queue
    this.waiter = waiter
    this.#generation = generation
    this.waited = waited
  }

  get upstream(): Upstream {
    return this.#generation.server.member.upstream
  }

  get expected(): number {
    return this.waiter.expected
  }

  heard(): void {}

  began(): void {
    if (this.#generation.prefill === undefined) return
    this.#generation.server.began(this.#generation, 'success')
    this.#queue.pump()
  }

  produced(tokens: number): void {
    this.#produced = Math.max(this.#produced, tokens)
    this.#generation.server.grow(this.#generation, this.waiter.asker.size.input + this.#produced)
    this.#queue.grown()
  }

  failed({ status }: ProviderRefusal): RefusalVerdict {
    const retry = status === 0 || status === 429 || status >= 500
    this.waiter.attempts++
    this.waiter.tried = this.#generation.server
    // At another server it may be tried at once.
    const isAlone = this.#queue.servers.length === 1
    this.pause = status === 0 && !isAlone ? 0 : this.#queue.pauseAfter(this.waiter.attempts - 1)
    if (retry) this.#generation.server.began(this.#generation, 'dropped')
    this.#end(0, 0, false)
    return { is: status === 429 ? 'wait' : status >= 500 ? 'capacity' : 'fault', retry, retryAfter: undefined }
  }

  end(usage: LlmUsage | undefined, how: 'done' | 'left'): void {
    const input = usage?.input ?? this.waiter.asker.size.input
    const output = usage?.output ?? this.#produced
    this.#end(input, output, how === 'done')
  }

  #end(input: number, output: number, isWhole: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#queue.ended(this.waiter, this.#generation, input, output, isWhole)
  }
}

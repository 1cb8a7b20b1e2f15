import {
  systemClock,
  systemRandom,
  systemWallClock,
  type Clock,
  type Millis,
  type Random,
  type WallClock,
} from '../../ground/index.ts'
import { nativeError } from '../dialects/native-error.ts'
import { delayOf } from '../dialects/told-error.ts'
import type { TokenEstimator } from '../estimator.ts'
import type { LlmLease, RefusalVerdict } from '../lease.ts'
import type { LlmPool } from '../pool.ts'
import { abortableSleep } from './abortable-sleep.ts'
import { estimatorOf } from './estimator-of.ts'
import { meteredResponse } from './metered-response.ts'
import type { PacedCall } from './paced-call.ts'
import { poolRefusal } from './pool-refusal.ts'
import type { WayOptions } from './way-options.ts'

/** After a provider's failure, and after the next one twice as long: what the official SDKs wait, in ms. */
const [SHORT, LONG]: readonly [Millis, Millis] = [500, 8000]

/** How one exchange goes out. */
export interface ExchangeParts {
  /** Aborted when the caller leaves, in any phase. */
  readonly signal: AbortSignal | undefined
  /** True where it is aborted because its caller left, and not because an attempt took too long. Default: always. */
  readonly hasLeft?: () => boolean
  /** Sends it once. Its own timeouts begin here and not before. */
  readonly send: () => Promise<Response>
  /** True where whoever called calls again when no answer came; else that is done here. */
  readonly callsAgain?: boolean
}

/** Sends the calls of an SDK through a pool: waits, sends, reads what it used, and tries again where that makes sense. */
export class Exchange {
  readonly #pool: LlmPool
  readonly #estimator: TokenEstimator
  readonly #clock: Clock
  readonly #random: Random
  readonly #wall: WallClock
  readonly #passes: boolean

  constructor(pool: LlmPool, options: WayOptions) {
    this.#pool = pool
    this.#estimator = options.estimator ?? estimatorOf(pool)
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#wall = options.wall ?? systemWallClock
    this.#passes = options.unknown === 'pass'
  }

  /**
   * What the provider answers in the end, or, where the pool refuses, what a provider would answer that refuses.
   * @throws what `send` throws where no answer came; the reason of the signal when aborted
   */
  async run(call: PacedCall, parts: ExchangeParts): Promise<Response> {
    // Called again by an SDK that does not know how often it was sent.
    if (!call.mayRetry && call.failure !== undefined) throw call.failure
    let lease: LlmLease
    try {
      lease = await this.#acquire(call, parts.signal)
    } catch (error) {
      const refused = this.#refused(call, error)
      if (refused === undefined) throw error
      return refused === 'unknown' ? this.#pass(call, parts) : refused
    }
    for (;;) {
      const answer = await this.#attempt(call, lease, parts)
      if (answer instanceof Response) return answer
      const next = await this.#nextTurn(lease, answer.verdict, parts.signal)
      if (next === undefined) return answer.response ?? fail(answer.error)
      lease = next
    }
  }

  #acquire({ asked, model }: PacedCall, signal: AbortSignal | undefined): Promise<LlmLease> {
    return this.#pool.acquire({
      model,
      input: this.#estimator.tokens(asked.measure, model),
      ...(asked.maxOutput !== undefined && { maxOutput: asked.maxOutput }),
      ...(signal !== undefined && { signal }),
    })
  }

  /** The end of it, or what to make of an attempt that may be repeated. */
  async #attempt(
    call: PacedCall,
    lease: LlmLease,
    { signal, send, hasLeft = (): boolean => true, callsAgain = false }: ExchangeParts,
  ): Promise<Response | Attempt> {
    call.sent++
    let response: Response | undefined
    try {
      response = await send()
      if (response.ok) {
        lease.heard(response.headers)
        return meteredResponse(response, { lease, call, estimator: this.#estimator, signal })
      }
      return this.#judged(call, lease, response, await response.text())
    } catch (error) {
      if (signal?.aborted === true && hasLeft()) lease.abandon()
      const verdict = lease.refused({ status: response?.status ?? 0 })
      call.failure = error
      if (signal?.aborted === true || callsAgain || !verdict.retry || !call.mayRetry) throw error
      return { verdict, response: undefined, error }
    }
  }

  #judged(call: PacedCall, lease: LlmLease, response: Response, body: string): Response | Attempt {
    const { status } = response
    const verdict = lease.refused({ status, headers: response.headers, body })
    const again = copyOf(response, body)
    const tooLate = verdict.retryAfter !== undefined && verdict.retryAfter > this.#pool.maxWait
    if (!verdict.retry || tooLate || !call.mayRetry) return again
    return { verdict, response: again, error: undefined }
  }

  /** The lease of the next attempt, at the time it makes sense; undefined where the pool would not wait for that. */
  async #nextTurn(
    lease: LlmLease,
    { is, retryAfter }: RefusalVerdict,
    signal: AbortSignal | undefined,
  ): Promise<LlmLease | undefined> {
    // Whatever else is in the way the pool itself waits for.
    if (is === 'fault') await abortableSleep(this.#clock, retryAfter ?? this.#pause(lease.attempt), signal)
    try {
      return await lease.again()
    } catch (error) {
      if (signal?.aborted === true) throw error
      return undefined
    }
  }

  /** Past the pool: repeated as the SDK would, which has been told not to. */
  async #pass(call: PacedCall, { signal, send, callsAgain = false }: ExchangeParts): Promise<Response> {
    for (;;) {
      const attempt = call.sent++
      const isLast = callsAgain || !call.mayRetry
      let delay: Millis | undefined
      try {
        const response = await send()
        if (isLast || !isTransient(response)) return response
        delay = delayOf((name) => response.headers.get(name) ?? undefined)
        await response.body?.cancel()
      } catch (error) {
        if (isLast || signal?.aborted === true) throw error
      }
      await abortableSleep(this.#clock, delay ?? this.#pause(attempt), signal)
    }
  }

  #pause(attempt: number): Millis {
    return Math.min(LONG, SHORT * 2 ** attempt) * (1 - this.#random() / 4)
  }

  #refused(call: PacedCall, error: unknown): Response | 'unknown' | undefined {
    const refusal = poolRefusal(error)
    if (refusal === undefined) return undefined
    if (refusal.code === 'unknown_model' && this.#passes) return 'unknown'
    const { status, headers, body } = nativeError(call.dialect, refusal, this.#wall())
    const response = new Response(body, {
      status,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
    })
    response.headers.set('x-sluice-refused', refusal.code)
    return response
  }
}

/** An attempt after which there may be another one. */
interface Attempt {
  readonly verdict: RefusalVerdict
  /** The provider's answer, if there was one; else the error. */
  readonly response: Response | undefined
  readonly error: unknown
}

/** The provider's refusal, whose body has been read. Whether it is sent again was decided here. */
function copyOf(response: Response, body: string): Response {
  const copy = new Response(body, response)
  copy.headers.set('x-should-retry', 'false')
  Object.defineProperty(copy, 'url', { value: response.url })
  return copy
}

/** What the official SDKs try again. */
function isTransient({ status, headers }: Response): boolean {
  const told = headers.get('x-should-retry')
  if (told === 'true' || told === 'false') return told === 'true'
  return status === 408 || status === 409 || status === 429 || status >= 500
}

function fail(error: unknown): never {
  throw error
}

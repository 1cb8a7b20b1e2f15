import {
  checkFunction,
  checkNumber,
  checkWhole,
  ORDINARY,
  RejectedError,
  refuseValue,
  Source,
  systemClock,
  systemRandom,
  systemWallClock,
  tell,
  worst,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { memoryBuckets } from '../coordinate/index.ts'
import { checkKnown } from './check-known.ts'
import { ContextStore, type LlmContext } from './context.ts'
import type { ModeDoubt } from './mode-doubt.ts'
import type { LlmLease } from './lease.ts'
import type { LlmPoolOptions, LlmRunOptions } from './pool-options.ts'
import { Quota } from './quota.ts'
import { checkRequest, type LlmRequest } from './request.ts'
import { refusalOfError } from './refusal-of-error.ts'
import { serviceWeights } from './service.ts'
import { statusOf, type ModelStatus } from './status.ts'
import { LlmWaiter } from './waiter.ts'

/** Budgets of language models that many processes share. */
export interface LlmPool extends Disposable {
  /** Pressure of the fullest model: how full its line is, above 1 while the provider refuses. For the door further up. */
  readonly pressure: Signal<Pressure>
  /**
   * Waits for everything one call needs, of all budgets at once.
   * @throws RangeError for a request that makes no sense, of a model there is not, or that would never fit
   * @throws RejectedError when refused; `signal.reason` when aborted while waiting
   */
  acquire(request: LlmRequest): Promise<LlmLease>
  /**
   * Waits, calls, settles; tries again, at the time the provider names, where that makes sense. One owner of retries: switch
   * off those of the SDK (`maxRetries: 0`). An error of the work is judged by its `status`, `headers` and `error` or `body`.
   * @throws as `acquire`, and whatever the work throws
   */
  run<T>(request: LlmRequest, work: (lease: LlmLease) => PromiseLike<T> | T, options?: LlmRunOptions<T>): Promise<T>
  /** Requests made within `work`, whatever is awaited there, are for this tenant, of this priority, until this deadline. */
  with<T>(context: LlmContext, work: () => T): T
  /** What holds here of `with`. */
  readonly context: LlmContext
  /** The longest anybody waits, in ms: by so much an SDK's own timeout must be longer. */
  readonly maxWait: Millis
  /** How each model stands, in the order of `limits`. */
  status(): readonly ModelStatus[]
  /** Refuses everybody who waits and comes. Settles once the store has been told. */
  close(): Promise<void>
}

/**
 * A pool of budgets in front of providers of language models, for any number of processes that share a key: requests,
 * tokens, money and what is in progress are taken all or nothing, at the time at which there is enough, so that the
 * provider's limit is used up and not met.
 * @throws RangeError for an option out of range
 */
export function llmPool(options: LlmPoolOptions): LlmPool {
  return new Pool(options)
}

const OPTIONS: readonly (keyof LlmPoolOptions)[] = [
  'limits',
  'store',
  'slots',
  'onDown',
  'queue',
  'weight',
  'service',
  'modes',
  'onMode',
  'overdue',
  'onOverdue',
  'clock',
  'random',
  'wall',
]

class Pool implements LlmPool {
  readonly pressure: Signal<Pressure>
  readonly maxWait: Millis
  readonly #clock: Clock
  readonly #quotas: readonly Quota[]
  readonly #byModel = new Map<string, Quota>()
  readonly #context = new ContextStore()

  constructor(options: LlmPoolOptions) {
    checkKnown('llmPool', options, OPTIONS)
    const { clock = systemClock, random = systemRandom, wall = systemWallClock, onDown = 'share' } = options
    const { modes = 'switch', onMode, queue = {}, weight, overdue = {}, onOverdue } = options
    if (!Array.isArray(options.limits) || options.limits.length === 0)
      refuseValue('llmPool.limits', 'none', 'at least one: provider.openai(…) and its like')
    for (const limits of options.limits)
      if (limits?.profile === undefined || limits.budgets === undefined)
        refuseValue('llmPool.limits', limits, 'provider.openai(…) and its like')
    checkKnown('llmPool.queue', queue, ['max', 'maxWait'])
    checkKnown('llmPool.overdue', overdue, ['after', 'policy'])
    for (const [name, told] of Object.entries({ weight, onMode, onOverdue, slots: options.slots }))
      if (told !== undefined) checkFunction(`llmPool.${name}`, told)
    if (modes !== 'switch' && modes !== 'warn') refuseValue('llmPool.modes', modes, "'switch' or 'warn'")
    const { policy = 'release' } = overdue
    if (policy !== 'hold' && policy !== 'release') refuseValue('llmPool.overdue.policy', policy, "'hold' or 'release'")
    const after = checkNumber('llmPool.overdue.after', overdue.after ?? 900_000, 1000)
    this.maxWait = checkNumber('llmPool.queue.maxWait', queue.maxWait ?? 120_000, 0)
    this.#clock = clock
    const sources: Source<Pressure>[] = []
    const tellOverdue = onOverdue ?? overdueWarning(after)
    const rule = {
      clock,
      random,
      wall,
      onDown,
      buckets: options.store ?? memoryBuckets({ clock }),
      slots: options.slots,
      max: checkWhole('llmPool.queue.max', queue.max ?? 10_000, 1),
      maxWait: this.maxWait,
      weightOf: (tenant: string): number =>
        weight === undefined ? 1 : checkNumber('llmPool.weight', weight(tenant), Number.MIN_VALUE),
      service: serviceWeights('llmPool.service', options.service),
      switches: modes === 'switch',
      overdue: { after, policy, told: (lease: LlmLease): void => tell(clock, tellOverdue, lease) },
      doubted: (doubt: ModeDoubt): void => tell(clock, onMode, doubt),
    }
    this.#quotas = options.limits.map((limits) => {
      const quota: Quota = new Quota(limits, { ...rule, changed: () => source.changed() })
      const source = new Source(() => quota.pressure, clock)
      sources.push(source)
      for (const name of [limits.model, ...limits.also]) {
        if (this.#byModel.has(name)) refuseValue('llmPool.limits', name, 'each model once')
        this.#byModel.set(name, quota)
      }
      return quota
    })
    this.pressure = worst(...sources)
  }

  get context(): LlmContext {
    return this.#context.current
  }

  async acquire(request: LlmRequest): Promise<LlmLease> {
    const full = { ...this.#context.current, ...given(request) }
    const now = this.#clock.now()
    checkRequest(full, now)
    return this.#acquire(full, now, 0)
  }

  async run<T>(
    request: LlmRequest,
    work: (lease: LlmLease) => PromiseLike<T> | T,
    options: LlmRunOptions<T> = {},
  ): Promise<T> {
    const attempts = checkWhole('run.attempts', options.attempts ?? 3, 1)
    let next = (): Promise<LlmLease> => this.acquire(request)
    for (;;) {
      let lease: LlmLease
      try {
        lease = await next()
      } catch (error) {
        if (options.overflow !== undefined && error instanceof RejectedError && OVERFLOWS.has(error.code))
          return options.overflow(error)
        throw error
      }
      try {
        const result = await work(lease)
        lease.settle(options.usageOf?.(result))
        return result
      } catch (error) {
        const refusal = refusalOfError(error)
        if (refusal === undefined) lease.abandon()
        else if (lease.refused(refusal).retry && lease.attempt + 1 < attempts && request.signal?.aborted !== true) {
          next = () => lease.again()
          continue
        }
        throw error
      }
    }
  }

  with<T>(context: LlmContext, work: () => T): T {
    checkRequest({ model: '', input: 0, ...context }, this.#clock.now())
    return this.#context.run(context, work)
  }

  status(): readonly ModelStatus[] {
    return this.#quotas.map(statusOf)
  }

  async close(): Promise<void> {
    await Promise.all(this.#quotas.map((quota) => quota.close()))
  }

  [Symbol.dispose](): void {
    void this.close()
  }

  /** @param attempt how often the provider has refused it before */
  #acquire(request: LlmRequest, since: Instant, attempt: number): Promise<LlmLease> {
    const models = typeof request.model === 'string' ? [request.model] : request.model
    if (models.length === 0) refuseValue('request.model', 'none', 'at least one model')
    const waiters = this.#waitersFor(request, models, since, attempt)
    const { quota, waiter } = this.#choiceOf(waiters)
    // Refused while its caller can still do something else. Whoever names no deadline may wait and see.
    if (waiter.expiry === 'deadline' && this.#clock.now() + waitOf({ quota, waiter }) > waiter.expires)
      return Promise.reject(quota.refusalOf(waiter, waiter.expiry))
    // Until tomorrow nobody need wait.
    if (quota.isHeldUntil(waiter.expires)) return Promise.reject(quota.refusalOf(waiter, 'rate_limited'))
    return quota.turns.enter(waiter, attempt > 0)
  }

  /** The first that can begin in time; where none can, the one that can begin first. */
  #choiceOf(candidates: readonly Candidate[]): Candidate {
    let [best, least] = [candidates[0]!, Infinity]
    if (candidates.length === 1) return best
    const now = this.#clock.now()
    for (const candidate of candidates) {
      const wait = waitOf(candidate) + (candidate.quota.isOpen ? 0 : FAILING)
      if (now + wait <= candidate.waiter.expires && candidate.quota.isOpen) return candidate
      if (wait < least) [best, least] = [candidate, wait]
    }
    return best
  }

  /** For each of the models that could serve it at all. @throws RangeError where none could */
  #waitersFor(request: LlmRequest, models: readonly string[], since: Instant, attempt: number): readonly Candidate[] {
    let misfit: unknown
    const waiters = models.flatMap((model) => {
      const quota = this.#byModel.get(model)
      if (quota === undefined)
        return refuseValue('request.model', model, `one of ${[...this.#byModel.keys()].join(', ')}`)
      try {
        return [{ quota, waiter: this.#waiterFor(quota, request, model, since, attempt) }]
      } catch (error) {
        misfit = error
        return []
      }
    })
    if (waiters.length === 0) throw misfit
    return waiters
  }

  #waiterFor(quota: Quota, request: LlmRequest, model: string, since: Instant, attempt: number): LlmWaiter {
    const { tenant = '', route = '', priority = ORDINARY, deadline = Infinity } = request
    const patience = since + Math.min(this.maxWait, request.maxWait ?? this.maxWait)
    return new LlmWaiter({
      request,
      asked: quota.askedOf(request, tenant, route),
      tenant,
      route,
      priority,
      model,
      since,
      expires: Math.min(deadline, patience),
      expiry: deadline < patience ? 'deadline' : 'queue_timeout',
      attempt,
      retry: async () => this.#acquire(request, since, attempt + 1),
    })
  }
}

/** How much later one is taken to be that is failing, in ms. */
const FAILING: Millis = 5000

function waitOf({ quota, waiter }: Candidate): Millis {
  return quota.expectedWait(waiter.asked, waiter.tenant, waiter.priority)
}

/** A model that could serve a request, and the request as it would wait there. */
interface Candidate {
  readonly quota: Quota
  readonly waiter: LlmWaiter
}

/** Refusals after which there may be another way. */
const OVERFLOWS: ReadonlySet<string> = new Set([
  'deadline',
  'queue_full',
  'queue_timeout',
  'rate_limited',
  'breaker_open',
])

/** Says it once for each model: on stderr, unless the process listens to `warning`. */
function overdueWarning(after: Millis): (lease: LlmLease) => void {
  const known = new Set<string>()
  return ({ model }) => {
    if (known.has(model)) return
    known.add(model)
    const text = `A call of ${model} has not ended, and nothing was heard of it for ${after / 1000} s. End each lease: settle, refused or abandon.`
    process.emitWarning(text, { type: 'SluiceWarning', code: 'SLUICE_LEASE_OVERDUE' })
  }
}

/** Without what is not given, so that it hides nothing. */
function given(request: LlmRequest): LlmRequest {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as unknown as LlmRequest
}

import {
  checkFunction,
  checkNumber,
  systemClock,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Clock,
  type Instant,
  type Millis,
  type RejectionCode,
} from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import type { Tally } from '../observe/index.ts'
import type { Drained, DrainOptions } from './consumer-options.ts'
import type { Gated } from './gated.ts'
import { jobConsumer, type JobConsumer, type JobConsumerOptions, type JobStats, type JobWork } from './job-consumer.ts'

/** What is used of a job of BullMQ. */
export interface BullmqJob {
  /** When the worker took it, in ms since 1970. */
  processedOn?: number | undefined
  moveToDelayed(timestamp: number, token?: string): PromiseLike<void>
}

/** What is used of a worker of BullMQ. */
export interface BullmqWorker {
  concurrency: number
  rateLimit(expireTimeMs: number): PromiseLike<void>
  pause(doNotWaitActive?: boolean): PromiseLike<void>
  close(force?: boolean): PromiseLike<void>
}

/** What the whole queue must respect, not this process alone. */
const FOR_ALL: ReadonlySet<RejectionCode> = new Set<RejectionCode>(['rate_limited', 'breaker_open'])

export interface BullmqOptions<J> extends JobConsumerOptions<J> {
  /**
   * Which refusals hold the whole queue back (`worker.rateLimit`), for all workers; every other one delays its job only.
   * Default: `rate_limited` and `breaker_open`, which speak of what all workers share.
   */
  readonly holdsQueue?: (code: RejectionCode) => boolean
}

/** What stands between BullMQ and the work. */
export interface BullmqConsumer<J, R> extends Gated {
  /** For `new Worker(name, process, …)`. */
  readonly process: (job: J, token?: string, signal?: AbortSignal) => Promise<R>
  readonly stats: JobStats
  /** From now on the worker's concurrency is the gate's limit. */
  attach(worker: BullmqWorker): void
  /**
   * Takes no further job, lets those in progress end, closes the worker. Those cut off are aborted once nothing can be
   * written down any more, so that they are not failed: they stay active, and another worker takes them when their lock
   * has run out.
   */
  drain(options?: DrainOptions): Promise<Drained>
}

/**
 * Jobs of BullMQ through a gate: `worker.concurrency` follows the gate's limit; a refused job goes back with the delay
 * the gate asked for and loses no attempt.
 *
 * ```ts
 * const mails = bullmqConsumer(async (job: Job<Mail>, { signal }) => send(job.data, signal))
 * mails.attach(new Worker('mails', mails.process, { connection }))
 * ```
 * @throws RangeError for an option out of range
 */
export function bullmqConsumer<J extends BullmqJob, R>(
  work: JobWork<J, R>,
  options: BullmqOptions<J> = {},
): BullmqConsumer<J, R> {
  return new WorkerConsumer(checkFunction('bullmqConsumer.work', work), options)
}

class WorkerConsumer<J extends BullmqJob, R> implements BullmqConsumer<J, R> {
  readonly #jobs: JobConsumer<J, R>
  readonly #clock: Clock
  readonly #holdsQueue: (code: RejectionCode) => boolean
  /** One for each job in progress. */
  readonly #controllers = new Set<AbortController>()
  #worker: BullmqWorker | undefined
  #following: Disposable | undefined

  constructor(work: JobWork<J, R>, options: BullmqOptions<J>) {
    this.#jobs = jobConsumer(work, options)
    this.#clock = options.clock ?? systemClock
    this.#holdsQueue = options.holdsQueue ?? ((code): boolean => FOR_ALL.has(code))
  }

  get gate(): Gate {
    return this.#jobs.gate
  }

  get tally(): Tally | undefined {
    return this.#jobs.tally
  }

  get stats(): JobStats {
    return this.#jobs.stats
  }

  /** Three parameters, each declared: BullMQ counts them to see whether a signal is wanted. */
  readonly process = async (job: J, token?: string, signal?: AbortSignal): Promise<R> => {
    const began = this.#clock.now()
    const controller = new AbortController()
    const caller: AbortListener = { aborted: (reason) => controller.abort(reason) }
    if (signal) watchAbort(signal, caller)
    this.#controllers.add(controller)
    try {
      return await this.#jobs.process(
        job,
        ({ rejection, retryAfter }) => this.#putBack(job, token, began, rejection.code, retryAfter),
        controller.signal,
      )
    } finally {
      if (signal) unwatchAbort(signal, caller)
      this.#controllers.delete(controller)
    }
  }

  attach(worker: BullmqWorker): void {
    this.#following?.[Symbol.dispose]()
    this.#worker = worker
    this.#following = this.#jobs.follow((concurrency) => {
      worker.concurrency = concurrency
    })
  }

  async drain(options: DrainOptions = {}): Promise<Drained> {
    const timeout = checkNumber('drain.timeout', options.timeout ?? 30_000, 0)
    this.#following?.[Symbol.dispose]()
    const worker = this.#worker
    if (worker === undefined) return { cutOff: 0 }
    const late = await new Promise<boolean>((resolve) => {
      const timer = this.#clock.after(timeout, () => resolve(true))
      const ended = (): void => {
        timer.cancel()
        resolve(false)
      }
      worker.pause().then(ended, ended)
    })
    const cutOff = late ? this.#controllers.size : 0
    await worker.close(late)
    for (const controller of this.#controllers) controller.abort(new Error('draining took too long'))
    return { cutOff }
  }

  async #putBack(
    job: J,
    token: string | undefined,
    began: Instant,
    code: RejectionCode,
    delay: Millis,
  ): Promise<never> {
    if (this.#worker !== undefined && this.#holdsQueue(code)) {
      await this.#worker.rateLimit(Math.ceil(delay))
      throw new RateLimitError()
    }
    await job.moveToDelayed(this.#later(job, began, delay), token)
    throw new DelayedError()
  }

  /** BullMQ wants a time of day, which no clock of ours knows: but the job says when it was taken, and we how long ago. */
  #later({ processedOn = 0 }: J, began: Instant, delay: Millis): number {
    return processedOn + Math.ceil(this.#clock.now() - began + delay)
  }
}

/** BullMQ knows its own by the message. */
class RateLimitError extends Error {
  override readonly name = 'RateLimitError'

  constructor() {
    super('bullmq:rateLimitExceeded')
  }
}

/** BullMQ knows its own by the name. */
class DelayedError extends Error {
  override readonly name = 'DelayedError'

  constructor() {
    super('bullmq:movedToDelayed')
  }
}

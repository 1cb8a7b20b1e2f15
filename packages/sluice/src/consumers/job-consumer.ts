import { checkFunction, checkNumber, checkWhole, type Millis, type Rejection } from '../ground/index.ts'
import type { Gate, RunOptions } from '../gate/index.ts'
import type { Tally } from '../observe/index.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import { refusalIn, restAfter } from './dispatcher.ts'
import { gated, type Gated } from './gated.ts'
import { LimitFollower } from './limit-follower.ts'

/** What the work is told beside the job. */
export interface JobContext {
  /** Aborted when the job is cancelled, when the time is up, and when draining takes too long. */
  readonly signal: AbortSignal
}

/** What one job asks for. */
export type JobWork<J, R> = (job: J, context: JobContext) => PromiseLike<R> | R

/** Returns a job that a gate refused to its queue, to come back in `retryAfter` ms; may throw what the queue wants thrown. */
export type JobRefusal = (refusal: { readonly rejection: Rejection; readonly retryAfter: Millis }) => unknown

export interface JobConsumerOptions<J> extends ConsumerOptions<J> {
  /** The highest concurrency, and the one of a gate without a limit. A whole number of at least 1; default 100. */
  readonly mostConcurrency?: number
}

/** What a consumer of jobs holds and has done. */
export interface JobStats {
  readonly running: number
  /** As the gate has it now. */
  readonly concurrency: number
  readonly done: number
  /** Times work failed. */
  readonly failed: number
  /** Times a gate said no. */
  readonly refused: number
}

/** What stands between a job queue and the work. */
export interface JobConsumer<J, R> extends Gated {
  readonly stats: JobStats
  /**
   * Does one job through the gate.
   * @throws whatever the work throws, and for a refusal whatever `refused` does
   */
  process(job: J, refused: JobRefusal, signal?: AbortSignal): Promise<R>
  /** Calls `moved` with the concurrency whenever the gate's limit moves, and once at once. */
  follow(moved: (concurrency: number) => void): Disposable
}

/**
 * Jobs of a Redis-backed queue through a gate, whatever the queue: its concurrency is the gate's limit, and a refusal
 * puts the job back. `bullmqConsumer` is this for BullMQ.
 * @throws RangeError for an option out of range
 */
export function jobConsumer<J, R>(work: JobWork<J, R>, options: JobConsumerOptions<J> = {}): JobConsumer<J, R> {
  return new GatedJobs(checkFunction('jobConsumer.work', work), options)
}

class GatedJobs<J, R> implements JobConsumer<J, R> {
  readonly gate: Gate
  readonly tally: Tally | undefined
  readonly #work: JobWork<J, R>
  readonly #options: JobConsumerOptions<J>
  readonly #most: number
  readonly #counts = { running: 0, done: 0, failed: 0, refused: 0 }

  constructor(work: JobWork<J, R>, options: JobConsumerOptions<J>) {
    this.#work = work
    this.#options = options
    this.#most = checkWhole('jobs.mostConcurrency', options.mostConcurrency ?? 100, 1)
    checkNumber('jobs.timeout', options.timeout ?? Infinity, Number.MIN_VALUE, Infinity)
    const { gate, tally } = gated(options, 'jobs')
    this.gate = gate
    this.tally = tally
  }

  get stats(): JobStats {
    const concurrency = Math.max(1, Math.min(this.#most, Math.floor(this.gate.stats.limit)))
    return { concurrency, ...this.#counts }
  }

  async process(job: J, refused: JobRefusal, signal?: AbortSignal): Promise<R> {
    const counts = this.#counts
    try {
      const result = await this.gate.run((stop) => this.#perform(job, stop), this.#entry(job, signal))
      counts.done++
      return result
    } catch (error) {
      const rejection = refusalIn(error)
      if (rejection === undefined) counts.failed++
      else {
        counts.refused++
        await refused({ rejection, retryAfter: restAfter(rejection) })
      }
      throw error
    }
  }

  follow(moved: (concurrency: number) => void): Disposable {
    const follower = new LimitFollower(this.gate, this.#most, moved)
    moved(follower.limit)
    return follower
  }

  async #perform(job: J, signal: AbortSignal): Promise<R> {
    this.#counts.running++
    try {
      return await this.#work(job, { signal })
    } finally {
      this.#counts.running--
    }
  }

  #entry(job: J, signal: AbortSignal | undefined): RunOptions {
    const { arrivalOf, timeout } = this.#options
    return { ...arrivalOf?.(job), ...(signal !== undefined && { signal }), ...(timeout !== undefined && { timeout }) }
  }
}

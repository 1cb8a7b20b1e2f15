import { retryAfterOf, type Clock, type Millis, type Random, type Rejection } from '../ground/index.ts'
import { retryBudget, type RetryBudget } from '../gate/index.ts'
import { Backlog } from './backlog.ts'
import type { ClientsData, RetriesData } from './clients-data.ts'
import { Job, type JobTraits } from './job.ts'

/** What clients do, and hear of what they did. */
export interface ClientsHost {
  /** Sends an attempt. */
  send(job: Job): void
  /** The client of an attempt has left. */
  left(job: Job): void
  /** A request is over: it has been answered, or nobody tries again. */
  finished(job: Job, succeeded: boolean): void
}

/** Those who send: their patience and what they do when they are refused or wait in vain. */
export class Clients {
  /** Requests that are neither answered nor given up. */
  underWay = 0
  readonly #clock: Clock
  readonly #random: Random
  readonly #host: ClientsHost
  readonly #timeout: Millis
  readonly #retries: RetriesData | undefined
  readonly #budget: RetryBudget | undefined
  /** In the order they were sent, which is the order their patience ends: all have the same. */
  readonly #patient = new Backlog<Job>()
  #first: Job | undefined

  constructor(data: ClientsData, clock: Clock, random: Random, host: ClientsHost) {
    this.#clock = clock
    this.#random = random
    this.#host = host
    this.#timeout = data.timeout ?? Infinity
    this.#retries = data.retries
    this.#budget = data.retries?.budget && retryBudget({ ...data.retries.budget, clock, random })
  }

  /** Makes the first attempt of a request. */
  begin(traits: JobTraits): void {
    this.underWay++
    this.#budget?.deposit()
    this.#send(traits, 0)
  }

  /** An answer has come: in vain for a client who has left. */
  answered(job: Job): void {
    if (job.settled) return
    job.settled = true
    this.#finish(job, true)
  }

  refused(job: Job, rejection: Rejection): void {
    if (job.settled) return
    job.settled = true
    if (this.#retries?.after !== 'timeout') this.#again(job, rejection)
    else this.#finish(job, false)
  }

  #send(traits: JobTraits, attempt: number): void {
    const job = new Job(traits, this.#clock.now(), attempt)
    this.#host.send(job)
    if (this.#timeout === Infinity || job.settled) return
    if (this.#first === undefined) this.#watch(job)
    else this.#patient.push(job)
  }

  /** One timer for all of them: the next is armed when this one has rung. */
  #watch(job: Job): void {
    this.#first = job
    this.#clock.after(job.since + this.#timeout - this.#clock.now(), this.#patienceEnds)
  }

  readonly #patienceEnds = (): void => {
    let job = this.#first
    const now = this.#clock.now()
    this.#first = undefined
    while (job !== undefined && (job.settled || job.since + this.#timeout <= now)) {
      if (!job.settled) this.#leave(job)
      job = this.#patient.shift()
    }
    if (job !== undefined) this.#watch(job)
  }

  #leave(job: Job): void {
    job.settled = true
    this.#host.left(job)
    if (this.#retries !== undefined && this.#retries.after !== 'refusal') this.#again(job, undefined)
    else this.#finish(job, false)
  }

  #again(job: Job, rejection: Rejection | undefined): void {
    const retries = this.#retries
    if (retries === undefined || job.attempt >= retries.most) return this.#finish(job, false)
    let wait = this.#backoff(retries, job.attempt)
    if (retries.honourRetryAfter === true && rejection !== undefined) {
      const told = retryAfterOf(rejection)
      if (told === undefined) return this.#finish(job, false)
      wait += told
    }
    if (this.#budget !== undefined && !this.#budget.tryEnter().admitted) return this.#finish(job, false)
    const again = (): void => this.#send(job.traits, job.attempt + 1)
    // Never within the call that refused: the answer must have come back first.
    this.#clock.after(wait, again)
  }

  #backoff({ wait = 0, factor = 2, longest = Infinity, jitter = true }: RetriesData, attempt: number): Millis {
    let length = wait
    for (let step = 0; step < attempt && length < longest; step++) length *= factor
    length = Math.min(length, longest)
    return length > 0 && jitter ? length * this.#random() : length
  }

  #finish(job: Job, succeeded: boolean): void {
    this.underWay--
    this.#host.finished(job, succeeded)
  }
}

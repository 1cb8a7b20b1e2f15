import { Rejection, RejectedError, type Permit } from '../ground/index.ts'
import type { Gate, Verdict } from '../gate/index.ts'
import { refuse, type BodyFormat, type RefusedResponse } from './refuse.ts'

/** Options of {@link acceptForLater}. */
export interface LaterOptions<Job> {
  /**
   * How much is done at once and how much may wait: a semaphore or a limiter with a bounded queue in which jobs may
   * wait long, such as `semaphore({ permits: 4, queue: fifo({ capacity: 1000, maxWait: 3_600_000 }) })`.
   */
  readonly gate: Gate
  /** Does a job. */
  readonly work: (job: Job, id: string) => PromiseLike<unknown>
  /**
   * Hears of jobs whose work failed, and with a `RejectedError` of those that were taken and then given up (`maxWait`
   * of the queue, `close` of the gate). Must not throw.
   */
  readonly onFailure: (cause: unknown, job: Job, id: string) => void
  /** Where the state of a job can be asked for: becomes the `location` header. Default: nowhere. */
  readonly location?: (id: string) => string
  /** Names a job, taken or not. Default: `1`, `2`, … in the order in which they are taken. */
  readonly nextId?: () => string
  /** How a refusal is written. Default `envelope`. */
  readonly body?: BodyFormat
}

/** Takes jobs and does them later. Made by {@link acceptForLater}. */
export interface Later<Job> {
  /** Jobs taken and not done yet. */
  readonly pending: number
  /** What to answer: 202 when the job was taken, else a refusal with `retry-after`. */
  accept(job: Job): RefusedResponse
  /** Takes no more, and resolves when every job that was taken has ended. */
  drain(): Promise<void>
}

/**
 * Accept now, do later (requirement S1.1): 202 with `{"success":true,"data":{"id":"1","state":"queued"}}` where there is
 * room in the bounded queue of `gate`, and 503 with `retry-after` where there is none. What waits is in memory and gone
 * with the process, save that `drain` waits for it: jobs that must survive belong in a broker.
 */
export function acceptForLater<Job>(options: LaterOptions<Job>): Later<Job> {
  return new Desk(options)
}

class Desk<Job> implements Later<Job> {
  pending = 0
  readonly #options: LaterOptions<Job>
  #last = 0
  #shut = false
  #drained: (() => void)[] = []

  constructor(options: LaterOptions<Job>) {
    this.#options = options
  }

  accept(job: Job): RefusedResponse {
    const { gate, location, nextId, body } = this.#options
    if (this.#shut) return refuse(new Rejection('closed', gate.name, this.pending + 1, 0), body)
    // Named first: should naming fail, nothing was taken.
    const id = nextId === undefined ? String(this.#last + 1) : nextId()
    const place = location?.(id)
    let atOnce: Verdict | undefined
    let asking = true
    gate.enter({}, (verdict) => {
      if (asking) atOnce = verdict
      else if (verdict.admitted) void this.#do(job, id, verdict)
      else this.#end(() => this.#options.onFailure(new RejectedError(verdict), job, id))
    })
    asking = false
    const verdict = atOnce
    if (verdict?.admitted === false) return refuse(verdict, body)
    this.#last++
    this.pending++
    if (verdict !== undefined) void this.#do(job, id, verdict)
    return taken(id, verdict === undefined ? 'queued' : 'running', place)
  }

  drain(): Promise<void> {
    this.#shut = true
    return new Promise((resolve) => {
      if (this.pending === 0) resolve()
      else this.#drained.push(resolve)
    })
  }

  async #do(job: Job, id: string, permit: Permit): Promise<void> {
    try {
      await this.#options.work(job, id)
      permit.release('success')
      this.#end()
    } catch (error) {
      permit.release('failure')
      this.#end(() => this.#options.onFailure(error, job, id))
    }
  }

  #end(tell?: () => void): void {
    this.pending--
    tell?.()
    if (this.pending > 0 || !this.#shut) return
    for (const resolve of this.#drained.splice(0)) resolve()
  }
}

function taken(id: string, state: 'queued' | 'running', location: string | undefined): RefusedResponse {
  const body = JSON.stringify({ success: true, data: { id, state } })
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(new TextEncoder().encode(body).length),
    'cache-control': 'no-store',
  }
  if (location !== undefined) headers['location'] = location
  return { status: 202, headers, body }
}

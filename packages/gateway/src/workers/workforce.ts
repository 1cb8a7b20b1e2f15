import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { arbiter, type Arbiter } from 'sluice/arbiter'
import { ConfigProblems, type GatewayPlan } from '../config/index.ts'
import { LearnedLimits } from './learned-limits.ts'
import type { Applied, Order, Report, WorkerFigures } from './message.ts'
import { nameOf } from './own-worker.ts'
import { SharedBreakers } from './shared-breaker.ts'

export interface WorkforceOptions {
  /** How many; at least 1. */
  readonly workers: number
  /** The plan to begin with. */
  readonly plan: GatewayPlan
  /** Told what happens to them, a line each. */
  readonly say: (line: string) => void
  readonly onFigures: (number: number, figures: WorkerFigures) => void
  readonly onExit: (number: number) => void
}

/** A worker that lives so long was well, in ms: the next may follow at once. */
const WELL = 5000
/** Between two that did not live so long, in ms; at most, too. */
const [PAUSE, LONGEST] = [100, 5000]
/** For a worker to tell its figures, in ms. One that computes for longer is shown as it last was. */
const PATIENCE = 500

/** The workers of a gateway: started, followed by another where one ends, and ended together. */
export class Workforce {
  readonly #options: WorkforceOptions
  readonly #workers = new Map<number, Worker>()
  // The one process that does little else keeps count for all: nobody waits for its event loop.
  readonly #arbiter: Arbiter
  readonly #learned: LearnedLimits
  readonly #breakers: SharedBreakers
  readonly #listening = new Map<number, Worker>()
  /** By the number of what was asked. */
  readonly #asked = new Map<number, { readonly worker: Worker; answered(result?: Applied): void }>()
  #port = 0
  #plan: GatewayPlan
  #questions = 0
  #ending = false
  #worst = 0

  constructor(options: WorkforceOptions) {
    this.#options = options
    this.#plan = options.plan
    // Workers that accept by themselves: a connection on its way from this process to one that is killed would be heard of
    // no more, by neither. Figures are sent as they are: JSON knows neither infinity nor arrays of numbers.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    cluster.setupPrimary({ serialization: 'advanced' })
    this.#arbiter = arbiter({ name: nameOf(process.pid) })
    this.#learned = new LearnedLimits((number, order) => this.#send(number, { kind: 'part', order }))
    this.#breakers = new SharedBreakers((number, order) => this.#send(number, { kind: 'breaker', order }))
  }

  /** Where the workers listen for requests; 0 before the first does. */
  get port(): number {
    return this.#port
  }

  get pids(): readonly number[] {
    return [...this.#workers.values()].flatMap(({ process: { pid } }) => pid ?? [])
  }

  /** How many listen now. */
  get listening(): number {
    return this.#listening.size
  }

  /** Starts all. Returns the exit code of one that could not, which has said why; then none is left. */
  async start(): Promise<number | undefined> {
    for (let waited = 0; this.#arbiter.state.role !== 'host' && waited < 1000; waited += 5) await delay(5)
    const codes = await Promise.all(Array.from({ length: this.#options.workers }, (_, at) => this.#first(at + 1)))
    const failed = codes.find((code) => code !== undefined)
    if (failed === undefined) return undefined
    this.order({ kind: 'end' })
    await this.ended()
    return failed
  }

  order(order: Order): void {
    for (const number of this.#workers.keys()) this.#send(number, order)
  }

  /**
   * Brings a plan into force in all workers, or, where one cannot take it, in none; those that follow begin with it.
   * @returns what waits for a restart
   * @throws ConfigProblems and other errors of a worker
   */
  async apply(plan: GatewayPlan): Promise<readonly string[]> {
    this.#learned.leaving(this.#plan.limits)
    try {
      return await this.#bring(plan)
    } finally {
      this.#learned.left()
    }
  }

  async #bring(plan: GatewayPlan): Promise<readonly string[]> {
    const before = this.#plan
    this.#plan = plan
    const results = await this.#ask((id) => ({ kind: 'apply', id, plan }))
    const failed = results.find((result) => !('waiting' in result))
    if (failed === undefined && results.length > 0)
      return [...new Set(results.flatMap((result) => ('waiting' in result ? result.waiting : [])))]
    this.#plan = before
    if (failed === undefined) throw new Error('no worker is there to take it over')
    await this.#ask((id) => ({ kind: 'apply', id, plan: before }))
    throw 'problems' in failed ? new ConfigProblems(failed.problems) : new Error('error' in failed ? failed.error : '')
  }

  /** Hears what all have to tell, as far as they answer soon. @param ends a second is over */
  async tell(ends: boolean): Promise<void> {
    const heard = this.#ask((id) => ({ kind: 'tell', id, ends }))
    await Promise.race([heard, delay(PATIENCE, undefined, { ref: false })])
  }

  /** No more of them are started. Settles when the last has ended, with the worst exit code. */
  async ended(): Promise<number> {
    this.#ending = true
    await Promise.all(
      [...this.#workers.values()].map(async (worker) => worker.isDead() || (await once(worker, 'exit'))),
    )
    this.#arbiter.close()
    return this.#worst
  }

  #send(number: number, order: Order): void {
    const worker = this.#workers.get(number)
    // One that has just ended is not there to hear it.
    if (worker?.isConnected() === true) worker.send(order, undefined, () => {})
  }

  /** Asks all that listen; one that ends before it has answered is not waited for. */
  async #ask(question: (id: number) => Order): Promise<readonly Applied[]> {
    const results: Applied[] = []
    await Promise.all(
      [...this.#listening].map(async ([number, worker]) => {
        const id = ++this.#questions
        await new Promise<void>((resolve) => {
          const answered = (result?: Applied): void => {
            this.#asked.delete(id)
            if (result !== undefined) results.push(result)
            resolve()
          }
          this.#asked.set(id, { worker, answered })
          this.#send(number, question(id))
        })
      }),
    )
    return results
  }

  async #first(number: number): Promise<number | undefined> {
    const worker = this.#fork(number, PAUSE)
    return await new Promise((resolve) => {
      worker.on('message', (report: Report) => report.kind === 'listening' && resolve(undefined))
      worker.on('exit', (code) => resolve(code ?? 1))
    })
  }

  #fork(number: number, pause: number): Worker {
    const { say, onExit, workers } = this.#options
    const worker = cluster.fork({ SLUICE_WORKER: `${number}/${workers}` })
    const began = performance.now()
    const follows = this.#port !== 0
    let listened = false
    this.#workers.set(number, worker)
    worker.on('message', (report: Report) => {
      if (report.kind === 'listening') {
        listened = true
        if (follows) say(`worker ${number} listens again`)
      }
      this.#hear(number, worker, report)
    })
    worker.on('exit', (code, signal) => {
      this.#workers.delete(number)
      this.#listening.delete(number)
      for (const asked of this.#asked.values()) if (asked.worker === worker) asked.answered()
      this.#learned.gone(number)
      this.#breakers.gone(number)
      onExit(number)
      if (this.#ending) {
        this.#worst = Math.max(this.#worst, code ?? 1)
        return
      }
      // The first of all that does not get as far as listening ends everything.
      if (!listened && !follows) return
      const well = performance.now() - began > WELL
      say(`worker ${number} has ended (${signal ?? code}); another one follows`)
      setTimeout(
        () => !this.#ending && this.#fork(number, well ? PAUSE : Math.min(LONGEST, 2 * pause)),
        well ? 0 : pause,
      )
    })
    return worker
  }

  #hear(number: number, worker: Worker, report: Report): void {
    switch (report.kind) {
      case 'ready': {
        const plan = this.#plan
        worker.send({ kind: 'serve', plan } satisfies Order)
        // What comes into force before it listens, it would not hear of.
        worker.on('message', ({ kind }: Report) => {
          if (kind === 'listening' && plan !== this.#plan)
            void this.#ask((id) => ({ kind: 'apply', id, plan: this.#plan }))
        })
        return
      }
      case 'listening':
        this.#port = report.port
        this.#listening.set(number, worker)
        return
      case 'part':
        return this.#learned.hear(number, report.news)
      case 'breaker':
        return this.#breakers.hear(number, report.news)
      case 'figures':
        this.#options.onFigures(number, report.figures)
        return this.#asked.get(report.id)?.answered()
      case 'applied':
        return this.#asked.get(report.id)?.answered(report.result)
    }
  }
}

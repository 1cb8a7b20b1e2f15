import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { MachineStore } from './machine-store.ts'
import type { Order, Report } from './message.ts'
import { nameOf } from './own-worker.ts'

export interface WorkforceOptions {
  /** How many; at least 1. */
  readonly workers: number
  /** Told what happens to them, a line each. */
  readonly say: (line: string) => void
  /** A worker was told on its admin port that all are to end. */
  readonly onDrain: () => void
}

/** A worker that lives so long was well, in ms: the next may follow at once. */
const WELL = 5000
/** Between two that did not live so long, in ms; at most, too. */
const [PAUSE, LONGEST] = [100, 5000]

/** The workers of a gateway: started, followed by another where one ends, and ended together. */
export class Workforce {
  readonly #options: WorkforceOptions
  readonly #workers = new Map<number, Worker>()
  // The one process that does little else keeps count for all: nobody waits for its event loop.
  readonly #store: MachineStore
  readonly #listening = new Map<number, Extract<Report, { kind: 'listening' }>>()
  #ending = false
  #worst = 0

  constructor(options: WorkforceOptions) {
    this.#options = options
    // Workers that accept by themselves: a connection on its way from this process to one that is killed would be heard of
    // no more, by neither.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    this.#store = new MachineStore(nameOf(process.pid), options.workers)
  }

  /** Where the workers listen for requests, and each for what is to be known of it; `undefined` before the first does. */
  get ports(): { readonly port: number; readonly admin: readonly number[] } | undefined {
    const all = [...this.#listening].sort(([a], [b]) => a - b).map(([, told]) => told)
    return all[0] && { port: all[0].port, admin: all.map(({ adminPort }) => adminPort) }
  }

  get pids(): readonly number[] {
    return [...this.#workers.values()].flatMap(({ process: { pid } }) => pid ?? [])
  }

  /** Starts all. Returns the exit code of one that could not, which has said why; then none is left. */
  async start(): Promise<number | undefined> {
    for (let waited = 0; !this.#store.isHost && waited < 1000; waited += 5) await delay(5)
    const codes = await Promise.all(Array.from({ length: this.#options.workers }, (_, at) => this.#first(at + 1)))
    const failed = codes.find((code) => code !== undefined)
    if (failed === undefined) return undefined
    this.order('end')
    await this.ended()
    return failed
  }

  order(order: Order): void {
    for (const worker of this.#workers.values()) if (worker.isConnected()) worker.send(order)
  }

  /** No more of them are started. Settles when the last has ended, with the worst exit code. */
  async ended(): Promise<number> {
    this.#ending = true
    await Promise.all(
      [...this.#workers.values()].map(async (worker) => worker.isDead() || (await once(worker, 'exit'))),
    )
    this.#store.close()
    return this.#worst
  }

  async #first(number: number): Promise<number | undefined> {
    const worker = this.#fork(number, PAUSE)
    return await new Promise((resolve) => {
      worker.on('message', (report: Report) => report.kind === 'listening' && resolve(undefined))
      worker.on('exit', (code) => resolve(code ?? 1))
    })
  }

  #fork(number: number, pause: number): Worker {
    const worker = cluster.fork({ SLUICE_WORKER: `${number}/${this.#options.workers}` })
    const began = performance.now()
    let listened = false
    this.#workers.set(number, worker)
    worker.on('message', (report: Report) => {
      if (report.kind === 'drain') return this.#options.onDrain()
      listened = true
      if (this.#listening.has(number)) this.#options.say(`worker ${number} listens again`)
      this.#listening.set(number, report)
    })
    worker.on('exit', (code, signal) => {
      this.#workers.delete(number)
      if (this.#ending) {
        this.#worst = Math.max(this.#worst, code ?? 1)
        return
      }
      // The first of all that does not get as far as listening ends everything.
      if (!listened && !this.#listening.has(number)) return
      const well = performance.now() - began > WELL
      const { say } = this.#options
      say(`worker ${number} has ended (${signal ?? code}); another one follows`)
      setTimeout(
        () => !this.#ending && this.#fork(number, well ? PAUSE : Math.min(LONGEST, 2 * pause)),
        well ? 0 : pause,
      )
    })
    return worker
  }
}

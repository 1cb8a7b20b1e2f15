import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ArbiterOrders, ArbiterReport } from './arbiter-worker.ts'
import { Fleet, instant, type Used, type Worker } from './fleet-slots-rig.ts'
import { until } from './waiting.ts'

const PROGRAM = fileURLToPath(new URL('arbiter-worker.js', import.meta.url))

/** Several processes that share a limit through an arbiter, and an independent record of what each did when. */
export class Machine {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sluice-arbiter-'))
  readonly fleet: Fleet
  readonly #orders: Partial<ArbiterOrders>
  readonly #signalled = new Map<Worker, number>()

  constructor(limit: number, orders: Partial<ArbiterOrders> = {}) {
    this.#orders = { folder: this.folder, learning: 300, ...orders }
    this.fleet = new Fleet({ port: 0, limit }, PROGRAM)
  }

  add(orders: Partial<ArbiterOrders> = {}): Worker {
    const whole: Partial<ArbiterOrders> = { ...this.#orders, ...orders }
    return this.fleet.add(whole)
  }

  /** Kills a process, and says when. */
  async kill(worker: Worker): Promise<number> {
    const now = instant()
    this.#signalled.set(worker, now)
    await worker.kill()
    return now
  }

  /**
   * What was done when. A killed process does nothing from the signal on; its slots may be in other hands before anybody
   * is told that it has ended. What begins while the records are read is left out: one that was read before may tell of
   * a slot in use that another, read after it, has got since.
   */
  used(): Used[] {
    const now = instant()
    return this.fleet
      .used()
      .filter(({ from }) => from < now)
      .map((work) => {
        const worker = this.fleet.workers[work.worker]!
        return work.to === worker.killed ? { ...work, to: this.#signalled.get(worker) ?? work.to } : work
      })
  }

  /** The process that is the arbiter, once all have said what they are. */
  async host(): Promise<Worker> {
    const hosts = (): Worker[] => this.#alive.filter((worker) => roleOf(worker) === 'host')
    await until(
      'there is one arbiter',
      () => hosts().length === 1 && this.#alive.every((worker) => ['host', 'guest'].includes(roleOf(worker))),
    )
    return hosts()[0]!
  }

  get #alive(): Worker[] {
    return this.fleet.workers.filter(({ killed }) => killed === Infinity)
  }

  async stop(): Promise<void> {
    await this.fleet.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function roleOf({ state }: Worker): string {
  return (state as ArbiterReport | undefined)?.role ?? ''
}

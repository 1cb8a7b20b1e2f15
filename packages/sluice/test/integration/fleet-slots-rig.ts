import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FleetSlotsState } from '../../src/redis/index.ts'
import type { WorkerCommand, WorkerOrders } from './fleet-slots-worker.ts'
import { until } from './waiting.ts'

const PROGRAM = fileURLToPath(new URL('fleet-slots-worker.js', import.meta.url))

/** One piece of work, in ms of the machine's monotonic clock. */
export interface Used {
  readonly from: number
  readonly to: number
  readonly worker: number
  readonly fence: number
}

/** One arrival that waited, and what became of it. */
export interface Asked {
  readonly worker: number
  readonly priority: number
  readonly asked: number
  /** When it was let in, refused, or killed with its process; `Infinity` for never. */
  readonly answered: number
  readonly fate: 'granted' | 'refused' | 'killed' | 'none'
  readonly fence: number
}

/** A time at which a process did not run. */
export interface Standstill {
  readonly worker: number
  readonly from: number
  readonly to: number
}

/** One instance of a fleet: a process of its own. */
export class Worker {
  readonly child: ChildProcess
  readonly log: string
  state: FleetSlotsState | undefined
  killed: number = Infinity

  constructor(orders: WorkerOrders, program: string) {
    this.log = orders.log
    this.child = fork(program, [JSON.stringify(orders)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.child.on('message', (state) => {
      this.state = state as FleetSlotsState
    })
  }

  tell(command: WorkerCommand): void {
    if (this.killed === Infinity) this.child.send(command)
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await gone
    this.killed = instant()
  }
}

/** Now, on the clock all processes of a machine share. */
export function instant(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Several instances that share a limit, and an independent record of what each did when. */
export class Fleet {
  readonly workers: Worker[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-fleet-'))
  readonly #defaults: Partial<WorkerOrders> & Pick<WorkerOrders, 'port' | 'limit'>
  readonly #program: string

  constructor(defaults: Partial<WorkerOrders> & Pick<WorkerOrders, 'port' | 'limit'>, program: string = PROGRAM) {
    this.#defaults = defaults
    this.#program = program
  }

  add(orders: Partial<WorkerOrders> = {}): Worker {
    const number = this.workers.length
    const worker = new Worker(
      {
        log: join(this.#folder, `${number}`),
        loops: 8,
        lease: 1000,
        seed: number + 1,
        hold: [5, 15],
        long: 0,
        mode: 'share',
        onDown: 'closed',
        maxWait: 10_000,
        client: 'node-redis',
        heeds: true,
        skew: 0,
        priority: 2,
        wrong: [],
        ...this.#defaults,
        ...orders,
      },
      this.#program,
    )
    this.workers.push(worker)
    return worker
  }

  /** Waits until all of the limit is in use. */
  async busy(): Promise<void> {
    const { limit } = this.#defaults
    // Not all the time: whoever reads all records takes the time of those who are starting.
    await until('the whole limit is in use', () => sleep(20).then(() => this.running() >= limit))
  }

  /** How much is in use now. */
  running(): number {
    const now = instant()
    return this.used().filter(({ from, to }) => from <= now && to > now).length
  }

  used(): Used[] {
    const works: Used[] = []
    this.workers.forEach(({ log, killed }, worker) => {
      const open = new Map<string, { from: number; fence: number }>()
      for (const { time, event, work, more } of linesOf(log)) {
        const begun = open.get(work)
        if (event === '+') open.set(work, { from: time, fence: Number(more) })
        else if (event === '-' && begun !== undefined) {
          works.push({ ...begun, to: time, worker })
          open.delete(work)
        }
      }
      for (const begun of open.values()) works.push({ ...begun, to: killed, worker })
    })
    return works
  }

  asked(): Asked[] {
    const all: Asked[] = []
    this.workers.forEach(({ log, killed }, worker) => {
      const open = new Map<string, { asked: number; priority: number }>()
      for (const { time, event, work, more } of linesOf(log)) {
        const begun = open.get(work)
        if (event === '?') open.set(work, { asked: time, priority: Number(more) })
        else if ((event === '+' || event === 'x') && begun !== undefined) {
          const [fate, fence] = event === '+' ? (['granted', Number(more)] as const) : (['refused', 0] as const)
          all.push({ ...begun, worker, answered: time, fate, fence })
          open.delete(work)
        }
      }
      const fate = killed === Infinity ? 'none' : 'killed'
      for (const begun of open.values()) all.push({ ...begun, worker, answered: killed, fate, fence: 0 })
    })
    return all
  }

  /** When processes did not run although nobody stopped them. */
  standstills(): Standstill[] {
    return this.workers.flatMap(({ log }, worker) =>
      linesOf(log)
        .filter(({ event }) => event === '~')
        .map(({ time, more }) => ({ worker, from: time - Number(more), to: time })),
    )
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

interface Line {
  readonly time: number
  readonly event: string
  readonly work: string
  readonly more: string
}

function linesOf(path: string): Line[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // It has not begun yet.
    return []
  }
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [at = '', event = '', work = '', more = ''] = line.split(' ')
      return { time: Number(at) / 1e6, event, work, more }
    })
}

/** The most that was in use at once, between two instants. */
export function peakOf(used: readonly Used[], from: number = -Infinity, to: number = Infinity): number {
  const steps = used.flatMap((work) => [
    { at: work.from, by: 1 },
    { at: work.to, by: -1 },
  ])
  steps.sort((a, b) => a.at - b.at || a.by - b.by)
  let [level, peak] = [0, 0]
  for (const { at, by } of steps) {
    level += by
    if (at >= from && at <= to && level > peak) peak = level
  }
  return peak
}

/** The mean of what was in use between two instants. */
export function meanOf(used: readonly Used[], from: number, to: number): number {
  let sum = 0
  for (const work of used) sum += Math.max(0, Math.min(work.to, to) - Math.max(work.from, from))
  return sum / (to - from)
}

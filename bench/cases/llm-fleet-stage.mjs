// What the fleet's benchmark is played on: worker processes, a Redis, an emulated provider for each job, and what the
// emulator says of how much of its limit was used.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { PROFILES } from './llm-fleet-profiles.mjs'

const WORKER = fileURLToPath(new URL('llm-fleet-worker.mjs', import.meta.url))
const SLUICE = fileURLToPath(new URL('../../packages/gateway/dist/src/cli/main.js', import.meta.url))

/** So many callers in all; sixteen of them make calls eight times as large at first, six each. */
const [CALLERS, LARGE_CALLERS, LARGE, SIZE] = [64, 16, 6, 8]

export class Stage {
  workers = []
  #children = new Set()

  /** Has at least so many workers. */
  async grow(count) {
    while (this.workers.length < count) this.workers.push(this.#kept(fork(WORKER)))
    for (const worker of this.workers) worker.gone ??= once(worker, 'exit').then(() => undefined)
    await Promise.all(this.workers.map((worker) => (worker.isReady ??= once(worker, 'message'))))
  }

  #kept(child) {
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  async emulator(profile, ...more) {
    const flags = ['--ttft', '100ms', '--tokens-per-second', '4000', '--log', '0', '--port', '0', '--json']
    const args = [SLUICE, 'emulate', ...PROFILES[profile].emulator.map(String), ...flags, ...more]
    const child = this.#kept(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
    const [line] = await once(createInterface(child.stdout), 'line')
    return { url: JSON.parse(line).url, stop: () => child.kill('SIGTERM') }
  }

  /** Ends everything that was started. */
  async end() {
    const all = [...this.#children]
    for (const child of all) child.kill('SIGKILL')
    const open = all.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    await Promise.all(open.map((child) => once(child, 'exit')))
  }
}

async function tell(worker, order, job) {
  const answer = new Promise((resolve) => {
    const hear = (message) => {
      if (message.order !== order || message.id !== job.id) return
      worker.off('message', hear)
      resolve(message)
    }
    worker.on('message', hear)
  })
  if (!worker.connected) return undefined
  worker.send({ order, job })
  return Promise.race([answer, worker.gone])
}

let jobs = 0

/** One way of calling one provider, by some of the workers. */
export class Job {
  constructor(stage, { profile, processes, strategy = 'pool', redis, bias, first = 0 }) {
    this.stage = stage
    this.profile = profile
    this.first = first
    const id = `job-${++jobs}`
    this.job = { id, key: id, profile, processes, strategy, redis, bias, large: LARGE, size: SIZE }
  }

  get workers() {
    return this.stage.workers.slice(this.first, this.first + this.job.processes)
  }

  /**
   * Begins, and waits until little is left in the provider's bucket and what is left stays as it is, or so many ms. Large
   * answers that counted in the end leave a debt: while it is made up for, the level rises, and nothing can be used.
   */
  async begin(patience) {
    this.emulator = await this.stage.emulator(this.profile)
    const { processes } = this.job
    const begun = this.workers.map((worker, at) => {
      const mine = (of) => Math.floor(of / processes) + (at < of % processes ? 1 : 0)
      const job = { ...this.job, url: this.emulator.url, callers: mine(CALLERS), largeCallers: mine(LARGE_CALLERS) }
      return tell(worker, 'begin', job)
    })
    await Promise.all(begun)
    const until = performance.now() + patience
    let before = 0
    for (let steady = 0; steady < 3 && performance.now() < until;) {
      await sleep(1000)
      const { level, limit } = (await this.state()).usage[this.dimension]
      // What is not used at all rises by a sixtieth of the limit in a second.
      steady = level < 0.16 * limit && Math.abs(level - before) < 0.008 * limit ? steady + 1 : 0
      before = level
    }
    this.before = refusals(await this.state())
    await this.order('reset')
  }

  get dimension() {
    return PROFILES[this.profile].dimension
  }

  async state() {
    return (await fetch(`${this.emulator.url}/__emulator/state?log=0`)).json()
  }

  async order(what, body = {}) {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${this.emulator.url}/__emulator/${what}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(await response.text())
  }

  /** Looks every 200 ms for so long: what was used, what could have been, what was refused, all since the reset. */
  async watch(duration) {
    const since = performance.now()
    const seen = []
    while (performance.now() - since < duration) {
      const state = await this.state()
      const { charged, level, limit } = state.usage[this.dimension]
      seen.push({ at: performance.now() - since, charged, level, limit, refused: refusals(state) })
      await sleep(200)
    }
    return seen
  }

  async end() {
    const told = await Promise.all(this.workers.map((worker) => tell(worker, 'look', this.job)))
    await Promise.all(this.workers.map((worker) => tell(worker, 'end', this.job)))
    this.emulator.stop()
    return told
  }
}

/** What is seen at the ends is the mean of so many ms: calls come in lumps of up to a hundredth of the limit. */
const END = 3000

function meanOf(seen) {
  const mean = (field) => seen.reduce((sum, one) => sum + one[field], 0) / seen.length
  return { at: mean('at'), charged: mean('charged'), level: mean('level'), limit: seen.at(-1).limit }
}

/**
 * The part of what came back that was used. What lay in the bucket at the beginning and no longer does at the end does not
 * count; what was saved up is not used.
 */
export function usedOf(seen, foreign = 0) {
  const first = meanOf(seen.filter(({ at }) => at <= seen[0].at + END))
  const last = meanOf(seen.filter(({ at }) => at >= seen.at(-1).at - END))
  const drained = Math.max(0, first.level - last.level)
  const allowed = ((last.at - first.at) * last.limit) / 60_000
  const others = (foreign * (last.at - first.at)) / (seen.at(-1).at - seen[0].at)
  return (last.charged - first.charged - others - drained) / (allowed - others)
}

export function refusals({ refused }) {
  return Object.values(refused).reduce((sum, count) => sum + count, 0)
}

import { cpus } from 'node:os'
import { seeded, systemClock, type Millis, type Timer } from 'sluice'
import type { Check } from '../demo/verdict.ts'
import { closedLoop, httpTransport } from '../load/index.ts'
import { judge } from './judge.ts'
import { builtIn, target, type Place } from './place.ts'
import { scenario, type Scenario, type ScenarioName } from './scenario.ts'
import { seriesOf, type Moment } from './series.ts'
import { PAGE, PATIENCE, THINK } from './setting.ts'
import { Tape, type Figures } from './tape.ts'

export interface BenchOptions {
  /** Which, in this order. */
  readonly scenarios: readonly ScenarioName[]
  /** Length of each, in ms. At least 3,000. Default 30,000. */
  readonly length?: Millis
  /** Where load goes. Default: the built-in service behind a gate. */
  readonly url?: string
  /** Requests a user sends at once. Default: what the built-in service is sized for, and 1 for any other. */
  readonly page?: number
  /** False takes the gate of the built-in service away, to see the scenarios fail. Default true. */
  readonly protect?: boolean
  /** Which scenarios are run once more, on the built-in service without its gate, for comparison. Default none. */
  readonly compare?: (name: ScenarioName) => boolean
  /** Called four times a second. */
  readonly onProgress?: (progress: Progress) => void
  /** Stops the bench early. */
  readonly signal?: AbortSignal
}

/** Where a bench is. */
export interface Progress {
  readonly scenario: ScenarioName
  readonly protected: boolean
  readonly at: Millis
  readonly of: Millis
  readonly users: number
  /** In the second just past. */
  readonly served: number
  readonly rejected: number
  /** Waiting at the gate, where that can be seen. */
  readonly queued: number | undefined
}

/** A scenario, run once. */
export interface Arm {
  /** Of what is judged. */
  readonly figures: Figures
  /** Of all of it, for pictures. */
  readonly series: readonly Moment[]
  /** True when this machine had no time left: the figures then judge it, not the gate. */
  readonly busy: boolean
}

export interface ScenarioResult extends Arm {
  readonly name: ScenarioName
  /** For people. */
  readonly load: string
  readonly passed: boolean
  readonly checks: readonly Check[]
  /** The same load without the gate, where it was asked for. */
  readonly without: (Arm & { readonly checks: readonly Check[] }) | undefined
}

export interface BenchResult {
  readonly passed: boolean
  /** True when it was stopped before its end; what was finished by then is in it. */
  readonly stopped: boolean
  /** `undefined`: the built-in service. */
  readonly url: string | undefined
  readonly page: number
  readonly scenarios: readonly ScenarioResult[]
}

/** Every arm meets the same users. */
const SEED = 1
const LOOK: Millis = 250
/** More of the load's own timers late than this, or less of the processors idle, and a run says little. */
const MOST_LATE = 0.02
const LEAST_IDLE = 0.1

/**
 * Runs the load scenarios of S3.11, one after the other, each on processes of its own, and judges them.
 * @throws RangeError for a length or a page out of range; Error when a part cannot start or the target does not answer
 */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { url, length = 30_000, signal, protect = true } = options
  const page = options.page ?? (url === undefined ? PAGE : 1)
  const scenarios: ScenarioResult[] = []
  const stopped = (): boolean => signal?.aborted === true
  for (const name of options.scenarios) {
    const script = scenario(name, length)
    const place = async (): Promise<Place> => (url === undefined ? await builtIn(protect) : target(url))
    const arm = await runArm(script, place, { ...options, page }, protect)
    if (stopped()) break
    const compared = url === undefined && options.compare?.(name) === true
    const without = compared ? await runArm(script, () => builtIn(false), { ...options, page }, false) : undefined
    if (stopped()) break
    scenarios.push({ ...arm, name, load: script.load, passed: arm.checks.every(({ passed }) => passed), without })
  }
  const passed = !stopped() && scenarios.every((each) => each.passed)
  return { passed, stopped: stopped(), url, page, scenarios }
}

async function runArm(
  script: Scenario,
  start: () => Promise<Place>,
  { page = 1, signal, onProgress }: BenchOptions,
  guarded: boolean,
): Promise<Arm & { readonly checks: readonly Check[] }> {
  const place = await start()
  const transport = httpTransport({ url: place.url })
  let crashed: string | undefined
  const end = new AbortController()
  void place.gone.then((why) => {
    crashed = why
    end.abort()
  })
  let timer: Timer | undefined
  try {
    const tape = new Tape(await unloaded(place.url))
    const began = systemClock.now()
    const machine = idleShare()
    const users = (at: Millis): number => Math.round(script.users(at))
    const look = (): void => {
      timer = systemClock.after(LOOK, look)
      const at = systemClock.now() - began
      const held = place.look()
      if (held !== undefined) tape.samples.push({ at, users: users(at), ...held })
      const { served, rejected } = tape.figures({ from: at - 1000, to: at })
      const progress = { scenario: script.name, protected: guarded, at, of: script.duration, users: users(at) }
      onProgress?.({ ...progress, served, rejected, queued: held?.queued })
    }
    look()
    const { late } = await closedLoop({
      transport,
      users,
      duration: script.duration,
      think: THINK,
      page,
      patience: PATIENCE,
      random: seeded(SEED),
      signal: signal === undefined ? end.signal : AbortSignal.any([end.signal, signal]),
      onFate: (fate) => tape.fates.push(fate),
    })
    const series = seriesOf(tape, script)
    const busy = late > MOST_LATE || machine() < LEAST_IDLE
    return { figures: tape.figures(script.judged), series, busy, checks: judge({ scenario: script, tape, crashed }) }
  } finally {
    timer?.cancel()
    transport.close()
    await place.leave()
  }
}

/** Asked again, it says what share of this machine's processors has been idle since; 1 where that is not known. */
function idleShare(): () => number {
  const read = (): { idle: number; all: number } => {
    const times = cpus().map((each) => each.times)
    const idle = times.reduce((total, each) => total + each.idle, 0)
    return { idle, all: times.reduce((total, { user, nice, sys, irq }) => total + user + nice + sys + irq, idle) }
  }
  const before = read()
  return () => {
    const now = read()
    return now.all === before.all ? 1 : (now.idle - before.idle) / (now.all - before.all)
  }
}

/** The median of a few requests, one after the other: what an answer takes when nobody else asks. */
async function unloaded(url: string): Promise<Millis> {
  const transport = httpTransport({ url })
  const took: Millis[] = []
  const reasons: string[] = []
  const end = new AbortController()
  await closedLoop({
    transport,
    users: () => 1,
    duration: 5000,
    patience: 5000,
    signal: end.signal,
    onFate: ({ kind, latency, reason = kind }) => {
      if (kind === 'served') took.push(latency)
      else reasons.push(reason)
      if (took.length + reasons.length >= 9) end.abort()
    },
  })
  transport.close()
  if (took.length === 0) throw new Error(`${url} does not answer (${reasons[0] ?? 'nothing came within 5 s'})`)
  return took.sort((one, other) => one - other)[Math.floor(took.length / 2)]!
}

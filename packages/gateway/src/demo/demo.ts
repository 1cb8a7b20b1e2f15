import { seeded, type Millis } from 'sluice'
import { httpTransport, openLoop, type LiveSecond, type LoadReport } from '../load/index.ts'
import { startChild, type Child } from './child.ts'
import { plan, type Plan } from './plan.ts'
import { stage, type Move, type Stage } from './stage.ts'
import { judge, type Check } from './verdict.ts'

export interface DemoOptions {
  /** How long load is offered, in ms. At least 10,000. Default 60,000. */
  readonly duration?: Millis
  /** False takes the gate away from the side that has one, to see the verdict fail. Default true. */
  readonly protect?: boolean
  /** Called once a second. */
  readonly onSecond?: (second: DemoSecond) => void
  /** Told the address of the page, as soon as it can be looked at. Default: there is no page. */
  readonly onPage?: (url: string) => void
  /** Stops the demo early. */
  readonly signal?: AbortSignal
}

/** The second just past, on both sides. */
export interface DemoSecond {
  readonly withGate: LiveSecond
  readonly withoutGate: LiveSecond
  /** Of the gate. */
  readonly limit: number
  /** Waiting at the gate. */
  readonly queued: number
  /** Waiting at the upstream that has no gate in front. */
  readonly backlog: number
}

export interface DemoResult {
  readonly passed: boolean
  /** True when it was stopped before its end; then nothing was judged. */
  readonly stopped: boolean
  /** True when somebody moved a slider: from then on it went on by hand until it was stopped, and nothing was judged. */
  readonly byHand: boolean
  readonly plan: Plan
  readonly verdict: readonly Check[]
  readonly withGate: LoadReport
  readonly withoutGate: LoadReport
}

/** Both sides are offered the same arrivals, and every run is. */
const SEED = 1

/**
 * Offers the same load to two equal upstreams, one behind a gate and one without, and judges what came of it.
 *
 * Five processes, so that no part slows another's event loop: this one makes the load; each side has a gateway (the
 * same one, the gate being the only difference) and an upstream.
 * @throws RangeError for a duration out of range; Error when a part cannot start
 */
export async function runDemo(options: DemoOptions = {}): Promise<DemoResult> {
  const script = plan(options.duration ?? 60_000)
  const children: Child[] = []
  // A part that dies has failed the demo, not the gate.
  const death = new AbortController()
  const start = async (role: Parameters<typeof startChild>[0]): Promise<Child> => {
    const child = await startChild(role)
    children.push(child)
    void child.gone.then((why) => death.abort(new Error(why)))
    return child
  }
  const side = async (protect: boolean): Promise<Side> => {
    const upstream = await start({ role: 'upstream', slots: script.slots, service: script.service })
    const gateway = await start({ role: 'gateway', upstream: `http://127.0.0.1:${upstream.port}`, protect })
    return { upstream, gateway }
  }
  let shown: Stage | undefined
  try {
    const [guarded, bare] = await allOrThrow([side(options.protect ?? true), side(false)])
    const signal = AbortSignal.any([death.signal, ...(options.signal === undefined ? [] : [options.signal])])
    const run = new Run(script, guarded, bare, options.onSecond)
    if (options.onPage !== undefined) {
      const sides = { [GUARDED]: guarded.gateway.adminPort, [BARE]: bare.gateway.adminPort }
      shown = await stage({ sides, onMove: (move) => run.move(move) })
      run.shows(shown)
      options.onPage(shown.url)
    }
    const result = await run.play(signal)
    death.signal.throwIfAborted()
    return result
  } finally {
    shown?.close()
    await Promise.all(children.map((child) => child.stop()))
  }
}

const GUARDED = 'with the gate'
const BARE = 'without'

interface Side {
  readonly upstream: Child
  readonly gateway: Child
}

/** How long it goes on by hand, at most, before somebody stops it, in ms. */
const BY_HAND: Millis = 3_600_000

const WORDS: Readonly<Record<string, string>> = {
  'warm-up': 'less than can be done',
  before: 'less than can be done',
  onset: 'three times what can be done',
  spike: 'three times what can be done',
  after: 'less than can be done again',
}

/** Both sides under the same load: by the script, and by hand from the first move on. */
class Run {
  readonly #script: Plan
  readonly #guarded: Side
  readonly #bare: Side
  readonly #onSecond: DemoOptions['onSecond']
  readonly #end: number
  #stage: Stage | undefined
  #load: number
  #service: Millis
  #errors = 0
  /** Aborted by the first move, and by each that changes the load. */
  #moved = new AbortController()
  #byHand = false
  #seconds = 0

  constructor(script: Plan, guarded: Side, bare: Side, onSecond: DemoOptions['onSecond']) {
    this.#script = script
    this.#guarded = guarded
    this.#bare = bare
    this.#onSecond = onSecond
    this.#end = script.phases.reduce((sum, { duration }) => sum + duration, 0) / 1000
    this.#load = script.phases[0]!.rate / script.capacity
    this.#service = script.service
  }

  shows(stage: Stage): void {
    this.#stage = stage
    this.#show('about to begin')
  }

  move({ load = this.#load, service = this.#service, errors = this.#errors }: Move): void {
    const anew = !this.#byHand || load !== this.#load
    this.#load = load
    this.#service = service
    this.#errors = errors
    this.#byHand = true
    for (const { upstream } of [this.#guarded, this.#bare]) upstream.order({ service, errors })
    this.#show('by hand')
    if (!anew) return
    const before = this.#moved
    this.#moved = new AbortController()
    before.abort()
  }

  async play(signal: AbortSignal): Promise<DemoResult> {
    let [withGate, withoutGate] = await this.#offer(this.#script.phases, signal)
    while (this.#byHand && !signal.aborted) {
      const { capacity } = this.#script
      const phases = [{ name: 'by hand', rate: this.#load * capacity, duration: BY_HAND }]
      ;[withGate, withoutGate] = await this.#offer(phases, signal)
    }
    const stopped = withGate.stopped || withoutGate.stopped
    const verdict = stopped ? [] : judge(this.#script, withGate, withoutGate)
    this.#show(stopped ? 'stopped' : 'over', verdict)
    return {
      passed: !stopped && verdict.every(({ passed }) => passed),
      stopped,
      byHand: this.#byHand,
      plan: this.#script,
      verdict,
      withGate,
      withoutGate,
    }
  }

  #offer(phases: Plan['phases'], stop: AbortSignal): Promise<[LoadReport, LoadReport]> {
    const signal = AbortSignal.any([stop, this.#moved.signal])
    let withoutGate: LiveSecond | undefined
    let withGate: LiveSecond | undefined
    const tell = (): void => {
      if (withGate === undefined || withoutGate === undefined || withGate.at !== withoutGate.at) return
      const { limit = 0, queued } = this.#guarded.gateway.load
      this.#seconds = withGate.at
      if (!this.#byHand) this.#load = withGate.phase.rate / this.#script.capacity
      this.#show(WORDS[withGate.phase.name] ?? withGate.phase.name)
      this.#onSecond?.({ withGate, withoutGate, limit, queued, backlog: this.#bare.upstream.load.queued })
    }
    return Promise.all([
      offer(phases, this.#guarded, signal, (second) => {
        withGate = second
        tell()
      }),
      offer(phases, this.#bare, signal, (second) => {
        withoutGate = second
        tell()
      }),
    ])
  }

  #show(phase: string, verdict: readonly Check[] = []): void {
    this.#stage?.show({
      phase,
      load: this.#load,
      service: this.#service,
      errors: this.#errors,
      left: this.#byHand || verdict.length > 0 ? 0 : Math.max(0, Math.round(this.#end - this.#seconds)),
      verdict: verdict.map(({ name, passed, detail }) => ({ passed, says: `${name}: ${detail}` })),
    })
  }
}

async function offer(
  phases: Plan['phases'],
  { gateway }: Side,
  signal: AbortSignal | undefined,
  onSecond: (second: LiveSecond) => void,
): Promise<LoadReport> {
  const transport = httpTransport({ url: `http://127.0.0.1:${gateway.port}/` })
  try {
    return await openLoop({ transport, phases, random: seeded(SEED), onSecond, ...(signal && { signal }) })
  } finally {
    transport.close()
  }
}

/** Waits for both even when one fails, so that whatever did start is known and can be ended. */
async function allOrThrow<T>(tasks: readonly [Promise<T>, Promise<T>]): Promise<readonly [T, T]> {
  const [first, second] = await Promise.allSettled(tasks)
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
  return [first.value, second.value]
}

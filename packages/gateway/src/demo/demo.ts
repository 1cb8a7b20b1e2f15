import { seeded, type Millis } from 'sluice'
import { httpTransport, openLoop, type LiveSecond, type LoadReport } from '../load/index.ts'
import { startChild, type Child } from './child.ts'
import { plan, type Plan } from './plan.ts'
import { judge, type Check } from './verdict.ts'

export interface DemoOptions {
  /** How long load is offered, in ms. At least 10,000. Default 60,000. */
  readonly duration?: Millis
  /** False takes the gate away from the side that has one, to see the verdict fail. Default true. */
  readonly protect?: boolean
  /** Called once a second. */
  readonly onSecond?: (second: DemoSecond) => void
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
  try {
    const sides = await allOrThrow([side(options.protect ?? true), side(false)])
    const signal = AbortSignal.any([death.signal, ...(options.signal === undefined ? [] : [options.signal])])
    const result = await compare(script, sides, { ...options, signal })
    death.signal.throwIfAborted()
    return result
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

interface Side {
  readonly upstream: Child
  readonly gateway: Child
}

async function compare(
  script: Plan,
  [guarded, bare]: readonly [Side, Side],
  { onSecond, signal }: DemoOptions,
): Promise<DemoResult> {
  let withoutGate: LiveSecond | undefined
  let withGate: LiveSecond | undefined
  const tell = (): void => {
    if (withGate === undefined || withoutGate === undefined || withGate.at !== withoutGate.at) return
    const { limit = 0, queued } = guarded.gateway.load
    onSecond?.({ withGate, withoutGate, limit, queued, backlog: bare.upstream.load.queued })
  }
  const [guardedReport, bareReport] = await Promise.all([
    offer(script, guarded, signal, (second) => {
      withGate = second
      tell()
    }),
    offer(script, bare, signal, (second) => {
      withoutGate = second
      tell()
    }),
  ])
  const stopped = guardedReport.stopped || bareReport.stopped
  const verdict = stopped ? [] : judge(script, guardedReport, bareReport)
  return {
    passed: !stopped && verdict.every(({ passed }) => passed),
    stopped,
    plan: script,
    verdict,
    withGate: guardedReport,
    withoutGate: bareReport,
  }
}

async function offer(
  { phases }: Plan,
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

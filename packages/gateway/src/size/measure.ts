import type { Clock, Millis } from 'sluice'
import { closedLoop, type Transport } from '../load/index.ts'
import { Stopwatch } from '../load/stopwatch.ts'

export interface MeasureOptions {
  readonly transport: Transport
  /** How long each number of users asks, in ms; the first third is not counted. Ten times that where one request takes longer. Default 1000. */
  readonly step?: Millis
  /** No more users than this. Default 512. */
  readonly most?: number
  readonly onStep?: (step: MeasuredStep) => void
  readonly signal?: AbortSignal
  /** Default the system's. */
  readonly clock?: Clock
}

/** What so many users, asking without a pause, got. */
export interface MeasuredStep {
  readonly users: number
  /** Answers 2xx a second. */
  readonly rate: number
  /** Of those, in ms. */
  readonly mean: Millis
  readonly p95: Millis
  /** Everything that was not answered 2xx. */
  readonly lost: number
  /** Why most of it was not. */
  readonly reason: string | undefined
}

/** What a service was seen to do. */
export interface Measurement {
  /** The most it answered, in requests a second. */
  readonly rate: number
  /** What a request takes when it waits for nobody, in ms: the mean with one user. */
  readonly latency: Millis
  /** 95th percentile where the rate first came within a tenth of the most, in ms. */
  readonly p95: Millis
  /** Why no more users were tried. */
  readonly ended: 'saturated' | 'refused' | 'most' | 'stopped'
  readonly steps: readonly MeasuredStep[]
}

/** Twice the users and not this much more answers: it is full. */
const GAIN = 1.1
/** More than this share unanswered, and it is more than full. */
const LOSS = 0.01

/**
 * Doubles the users until more of them bring no more answers. Little's law then says how many the service works on at
 * once: the most it answers times what one request takes when it is alone. Users beyond that only wait.
 * @throws Error when not even one user gets an answer
 */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { onStep, most = 512, signal } = options
  const steps: MeasuredStep[] = []
  let ended: Measurement['ended'] = 'most'
  let duration = options.step ?? 1000
  for (let users = 1; users <= most; users *= 2) {
    let step = await measureStep(options, users, duration)
    if (users === 1 && step.rate === 0 && step.lost === 0) step = await measureStep(options, 1, (duration *= 10))
    if (signal?.aborted === true) {
      ended = 'stopped'
      break
    }
    const before = steps.at(-1)
    if (before === undefined && step.rate === 0)
      throw new Error(`one request at a time gets no answer (${step.reason ?? 'none came'})`)
    onStep?.(step)
    steps.push(step)
    if (step.lost > LOSS * step.rate) {
      ended = 'refused'
      break
    }
    if (before !== undefined && step.rate < GAIN * before.rate) {
      ended = 'saturated'
      break
    }
  }
  if (steps.length === 0) throw new Error('stopped before anything was measured')
  const rate = Math.max(...steps.map((step) => step.rate))
  const knee = steps.find((step) => step.rate * GAIN >= rate)!
  return { rate, latency: steps[0]!.mean, p95: knee.p95, ended, steps }
}

async function measureStep(
  { transport, signal, clock }: MeasureOptions,
  users: number,
  duration: Millis,
): Promise<MeasuredStep> {
  const warm = duration / 3
  const watch = new Stopwatch()
  const reasons = new Map<string, number>()
  await closedLoop({
    transport,
    users: () => users,
    duration,
    // Slow is not lost.
    patience: 10 * duration,
    ...(signal && { signal }),
    ...(clock && { clock }),
    onFate({ kind, at, latency, reason = kind }) {
      if (at < warm) return
      if (kind === 'served') watch.record(latency)
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    },
  })
  const seconds = (duration - warm) / 1000
  const lost = [...reasons.values()].reduce((total, each) => total + each, 0) / seconds
  const [reason] = [...reasons].sort(([, one], [, other]) => other - one)[0] ?? []
  const { count, mean } = watch.latency
  return { users, rate: count / seconds, mean, p95: watch.at(95), lost, reason }
}

/** The measurement as a table and one sentence. */
export function explainMeasurement({ rate, latency, p95, ended, steps }: Measurement): string {
  const lines = ['users  answers/s  mean ms  p95 ms  lost/s']
  for (const step of steps)
    lines.push(
      [step.users, step.rate, step.mean, step.p95, step.lost]
        .map((value, index) => value.toFixed(index === 2 || index === 3 ? 1 : 0).padStart([5, 9, 7, 6, 6][index]!))
        .join('  '),
    )
  lines.push(
    '',
    `measured: lambda ${rate.toFixed(0)}/s, W ${latency.toFixed(1)} ms unloaded, p95 ${p95.toFixed(1)} ms where it is full; ${ENDINGS[ended]}`,
  )
  return `${lines.join('\n')}\n`
}

const ENDINGS: Readonly<Record<Measurement['ended'], string>> = {
  saturated: 'more users brought no more answers',
  refused: 'with more users answers failed or were refused',
  most: 'it never filled up: the figures are what was offered, not what it can do',
  stopped: 'it was stopped early',
}

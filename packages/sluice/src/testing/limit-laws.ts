import type { Instant } from '../ground/index.ts'
import { limiter } from '../gate/index.ts'
import type { LimitAlgorithm, Step, Window } from '../limit/index.ts'
import { fifo } from '../queue/index.ts'
import { VirtualClock } from '../sim/index.ts'
import {
  choose,
  forAll,
  scripts,
  type Arbitrary,
  type LawOptions,
  type LawRunner,
  type PropertyTester,
} from './property.ts'

/** What every limit algorithm is held to. */
export const LIMIT_LAWS = {
  1: 'the limit is finite, at least 1, and within the bounds it was given',
  2: 'a step changes neither the state nor the window it is given',
  3: 'equal inputs give equal outputs',
  4: 'the state survives JSON, and the run goes on from there as if nothing had happened',
  5: 'every step says why, and when the next window ends',
  6: 'windows in which the limit held nobody back never lift it above where it has been',
  7: 'a limiter enforces what its algorithm says, rounded down',
} as const

export interface LimitLawOptions extends LawOptions {
  /** The bounds the algorithm was given. Default: 1 and none. */
  readonly min?: number
  readonly max?: number
}

const LASTED = [1000, 50, 0, 1e7, 0.01] as const
const COUNTS = [20, 0, 1, 200, 1e6] as const
const DROPS = [0, 0, 1, 5, 1000] as const
const TYPICAL = [10, 10, 11, 20, 100, 1, 0.001, 1e6, 1e9] as const
const ERRORS = [0.1, 0, 0.02, 0.5, 1] as const
const BOUND = [1, 0, 0.4, 0.6, 1] as const
const INFLIGHT = [10, 0, 0.5, 1000, 3] as const

/** What a meter may tell, however unlikely; the instants come when they are played. */
type Told = Omit<Window, 'start' | 'end'> & { readonly lasted: number }

function windows(fc: PropertyTester, options: LawOptions): Arbitrary<Told[]> {
  return scripts(fc, options, 8, ([lasted, n, drops, time, doubt, bound, inflight, cut]) => {
    const count = choose(COUNTS, n)
    const typical = count === 0 ? 0 : choose(TYPICAL, time)
    return {
      lasted: choose(LASTED, lasted),
      completed: count,
      dropped: choose(DROPS, drops),
      peakInflight: choose(INFLIGHT, inflight),
      meanInflight: choose(INFLIGHT, inflight),
      bound: choose(BOUND, bound),
      cut: cut === 1,
      rtt: {
        count,
        min: typical / 2,
        mean: typical,
        typical,
        error: count < 2 ? 1 : choose(ERRORS, doubt),
        p50: typical,
        p90: typical * 2,
        p99: typical * 5,
      },
    }
  })
}

/**
 * Holds a limit algorithm to the {@link LIMIT_LAWS}, with windows as wild as a meter could ever tell of.
 *
 * ```ts
 * limitLaws('my limit', { describe, it }, fc, () => myLimit({ min: 2, max: 50 }), { min: 2, max: 50 })
 * ```
 */
export function limitLaws(
  name: string,
  runner: LawRunner,
  fc: PropertyTester,
  make: () => LimitAlgorithm,
  options: LimitLawOptions = {},
): void {
  const { min = 1, max = Number.MAX_VALUE } = options

  const judge = (step: Step<unknown>): void => {
    const { limit, reason, until } = step
    if (!(limit >= Math.max(1, min) && limit <= max)) broken(1, `${limit} is not from ${min} to ${max}`)
    const { samples, error, atLeast, atMost } = until
    if (!(reason !== '' && samples >= 1 && error > 0 && atLeast >= 0 && atMost >= atLeast && atMost < Infinity))
      broken(5, JSON.stringify({ reason, until }))
  }

  const play = async (told: readonly Told[]): Promise<void> => {
    const algorithm = make()
    let now: Instant = 1000.25
    let step = frozen(algorithm.init())
    let highest = step.limit
    judge(step)
    for (const { lasted, ...rest } of told) {
      const window: Window = frozen({ start: now, end: now + lasted, ...rest })
      now += lasted
      const next = take(() => algorithm.step(step.state, window))
      judge(next)
      same(3, next, make().step(step.state, window))
      const revived: unknown = JSON.parse(JSON.stringify(step.state))
      same(4, step.state, revived)
      same(4, next, make().step(revived, window))
      if (window.bound === 0 && next.limit > highest)
        broken(6, `${step.limit} became ${next.limit} (${next.reason}), the highest had been ${highest}`)
      highest = Math.max(highest, next.limit)
      step = next
    }
  }

  runner.describe(`limit laws: ${name}`, () => {
    runner.it('laws 1 to 6 hold for whatever windows', () => forAll(fc, options, windows(fc, options), play))

    runner.it('law 6 from the start: an idle service never learns a higher limit', () =>
      forAll(fc, options, windows(fc, options), (told) => play(told.map((window) => ({ ...window, bound: 0 })))),
    )

    runner.it(`law 7: ${LIMIT_LAWS[7]}`, () => forAll(fc, { ...options, runs: 20 }, windows(fc, options), obeyed(make)))
  })
}

/** Runs a real limiter, its work lasting as long as the windows say, and compares after every ending. */
function obeyed(make: () => LimitAlgorithm): (told: readonly Told[]) => Promise<void> {
  return async (told) => {
    const algorithm = make()
    let said = algorithm.init().limit
    const listening: LimitAlgorithm = {
      name: algorithm.name,
      init: () => algorithm.init(),
      step(state, window) {
        const step = algorithm.step(state, window)
        said = step.limit
        return step
      },
    }
    const clock = new VirtualClock(1000.25)
    const gate = limiter({ limit: listening, queue: fifo({ capacity: 50, maxWait: 1e9 }), clock })
    for (const { rtt } of told)
      for (let count = 0; count < 30; count++)
        gate.enter({}, (verdict) => {
          if (!verdict.admitted) return
          clock.after(Math.min(1000, rtt.typical + 1), () => {
            verdict.release('success')
            const { limit } = gate.stats
            if (limit !== Math.max(1, Math.floor(said))) broken(7, `the algorithm said ${said}, the limit is ${limit}`)
          })
        })
    clock.advance(60_000)
  }
}

function take(attempt: () => Step<unknown>): Step<unknown> {
  try {
    return frozen(attempt())
  } catch (error) {
    return broken(2, String(error))
  }
}

/** Freezes plain data all the way down: modules are strict, so that whoever writes to it throws. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}

/** Compares plain data, where nothing may have been lost: not a `NaN`, not an `undefined`. */
function same(law: 3 | 4, one: unknown, other: unknown): void {
  if (!alike(one, other)) broken(law, `${JSON.stringify(one)} became ${JSON.stringify(other)}`)
}

function alike(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other)
  const keys = Object.keys(one)
  if (keys.length !== Object.keys(other).length) return false
  return keys.every((key) => alike((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]))
}

function broken(law: keyof typeof LIMIT_LAWS, what: string): never {
  throw new Error(`law ${law} is broken (${LIMIT_LAWS[law]})\n  ${what}`)
}

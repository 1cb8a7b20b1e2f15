import type { Arrival, Instant, Millis, Outcome, Priority } from '../ground/index.ts'
import { choose, scripts, type Arbitrary, type LawOptions, type PropertyTester } from './property.ts'

/**
 * What an answer does besides being noted: nothing; throw; release its own permit; let two others in behind it; release
 * somebody else's permit; cancel somebody else's waiting; try the gate.
 */
export type Mood = 'calm' | 'throws' | 'releases' | 'asks' | 'frees' | 'cancels' | 'tries'

/** One thing that happens to a gate. Fields that do not matter for it are ignored. */
export interface GateStep {
  readonly does: 'enter' | 'try' | 'acquire' | 'release' | 'release again' | 'dispose' | 'cancel' | 'tick' | 'close'
  /** Which of those who can be meant, counted round. */
  readonly who: number
  /** `undefined`: not said. */
  readonly cost: number | undefined
  readonly priority: Priority | undefined
  readonly flow: string | undefined
  readonly maxWait: Millis | undefined
  /** From now, in ms. */
  readonly deadline: Millis | undefined
  readonly mood: Mood
  readonly outcome: Outcome
  /** How long `tick` lasts, in ms. */
  readonly duration: Millis
}

export interface GateScript {
  /** False: everybody costs 1, and what is in flight can be counted. */
  readonly weighted: boolean
  /** How it comes to an end: all waiters cancelled, everybody served, or the gate closed. */
  readonly ending: 'cancel' | 'serve' | 'close'
  readonly steps: readonly GateStep[]
}

// The first of each is what a counterexample shrinks to. Quarters add up without rounding.
const DOES: readonly [GateStep['does'], ...GateStep['does'][]] = [
  'enter',
  'enter',
  'release',
  'enter',
  'tick',
  'acquire',
  'release',
  'cancel',
  'try',
  'release again',
  'dispose',
  'enter',
  'tick',
  'release',
]
const COSTS = [undefined, 2, 1, 3, 0.25, 2, 50] as const
const PRIORITIES = [undefined, 0, 1, 2, 3] as const
const FLOWS = [undefined, 'a', 'b'] as const
const WAITS = [undefined, 10, 0, undefined, 3.25, 5, 0.75, 40, 2500, Infinity] as const
const DEADLINES = [undefined, undefined, undefined, 5.5, undefined, 0, 60.25, undefined] as const
const MOODS = ['calm', 'calm', 'calm', 'throws', 'releases', 'asks', 'frees', 'cancels', 'calm', 'tries'] as const
const OUTCOMES = ['success', 'failure', 'dropped', 'ignored'] as const
const DURATIONS = [1, 0.25, 5, 0.5, 10, 100, 3, 1000] as const
const ENDINGS = ['cancel', 'serve', 'close'] as const

/** Every fortieth or so: a gate that is always closed early shows nothing else. */
const CLOSES = 9750

export function gateScripts(fc: PropertyTester, options: LawOptions): Arbitrary<GateScript> {
  return scripts(fc, options, 9, decode).map((steps) => {
    const [first] = steps
    return {
      weighted: (first?.who ?? 0) % 2 === 1,
      ending: choose(ENDINGS, Math.floor((first?.who ?? 0) / 2)),
      steps,
    }
  })
}

const WIDTHS_DOES = ['enter', 'release', 'tick', 'enter', 'cancel'] as const
const WIDTHS = [1, 2, 3] as const
const PATIENCES = [100, 3, 10, undefined] as const

/** Scripts about nothing but wide and narrow ones that wait, give up and end: what rarely meets in the others. */
export function widthScripts(fc: PropertyTester, options: LawOptions): Arbitrary<GateScript> {
  return scripts(fc, options, 9, (row) => {
    const [does, who = 0, cost, , maxWait, , , , duration] = row
    return {
      ...decode(row.with(6, 0)),
      does: choose(WIDTHS_DOES, does),
      who,
      cost: choose(WIDTHS, cost),
      maxWait: choose(PATIENCES, maxWait),
      deadline: undefined,
      duration: choose(DURATIONS, duration),
    }
  }).map((steps) => ({ weighted: true, ending: 'serve', steps }))
}

function decode(row: readonly number[]): GateStep {
  const [does = 0, who = 0, cost, rank, maxWait, deadline, mood, outcome, duration] = row
  return {
    does: does >= CLOSES ? 'close' : choose(DOES, does),
    who,
    cost: choose(COSTS, cost),
    priority: choose(PRIORITIES, rank),
    flow: choose(FLOWS, Math.floor((rank ?? 0) / PRIORITIES.length)),
    maxWait: choose(WAITS, maxWait),
    deadline: choose(DEADLINES, deadline),
    mood: choose(MOODS, mood),
    outcome: choose(OUTCOMES, outcome),
    duration: choose(DURATIONS, duration),
  }
}

/** What a step asks for. What is not said is left out: gates may look for the field itself. */
export function arrivalOf(step: GateStep, weighted: boolean, now: Instant): Arrival {
  const { maxWait, priority, flow, cost, deadline } = step
  return {
    ...(maxWait === undefined ? {} : { maxWait }),
    ...(priority === undefined ? {} : { priority }),
    ...(flow === undefined ? {} : { flow }),
    ...(weighted && cost !== undefined ? { cost } : {}),
    ...(deadline === undefined ? {} : { deadline: now + deadline }),
  }
}

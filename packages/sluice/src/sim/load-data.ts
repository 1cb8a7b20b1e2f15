import type { Instant, Millis, Priority } from '../ground/index.ts'
import { closestBursts } from './arrivals.ts'
import type { Field } from './field.ts'
import { checkMix, type MixData } from './mix.ts'
import { checkService, type ServiceData } from './service-data.ts'

/** How many users there may be: each has a timer, and a million of them take seconds for each second of a run. */
const MOST_USERS = 1_000_000
/** Arrivals per second there may be, and multiples of what the plant can do: beyond that virtual time would stand still. */
const FASTEST = { rate: 1e9, times: 1e6 } as const

/** A number, or one at the beginning and one at the end. */
export type Course = number | readonly [number, number]

/** Bursts within a phase, as data. In the unit of the phase. */
export interface BurstsData {
  /** From one burst to the next, in ms. At least a millionth of what the phase lasts. */
  readonly every: Millis
  /** How long a burst lasts, in ms. Above 0, at most `every`. */
  readonly on: Millis
  /** What comes in a burst: arrivals per second, or a multiple of capacity, as the phase counts. At least 0. */
  readonly to: number
}

/** A part of a run, as data. */
export interface PhaseData {
  /** For people. Default `phase 1`, `phase 2`, … */
  readonly name?: string
  /** In ms. Above 0. */
  readonly lasts: Millis
  /** Arrivals per second; `[from, to]` is a ramp. 0 to 1e9. Default 0, unless `times` says. */
  readonly rate?: Course
  /** The same as a multiple of what the healthy plant can do. 0 to 1e6. */
  readonly times?: Course
  readonly bursts?: BurstsData
  /** How many closed-loop users there are. A whole number, 0 to 1,000,000. Default: as many as before, at first 0. */
  readonly users?: number
  /** How much of its beginning is left out of its figures, in ms. At least 0. Default 0. */
  readonly settle?: Millis
}

/** A recorded arrival, as data. */
export interface TraceEntry {
  /** When it came, in ms from the beginning. At least 0, in order. */
  readonly at: Instant
  /** Default: nobody tells them apart. */
  readonly flow?: string
  /** Default 2. */
  readonly priority?: Priority
  /** Default 1. */
  readonly cost?: number
  /** Default `/`. */
  readonly route?: string
  /** Default 1. */
  readonly work?: number
}

/** What comes, as data. */
export interface LoadData extends MixData {
  /** At random, or at even distances. Default `poisson`. */
  readonly arrivals?: 'poisson' | 'even'
  /** One after the other. At least one. */
  readonly phases: readonly PhaseData[]
  /** How long users think between two requests; 1 ms where that, and the request, took no time. Default exponential, 1 s. */
  readonly think?: ServiceData
  /** Arrivals that come besides those of the phases. */
  readonly trace?: readonly TraceEntry[]
}

/** @throws RangeError naming the field that is wrong */
export function checkLoad(field: Field): void {
  field.keys('arrivals', 'phases', 'think', 'trace', 'classes', 'tenants')
  field.maybe('arrivals')?.oneOf('poisson', 'even')
  for (const phase of field.at('phases').list(1)) checkPhase(phase)
  const think = field.maybe('think')
  if (think !== undefined) checkService(think)
  const { classes, tenants } = field.value as MixData
  checkMix(field.part({ ...(classes && { classes }), ...(tenants && { tenants }) }))
  let last = 0
  for (const entry of field.maybe('trace')?.list() ?? []) {
    entry.keys('at', 'flow', 'priority', 'cost', 'route', 'work')
    last = entry.at('at').number(last)
    entry.maybe('flow')?.text()
    entry.maybe('priority')?.whole(0, 3)
    entry.maybe('cost')?.number(Number.MIN_VALUE)
    entry.maybe('route')?.text()
    entry.maybe('work')?.number(Number.MIN_VALUE)
  }
}

function checkPhase(field: Field): void {
  field.keys('name', 'lasts', 'rate', 'times', 'bursts', 'users', 'settle')
  field.maybe('name')?.text()
  const lasts = field.at('lasts').number(Number.MIN_VALUE)
  if (field.maybe('rate') !== undefined && field.maybe('times') !== undefined) field.at('times').refuse('rate or times')
  for (const unit of ['rate', 'times'] as const) {
    const course = field.maybe(unit)
    if (course === undefined) continue
    if (!Array.isArray(course.value)) course.number(0, FASTEST[unit])
    else if (course.value.length !== 2) course.refuse('a number, or a pair from … to')
    else for (const end of course.list()) end.number(0, FASTEST[unit])
  }
  const bursts = field.maybe('bursts')?.keys('every', 'on', 'to')
  if (bursts !== undefined) {
    bursts.at('on').number(Number.MIN_VALUE, bursts.at('every').number(closestBursts(lasts)))
    bursts.at('to').number(0, FASTEST[field.maybe('times') === undefined ? 'rate' : 'times'])
    if (Array.isArray(field.at('rate').value ?? field.at('times').value)) bursts.refuse('no bursts on a ramp')
  }
  field.maybe('users')?.whole(0, MOST_USERS)
  field.maybe('settle')?.number(0, lasts)
}

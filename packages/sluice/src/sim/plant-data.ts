import type { Millis } from '../ground/index.ts'
import type { Balancing } from './balancer.ts'
import type { Field } from './field.ts'
import type { PausesData } from './pausing-clock.ts'
import { checkService, type ServiceData } from './service-data.ts'

/** A pool of workers with an unbounded line behind it, as data. */
export interface WorkersData {
  readonly kind: 'workers'
  /** How many work at once. A whole number of at least 1. */
  readonly slots: number
  readonly service: ServiceData
  /** How much slower everything is for each one in it beyond the slots; 0.02 is 2 %. At least 0. Default 0. */
  readonly thrash?: number
  readonly pauses?: PausesData
}

/** A Node process, as data. */
export interface EventLoopData {
  readonly kind: 'event-loop'
  /** CPU for each arrival before the gate is asked, in ms. At least 0. Default 0.05. */
  readonly accept?: Millis
  /** CPU of the handler before it waits. Default 0. */
  readonly before?: ServiceData
  /** Waiting for others. Default 0. */
  readonly wait?: ServiceData
  /** CPU of the handler after it has waited. Default 0. */
  readonly after?: ServiceData
  /** CPU for each refusal, in ms. At least 0. Default 0.05. */
  readonly refusal?: Millis
  /** When whoever is let in begins: in the turn in which the gate said so, or a turn later. Default `direct`. */
  readonly admission?: 'direct' | 'yield'
  readonly pauses?: PausesData
}

/** Something that takes its time and is never full, as data. */
export interface DependencyData {
  readonly kind: 'dependency'
  readonly delay: ServiceData
  readonly pauses?: PausesData
}

/** Several instances behind a balancer, as data. */
export interface BalancedData {
  readonly kind: 'balanced'
  /** Default `turn`. */
  readonly by?: Balancing
  readonly instances: readonly SinglePlantData[]
}

/** Several in a row: each calls the next in the middle of its work, and holds its slot meanwhile. As data. */
export interface TiersData {
  readonly kind: 'tiers'
  readonly tiers: readonly (SinglePlantData | BalancedData)[]
  /** Where there are gates. Default `first`. */
  readonly gates?: 'first' | 'each'
}

export type SinglePlantData = WorkersData | EventLoopData | DependencyData

/** What does the work, as data. */
export type PlantData = SinglePlantData | BalancedData | TiersData

/** @throws RangeError naming the field that is wrong */
export function checkPlant(field: Field): void {
  const kind = kindOf(field, 'workers', 'event-loop', 'dependency', 'balanced', 'tiers')
  if (kind !== 'tiers') return checkTier(field)
  field.keys('kind', 'tiers', 'gates').maybe('gates')?.oneOf('first', 'each')
  for (const tier of field.at('tiers').list(1)) checkTier(tier)
}

function checkTier(field: Field): void {
  const kind = kindOf(field, 'workers', 'event-loop', 'dependency', 'balanced')
  if (kind !== 'balanced') return checkSingle(field)
  field.keys('kind', 'by', 'instances').maybe('by')?.oneOf('turn', 'random', 'least')
  for (const instance of field.at('instances').list(1)) checkSingle(instance)
}

function checkSingle(field: Field): void {
  const kind = kindOf(field, 'workers', 'event-loop', 'dependency')
  if (kind === 'workers') {
    field.keys('kind', 'slots', 'service', 'thrash', 'pauses')
    field.at('slots').whole(1)
    checkService(field.at('service'))
    field.maybe('thrash')?.number(0)
  } else if (kind === 'dependency') checkService(field.keys('kind', 'delay', 'pauses').at('delay'))
  else {
    field.keys('kind', 'accept', 'before', 'wait', 'after', 'refusal', 'admission', 'pauses')
    field.maybe('accept')?.number(0)
    field.maybe('refusal')?.number(0)
    field.maybe('admission')?.oneOf('direct', 'yield')
    for (const part of ['before', 'wait', 'after']) {
      const time = field.maybe(part)
      if (time !== undefined) checkService(time)
    }
  }
  const pauses = field.maybe('pauses')?.keys('every', 'lasts', 'first')
  if (pauses === undefined) return
  const every = pauses.at('every').number(Number.MIN_VALUE)
  if (pauses.at('lasts').number(0) >= every) pauses.at('lasts').refuse(`less than every (${every})`)
  pauses.maybe('first')?.number(0)
}

function kindOf<T extends string>(field: Field, ...kinds: readonly T[]): T {
  if (typeof field.value !== 'object' || field.value === null) field.refuse('a mapping with a kind')
  return field.at('kind').oneOf(...kinds)
}

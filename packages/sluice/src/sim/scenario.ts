import type { Instant, Millis } from '../ground/index.ts'
import { checkClients, type ClientsData } from './clients-data.ts'
import { Field } from './field.ts'
import { checkGate, type GateData } from './gate-data.ts'
import { checkLoad, type LoadData } from './load-data.ts'
import type { PlantChange } from './plant.ts'
import { checkPlant, type PlantData } from './plant-data.ts'

/** A change of the plant while it runs, as data. */
export interface ChangeData extends PlantChange {
  /** When, in ms from the beginning. At least 0. */
  readonly at: Instant
  /** After how long it is undone, in ms. Above 0. Default: never. */
  readonly lasts?: Millis
  /** Which tier it happens to: 0 is where clients call. Default: every one. */
  readonly tier?: number
  /** Which of several instances behind a balancer, from 0. Default: every one. */
  readonly instance?: number
}

/** A run, as plain data: a file can hold it. */
export interface Scenario {
  /** For people. */
  readonly name: string
  /** A whole number from 0. Default 1. */
  readonly seed?: number
  /** How long it runs, in ms. Default: as long as the phases last together. */
  readonly duration?: Millis
  /** How much of the beginning is left out of the totals, in ms. Default 0. */
  readonly warmup?: Millis
  /** An answer later than this is not good, in ms from the attempt. Above 0. Default 1000. */
  readonly bound?: Millis
  /** How far the points of the series are apart, in ms. At least 1. Default 1000. */
  readonly every?: Millis
  readonly plant: PlantData
  readonly load: LoadData
  /** Default: clients who wait for ever and never retry. */
  readonly clients?: ClientsData
  /** Who decides. Default: the default limiter. */
  readonly gate?: GateData
  readonly changes?: readonly ChangeData[]
}

/**
 * Makes sure that data is a scenario.
 * @throws RangeError that names the path of the field, its value, and what was expected
 */
export function checkScenario(data: unknown): Scenario {
  const field = new Field('', data)
  const known = ['name', 'seed', 'duration', 'warmup', 'bound', 'every', 'plant', 'load', 'clients', 'gate', 'changes']
  if (typeof data !== 'object' || data === null || Array.isArray(data)) new Field('scenario', data).refuse('a mapping')
  field.keys(...known)
  field.at('name').text()
  field.maybe('seed')?.whole(0, 2 ** 32 - 1)
  field.maybe('duration')?.number(1)
  field.maybe('warmup')?.number(0)
  field.maybe('bound')?.number(Number.MIN_VALUE)
  field.maybe('every')?.number(1)
  checkPlant(field.at('plant'))
  checkLoad(field.at('load'))
  const clients = field.maybe('clients')
  if (clients !== undefined) checkClients(clients)
  const gate = field.maybe('gate')
  if (gate !== undefined) checkGate(gate)
  for (const change of field.maybe('changes')?.list() ?? []) {
    change.keys('at', 'lasts', 'tier', 'instance', 'slots', 'slowdown', 'wait').at('at').number(0)
    change.maybe('lasts')?.number(Number.MIN_VALUE)
    change.maybe('tier')?.whole(0)
    change.maybe('instance')?.whole(0)
    change.maybe('slots')?.whole(0)
    change.maybe('slowdown')?.number(Number.MIN_VALUE)
    change.maybe('wait')?.number(Number.MIN_VALUE)
  }
  return data as Scenario
}

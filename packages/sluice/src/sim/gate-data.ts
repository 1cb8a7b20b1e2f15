import { limiter, semaphore, type Gate, type Observer } from '../gate/index.ts'
import { adaptive, aimd, gradient2, vegas, type LimitAlgorithm } from '../limit/index.ts'
import {
  adaptiveLifo,
  codel,
  earliestDeadline,
  fair,
  fifo,
  lifo,
  priority,
  type QueueDiscipline,
} from '../queue/index.ts'
import type { World } from '../ground/index.ts'
import type { Field } from './field.ts'

/** Something with a name and the options of its factory, as data. */
export interface NamedData {
  readonly name: string
  readonly [option: string]: unknown
}

/** A gate, as data. `none` lets everybody in. */
export type GateData =
  | 'none'
  | {
      /** A number is a fixed limit. Default `adaptive`. */
      readonly limit?: number | string | NamedData
      /** Default: that of the default limiter; `none` for a fixed limit. */
      readonly queue?: string | NamedData
      /** In flight and waiting together, at which everybody is refused. Default: none. */
      readonly threshold?: number
    }

/** Where a gate of data gets its time, its chance and its audience from. */
export interface GateWorld extends World {
  readonly observer?: Observer
}

/** Limit algorithms by name, each made from its options. */
export type Limits = Readonly<Record<string, (options: never) => LimitAlgorithm>>

const LIMITS: Limits = { adaptive, aimd, gradient2, vegas }

const QUEUES: Readonly<Record<string, (options: never) => QueueDiscipline>> = {
  adaptiveLifo,
  codel,
  earliestDeadline,
  fair,
  fifo,
  lifo,
  priority,
}

/**
 * Makes the gate that data describes; nothing for `none`.
 * @param limits further algorithms it may name
 * @throws RangeError for a name nobody knows, or an option out of range
 */
export function gateOf(data: GateData, world: GateWorld, limits: Limits = {}): Gate | undefined {
  if (data === 'none') return undefined
  const { limit = 'adaptive', threshold } = data
  const queue = data.queue === undefined ? undefined : queueOf(data.queue)
  const common = { ...world, ...(queue && { queue }), ...(threshold !== undefined && { threshold }) }
  if (typeof limit === 'number') return semaphore({ ...common, permits: limit })
  return limiter({ ...common, limit: made('gate.limit', limit, { ...LIMITS, ...limits }), ...silenced(data.queue) })
}

/** @throws RangeError naming the field that is wrong */
export function checkGate(field: Field): void {
  if (field.value === 'none') return
  if (typeof field.value !== 'object') field.refuse('none, or a mapping')
  field.keys('limit', 'queue', 'threshold')
  const limit = field.maybe('limit')
  if (typeof limit?.value === 'number') limit.whole(1)
  else if (limit !== undefined) checkNamed(limit)
  const queue = field.maybe('queue')
  if (queue !== undefined && queue.value !== 'none') {
    checkNamed(queue)
    queueOf(queue.value as string | NamedData)
  }
  field.maybe('threshold')?.whole(1)
}

function checkNamed(field: Field): void {
  if (typeof field.value === 'string') return
  if (typeof field.value !== 'object' || field.value === null) field.refuse('a name, or a mapping with a name')
  field.at('name').text()
}

function queueOf(data: string | NamedData): QueueDiscipline | undefined {
  return data === 'none' ? undefined : made('gate.queue', data, QUEUES)
}

/** A limiter always has a queue: one that nobody may stand in is none. */
function silenced(queue: string | NamedData | undefined): { readonly queue?: QueueDiscipline } {
  return queue === 'none' ? { queue: fifo({ capacity: 0 }) } : {}
}

function made<T>(path: string, data: string | NamedData, makers: Readonly<Record<string, (options: never) => T>>): T {
  const { name, ...options } = typeof data === 'string' ? { name: data } : data
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined
  if (make === undefined)
    throw new RangeError(`${path}: expected one of ${Object.keys(makers).join(', ')}, got ${JSON.stringify(name)}`)
  return make(options as never)
}

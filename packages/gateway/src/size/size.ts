import type { Millis } from 'sluice'

/** What is known of a service, as much as is known. Requirement S3.1. */
export interface SizeInputs {
  /** Connections in its pool. A whole number from 1. */
  readonly pool?: number
  /** Processes. A whole number from 1; only together with `tasks`. */
  readonly workers?: number
  /** Tasks each of them can have in progress. A whole number from 1; only together with `workers`. */
  readonly tasks?: number
  /** Memory in MB. Above 0; only together with `perRequest`. */
  readonly ram?: number
  /** What the process takes with nothing in progress, in MB. From 0, below `ram`. Default 0. */
  readonly base?: number
  /** What each request takes, in MB. Above 0; only together with `ram`. */
  readonly perRequest?: number
  /** Requests a second that come. Above 0; only together with `latency`. */
  readonly rps?: number
  /** What a request takes, in ms. Above 0; only together with `rps`, or for `p95`. */
  readonly latency?: Millis
  /** What 95 of 100 requests should take at most, their waiting included, in ms. Above 0; needs `latency`. */
  readonly p95?: Millis
}

export type BoundName = 'pool' | 'cpu' | 'memory' | 'demand'

/** One reason not to let more in. */
export interface Bound {
  readonly name: BoundName
  /** Requests at once: rounded down for what there is, up for what is asked. */
  readonly limit: number
  /** How it comes about, in figures. */
  readonly formula: string
}

/** What Little's law says of the traffic. */
export interface Demand {
  /** In progress on average: rate × latency. */
  readonly busy: number
  /** With a fifth in reserve, rounded up. */
  readonly needed: number
  /** What the limit can serve, in requests a second. */
  readonly most: number
  /** True when the resources allow less than `needed`. */
  readonly short: boolean
}

/** What a target for the 95th percentile leaves for waiting. */
export interface Patience {
  /** The longest wait it leaves, in ms; 0 when the work itself takes all of it. */
  readonly wait: Millis
  /** How many may wait so that nobody waits longer. */
  readonly queue: number
}

export interface Sizing {
  /** Requests at once: the tightest of the bounds. At least 1. */
  readonly limit: number
  /** Tightest first. */
  readonly bounds: readonly Bound[]
  readonly demand: Demand | undefined
  readonly patience: Patience | undefined
}

/** An input that makes no sense. The message is one line: field, value, expectation. */
export class SizeError extends RangeError {
  readonly field: keyof SizeInputs

  constructor(field: keyof SizeInputs, value: number | undefined, expected: string) {
    super(`${field} is ${value ?? 'missing'}; expected ${expected}`)
    this.name = 'SizeError'
    this.field = field
  }
}

/** What of each resource is used: the rest is for peaks, other work and errors of estimation. */
const SHARES = { pool: 0.8, cpu: 0.7, memory: 0.8 } as const
/** Little's law speaks of averages; a fifth on top is for the swing around them. */
const RESERVE = 1.2

/**
 * How many requests a service should have in progress at most, by requirement S3.1: the tightest of pool × 0.8,
 * workers × tasks × 0.7, (RAM − base) ÷ per request × 0.8, and rate × latency × 1.2 (J. D. C. Little, 1961).
 * @throws SizeError for an input out of range, one that lacks its partner, and for none at all
 */
export function size(inputs: SizeInputs): Sizing {
  check(inputs)
  const bounds = [pool(inputs), cpu(inputs), memory(inputs), demandBound(inputs)]
    .filter((bound) => bound !== undefined)
    .sort((one, other) => one.limit - other.limit)
  const tightest = bounds[0]
  if (tightest === undefined)
    throw new SizeError('pool', undefined, 'a pool, workers and tasks, ram and per-request, or rps and latency')
  const { limit } = tightest
  return { limit, bounds, demand: demandOf(inputs, bounds), patience: patienceOf(inputs, limit) }
}

function pool({ pool: connections }: SizeInputs): Bound | undefined {
  if (connections === undefined) return undefined
  return capacity('pool', connections * SHARES.pool, `${plain(connections)} connections x ${SHARES.pool}`)
}

function cpu({ workers, tasks }: SizeInputs): Bound | undefined {
  if (workers === undefined || tasks === undefined) return undefined
  const formula = `${plain(workers)} workers x ${plain(tasks)} tasks x ${SHARES.cpu}`
  return capacity('cpu', workers * tasks * SHARES.cpu, formula)
}

function memory({ ram, base = 0, perRequest }: SizeInputs): Bound | undefined {
  if (ram === undefined || perRequest === undefined) return undefined
  const formula = `(${plain(ram)} - ${plain(base)}) MB / ${plain(perRequest)} MB x ${SHARES.memory}`
  return capacity('memory', ((ram - base) / perRequest) * SHARES.memory, formula)
}

function demandBound({ rps, latency }: SizeInputs): Bound | undefined {
  if (rps === undefined || latency === undefined) return undefined
  const busy = (rps * latency) / 1000
  return {
    name: 'demand',
    limit: Math.max(1, Math.ceil(exact(busy * RESERVE))),
    formula: `${plain(rps)}/s x ${plain(latency)} ms = ${plain(busy)} busy, x ${RESERVE}`,
  }
}

function demandOf({ rps, latency }: SizeInputs, bounds: readonly Bound[]): Demand | undefined {
  const asked = bounds.find(({ name }) => name === 'demand')
  if (asked === undefined || rps === undefined || latency === undefined) return undefined
  const tightest = bounds[0]!
  return {
    busy: exact((rps * latency) / 1000),
    needed: asked.limit,
    most: (tightest.limit / latency) * 1000,
    short: tightest.limit < asked.limit,
  }
}

function patienceOf({ p95, latency }: SizeInputs, limit: number): Patience | undefined {
  if (p95 === undefined || latency === undefined) return undefined
  const wait = Math.max(0, p95 - latency)
  return { wait, queue: Math.floor(exact((limit * wait) / latency)) }
}

function capacity(name: BoundName, amount: number, formula: string): Bound {
  return { name, limit: Math.max(1, Math.floor(exact(amount))), formula }
}

/** Without the last digits, where 0.7 × 10 is not quite 7. */
function exact(value: number): number {
  return Number(value.toPrecision(12))
}

function plain(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 6 })
}

const WHOLE = 'a whole number from 1'
const POSITIVE = 'a number above 0'

function check(inputs: SizeInputs): void {
  for (const field of ['pool', 'workers', 'tasks'] as const) demand(inputs, field, WHOLE, Number.isInteger)
  for (const field of ['ram', 'perRequest', 'rps', 'latency', 'p95'] as const)
    demand(inputs, field, POSITIVE, Number.isFinite)
  const { base, ram } = inputs
  if (base !== undefined && !(base >= 0 && base < (ram ?? 0)))
    throw new SizeError(
      'base',
      base,
      ram === undefined ? 'to come with ram' : `a number from 0, below the ram of ${ram}`,
    )
  together(inputs, 'workers', 'tasks')
  together(inputs, 'ram', 'perRequest')
  if (inputs.rps !== undefined || inputs.p95 === undefined) together(inputs, 'rps', 'latency')
  else if (inputs.latency === undefined) throw new SizeError('latency', undefined, 'to come with p95')
}

function demand(inputs: SizeInputs, field: keyof SizeInputs, expected: string, fits: (value: number) => boolean): void {
  const value = inputs[field]
  if (value !== undefined && !(value > 0 && fits(value))) throw new SizeError(field, value, expected)
}

/** Half of a product says nothing. */
function together(inputs: SizeInputs, one: keyof SizeInputs, other: keyof SizeInputs): void {
  if ((inputs[one] === undefined) === (inputs[other] === undefined)) return
  const [missing, given] = inputs[one] === undefined ? [one, other] : [other, one]
  throw new SizeError(missing, undefined, `to come with ${given}`)
}

import type { Instant, Millis, Priority, Random } from '../ground/index.ts'
import type { Field } from './field.ts'
import type { JobTraits } from './job.ts'
import { Tenants, checkTenants, type TenantsData } from './tenants.ts'
import { Weighted } from './weighted.ts'

/** One kind of arrival, as data. */
export interface ClassData {
  /** For people. Default `class 1`, `class 2`, … */
  readonly name?: string
  /** How much of the traffic it is, beside the weights of the others. At least 0. Default 1. */
  readonly weight?: number
  /** 0 to 3. Default 2. */
  readonly priority?: Priority
  /** What it takes of the gate. Above 0. Default 1. */
  readonly cost?: number
  /** Default: the name. */
  readonly route?: string
  /** What it takes of the plant: every time in service is multiplied by this. Above 0. Default 1. */
  readonly work?: number
  /** What the gate is told of the deadline, in ms from the first attempt. Above 0. Default: none. */
  readonly deadline?: Millis
}

/** What arrivals are like, as data. */
export interface MixData {
  /** Default: one class of ordinary arrivals. */
  readonly classes?: readonly ClassData[]
  /** Default: nobody tells them apart. */
  readonly tenants?: TenantsData
}

/** Draws what each arrival is like. */
export class Mix {
  /** Names of the classes. */
  readonly classes: readonly string[]
  readonly tenants: Tenants | undefined
  /** What an average arrival takes of the plant. */
  readonly meanWork: number
  readonly #classes: readonly ClassData[]
  readonly #weighted: Weighted

  constructor(data: MixData = {}) {
    this.#classes = data.classes ?? [{}]
    this.classes = this.#classes.map(({ name }, index) => name ?? `class ${index + 1}`)
    this.tenants = data.tenants === undefined ? undefined : new Tenants(data.tenants)
    const weights = this.#classes.map(({ weight = 1 }) => weight)
    this.#weighted = new Weighted(weights)
    let sum = 0
    let work = 0
    for (const [index, weight] of weights.entries()) {
      sum += weight
      work += weight * (this.#classes[index]!.work ?? 1)
    }
    this.meanWork = work / sum
  }

  draw(now: Instant, random: Random, user: boolean): JobTraits {
    const kind = this.#classes.length === 1 ? 0 : this.#weighted.draw(random)
    const { priority = 2, cost = 1, route, work = 1, deadline = Infinity } = this.#classes[kind]!
    const tenant = this.tenants === undefined ? -1 : this.tenants.draw(random)
    return {
      kind,
      tenant,
      flow: this.tenants?.names[tenant] ?? '',
      priority,
      cost,
      route: route ?? this.classes[kind]!,
      work,
      deadline: now + deadline,
      user,
    }
  }
}

/** @throws RangeError naming the field that is wrong */
export function checkMix(field: Field): void {
  field.keys('classes', 'tenants')
  const classes = field.maybe('classes')
  let sum = 0
  for (const each of classes?.list(1) ?? []) {
    each.keys('name', 'weight', 'priority', 'cost', 'route', 'work', 'deadline')
    each.maybe('name')?.text()
    sum += each.maybe('weight')?.number(0) ?? 1
    each.maybe('priority')?.whole(0, 3)
    each.maybe('cost')?.number(Number.MIN_VALUE)
    each.maybe('route')?.text()
    each.maybe('work')?.number(Number.MIN_VALUE)
    each.maybe('deadline')?.number(Number.MIN_VALUE)
  }
  if (classes !== undefined && sum === 0) classes.refuse('weights that are not all 0')
  const tenants = field.maybe('tenants')
  if (tenants !== undefined) checkTenants(tenants)
}

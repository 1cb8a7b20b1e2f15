import { hashOf, seeded, type Clock, type Random } from '../ground/index.ts'
import type { GateCore } from '../gate/index.ts'
import { Balancer } from './balancer.ts'
import { EventLoop } from './event-loop.ts'
import { Instance, type OnLeave, type Service } from './instance.ts'
import { PausingClock, type PausesData } from './pausing-clock.ts'
import type { Further, Plant } from './plant.ts'
import type { PlantData, SinglePlantData, TiersData } from './plant-data.ts'
import { serviceOf } from './service-data.ts'
import { Workers } from './workers.ts'

/** Where a gate is to stand. */
export interface GateSite {
  readonly clock: Clock
  /** How far in: 0 is where clients call. */
  readonly tier: number
  readonly index: number
  /** How long events wait for their turn of late, in ms: the delay of an event loop; 0 where there is none. */
  readonly lag: () => number
}

export interface BuildingOptions {
  readonly clock: Clock
  readonly seed: number
  readonly onLeave: OnLeave
  /** Called once for each gate; without one everybody is let in. */
  readonly gate: (site: GateSite) => GateCore | undefined
}

/** A plant built of data: what clients call, and every instance in it. */
export class Building {
  readonly entrance: Service
  readonly instances: Instance[] = []
  readonly #options: BuildingOptions

  constructor(data: PlantData, options: BuildingOptions) {
    this.#options = options
    const { tiers, gates }: Pick<TiersData, 'tiers' | 'gates'> =
      data.kind === 'tiers' ? data : { tiers: [data], gates: 'first' }
    let next: Service | undefined
    for (let tier = tiers.length - 1; tier >= 0; tier--)
      next = this.#tier(tiers[tier]!, tier, tier === 0 || gates === 'each', next)
    this.entrance = next!
  }

  #tier(data: TiersData['tiers'][number], tier: number, gated: boolean, next: Service | undefined): Service {
    if (data.kind !== 'balanced') return this.#instance(data, tier, 0, gated, next)
    const instances = data.instances.map((each, index) => this.#instance(each, tier, index, gated, next))
    return new Balancer(instances, data.by ?? 'turn', chance(this.#options.seed, `balancer ${tier}`), next)
  }

  #instance(data: SinglePlantData, tier: number, index: number, gated: boolean, next: Service | undefined): Instance {
    const { clock, seed, onLeave } = this.#options
    const random = chance(seed, `plant ${tier} ${index}`)
    const pauses = data.pauses && pausing(clock, data.pauses, random)
    const further: Further | undefined = next && ((visit, resume): void => instance.further(visit, resume))
    const plant = plantOf(data, pauses ?? clock, random, further)
    const gate = gated ? this.#options.gate({ clock: plant.clock, tier, index, lag: () => plant.lag }) : undefined
    const healthy = { slowdown: 1, wait: 1, ...(data.kind === 'workers' && { slots: data.slots }) }
    const instance: Instance = new Instance({ tier, index, plant, pauses, gate, next, onLeave, healthy })
    this.instances.push(instance)
    return instance
  }
}

/** A stream of chance of its own for each purpose, so that what one does never changes what another draws. */
export function chance(seed: number, purpose: string): Random {
  return seeded(hashOf(`${seed} ${purpose}`))
}

function pausing(clock: Clock, { every, lasts, first }: PausesData, random: Random): PausingClock {
  return new PausingClock(clock, every, lasts, clock.now() + (first ?? random() * every))
}

function plantOf(data: SinglePlantData, clock: Clock, random: Random, further: Further | undefined): Plant {
  switch (data.kind) {
    case 'workers': {
      const { slots, service, thrash = 0 } = data
      return new Workers({ clock, random, slots, service: serviceOf(service), thrash, further })
    }
    case 'dependency':
      return new Workers({ clock, random, slots: Infinity, service: serviceOf(data.delay), thrash: 0, further })
    default: {
      const { accept = 0.05, before = 0, wait = 0, after = 0, refusal = 0.05, admission = 'direct' } = data
      const times = { before: serviceOf(before), wait: serviceOf(wait), after: serviceOf(after) }
      return new EventLoop({ clock, random, accept, ...times, refusal, admission, further })
    }
  }
}

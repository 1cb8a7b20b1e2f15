import { checkWhole, type Instant, type Millis, type Random, type Rejection, type World } from '../ground/index.ts'
import type { Gate, Observer } from '../gate/index.ts'
import { Building, chance, type GateSite } from './building.ts'
import { Clients } from './clients.ts'
import { gateOf, type Limits } from './gate-data.ts'
import type { PhaseData } from './load-data.ts'
import { Recorder, type Standing } from './recorder.ts'
import type { NamedFigures, SimReport } from './report.ts'
import { checkScenario, type ChangeData, type Scenario } from './scenario.ts'
import { serviceOf } from './service-data.ts'
import { Traffic } from './traffic.ts'
import { Users } from './users.ts'
import { VirtualClock } from './virtual-clock.ts'
import type { Caller, Visit } from './visit.ts'

/** What a gate of a simulation is given: hand it on whole, as `limiter(world)` does. */
export interface SimWorld extends Required<World> {
  /** Lets the report say why limits move. */
  readonly observer: Observer
  /** Where it stands. */
  readonly site: GateSite
}

export interface SimulateOptions {
  /** A whole number from 0. Default: that of the scenario, else 1. */
  readonly seed?: number
  /** Makes each gate, instead of what the scenario says. `undefined` lets everybody in. */
  readonly gate?: (world: SimWorld) => Gate | undefined
  /** Further limit algorithms the scenario may name. */
  readonly limits?: Limits
  /** How many tenants are named in the report, those who sent most. A whole number of at least 0. Default 10. */
  readonly top?: number
}

/** Anything but 0 finds code that takes the beginning of the axis for an origin. */
const START: Instant = 1000

/**
 * Runs a scenario in virtual time: the gates are those of production, on a clock that passes when told to. The same
 * scenario, seed and gate give the same report on every Node.
 * @throws RangeError for an option out of range, for what is no scenario, and for `times` where nothing bounds the plant
 */
export function simulate(scenario: Scenario, options: SimulateOptions = {}): SimReport {
  const seed = checkWhole('simulate.seed', options.seed ?? scenario.seed ?? 1, 0, 2 ** 32 - 1)
  const top = checkWhole('simulate.top', options.top ?? 10, 0)
  return new Simulation(checkScenario(scenario), seed, options).run(top)
}

class Simulation implements Caller {
  readonly #scenario: Scenario
  readonly #seed: number
  readonly #duration: Millis
  readonly #clock = new VirtualClock(START)
  readonly #building: Building
  readonly #traffic: Traffic
  readonly #recorder: Recorder
  readonly #clients: Clients
  readonly #users: Users
  /** What the healthy plant can do. */
  readonly #capacity: number
  readonly #phases: NamedFigures[] = []
  /** Which is the present one. */
  #phase = -1
  #requests = 0
  #succeeded = 0
  #failed = 0

  constructor(scenario: Scenario, seed: number, options: SimulateOptions) {
    this.#scenario = scenario
    this.#seed = seed
    const { load, clients = {} } = scenario
    const clock = this.#clock
    this.#duration = scenario.duration ?? load.phases.reduce((sum, { lasts }) => sum + lasts, 0)
    this.#building = new Building(scenario.plant, {
      clock,
      seed,
      onLeave: clients.onLeave ?? 'release',
      gate: (site) => this.#gateAt(site, options)?.core,
    })
    this.#capacity = this.#building.entrance.capacity
    this.#traffic = new Traffic(load, this.#capacity)
    this.#recorder = new Recorder({
      start: START,
      bound: scenario.bound ?? 1000,
      warmup: scenario.warmup ?? 0,
      classes: this.#traffic.classes,
      tenants: this.#traffic.tenants,
    })
    this.#clients = new Clients(clients, clock, chance(seed, 'clients'), {
      send: (job) => {
        this.#recorder.sent(job, clock.now())
        this.#building.entrance.call(job, this)
      },
      left: (job) => {
        this.#recorder.departed(job, clock.now())
        job.visit!.leave()
      },
      finished: (job, succeeded) => {
        if (succeeded) this.#succeeded++
        else this.#failed++
        if (job.traits.user) this.#users.finished(job.since)
      },
    })
    const think = serviceOf(load.think ?? { kind: 'exponential', mean: 1000 })
    const random = chance(seed, 'users')
    this.#users = new Users(clock, random, think, () => this.#begin(random, true))
  }

  run(top: number): SimReport {
    const { name, load, changes = [], bound = 1000, every = 1000 } = this.#scenario
    const clock = this.#clock
    let from = START
    for (const [index, phase] of load.phases.entries()) {
      clock.after(from - START, () => this.#phaseBegins(phase, index))
      from += phase.lasts
    }
    for (const change of changes) this.#plan(change)
    this.#tickAt(START + every, every)
    this.#arrive()
    this.#replay()
    clock.advanceTo(START + this.#duration)
    this.#phaseEnds()
    const recorder = this.#recorder
    const lasts = Math.max(0, this.#duration - (this.#scenario.warmup ?? 0))
    const { offered, answered, refused, left } = recorder
    return {
      scenario: name,
      seed: this.#seed,
      duration: this.#duration,
      bound,
      capacity: finite(this.#capacity),
      total: recorder.total.figures(lasts, this.#capacity),
      phases: this.#phases,
      classes: recorder.classes.map((slice, index) => ({
        name: this.#traffic.classes[index]!,
        ...slice.figures(lasts, this.#capacity),
      })),
      fairness: this.#traffic.tenants.length === 0 ? null : recorder.fairness.figures(top),
      attempts: { offered, answered, refused, left, inSystem: offered - answered - refused - left },
      requests: {
        made: this.#requests,
        succeeded: this.#succeeded,
        failed: this.#failed,
        underWay: this.#clients.underWay,
      },
      events: clock.happened,
      series: { every, points: recorder.points },
    }
  }

  admitted({ job }: Visit): void {
    this.#recorder.admitted(job, this.#clock.now())
  }

  answered({ job }: Visit): void {
    this.#recorder.done(job, this.#clock.now())
    this.#clients.answered(job)
  }

  refused({ job }: Visit, rejection: Rejection): void {
    this.#recorder.rejected(job, rejection, this.#clock.now())
    this.#clients.refused(job, rejection)
  }

  #gateAt(site: GateSite, { gate, limits }: SimulateOptions): Gate | undefined {
    const observer: Observer = { limitChanged: (_from, _to, reason) => this.#recorder.limitMoved(reason) }
    const random = chance(this.#seed, `gate ${site.tier} ${site.index}`)
    const world: SimWorld = { clock: site.clock, random, observer, site }
    return gate === undefined ? gateOf(this.#scenario.gate ?? {}, world, limits) : gate(world)
  }

  #begin(random: Random, user: boolean): void {
    this.#requests++
    this.#clients.begin(this.#traffic.draw(this.#clock.now(), random, user))
  }

  /** One event ahead at a time, however many are to come. */
  #arrive(): void {
    const gaps = chance(this.#seed, 'arrivals')
    const traits = chance(this.#seed, 'mix')
    const { drawn } = this.#traffic
    const next = (): void => {
      const at = drawn.next(gaps)
      if (at < this.#duration) this.#clock.after(START + at - this.#clock.now(), come)
    }
    const come = (): void => {
      next()
      this.#begin(traits, false)
    }
    next()
  }

  #replay(): void {
    const { recorded } = this.#traffic
    const unused = chance(this.#seed, 'trace')
    const next = (): void => {
      const at = recorded.next(unused)
      if (at < this.#duration) this.#clock.after(START + at - this.#clock.now(), come)
    }
    const come = (): void => {
      this.#requests++
      this.#clients.begin(this.#traffic.replayed())
      next()
    }
    next()
  }

  #phaseBegins(phase: PhaseData, index: number): void {
    this.#phaseEnds()
    this.#phase = index
    this.#recorder.phaseFrom = this.#clock.now() + (phase.settle ?? 0)
    if (phase.users !== undefined) this.#users.resize(phase.users)
  }

  #phaseEnds(): void {
    const phase = this.#scenario.load.phases[this.#phase]
    if (phase === undefined) return
    const figures = this.#recorder.phaseEnds(this.#clock.now(), this.#capacity)
    this.#phases.push({ name: phase.name ?? `phase ${this.#phase + 1}`, ...figures })
  }

  #plan(change: ChangeData): void {
    const { at, lasts, tier, instance } = change
    const concerned = this.#building.instances.filter(
      (each) => (tier ?? each.tier) === each.tier && (instance ?? each.index) === each.index,
    )
    this.#clock.after(at, () => {
      for (const each of concerned) each.change(change)
    })
    if (lasts !== undefined)
      this.#clock.after(at + lasts, () => {
        for (const each of concerned) each.undo(change)
      })
  }

  #tickAt(at: Instant, every: Millis): void {
    this.#clock.after(at - this.#clock.now(), () => {
      this.#recorder.tick(at, this.#standing())
      this.#tickAt(at + every, every)
    })
  }

  #standing(): Standing {
    let limit = 0
    let inflight = 0
    let queued = 0
    for (const instance of this.#building.instances) {
      if (instance.tier !== 0) continue
      const { stats } = instance
      limit += stats.limit
      inflight += stats.inflight
      queued += stats.queued
    }
    return { limit: finite(limit), inflight, queued, capacity: finite(this.#building.entrance.capacity) }
  }
}

/** JSON has no infinity. */
function finite(value: number): number | null {
  return value === Infinity ? null : value
}

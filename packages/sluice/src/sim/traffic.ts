import type { Random } from '../ground/index.ts'
import { bursts, even, poisson, ramp, steady, trace, type Arrivals, type Stretch } from './arrivals.ts'
import type { JobTraits } from './job.ts'
import type { Course, LoadData, PhaseData, TraceEntry } from './load-data.ts'
import { Mix } from './mix.ts'

/** Everything that comes by itself: when, and what it is like. */
export class Traffic {
  /** Names of the classes: those of the mix, then the routes of the trace. */
  readonly classes: readonly string[]
  /** Names of the tenants: those of the mix, then those of the trace. */
  readonly tenants: readonly string[]
  readonly mix: Mix
  /** Those of the phases. */
  readonly drawn: Arrivals
  /** Those of the trace. */
  readonly recorded: Arrivals
  readonly #entries: readonly TraceEntry[]
  readonly #kinds: ReadonlyMap<string, number>
  readonly #flows: ReadonlyMap<string, number>
  #index = 0

  /** @param capacity jobs of work 1 a second, what `times` counts in. @throws RangeError where that is needed and infinite */
  constructor(load: LoadData, capacity: number) {
    this.mix = new Mix(load)
    const average = capacity / this.mix.meanWork
    const course = load.phases.flatMap((phase, index) => courseOf(phase, average, `load.phases[${index}].times`))
    this.drawn = load.arrivals === 'even' ? even(course) : poisson(course)
    this.#entries = load.trace ?? []
    this.recorded = trace(this.#entries.map(({ at }) => at))
    this.#kinds = numbered(this.#entries.map(routeOf), this.mix.classes.length)
    this.classes = [...this.mix.classes, ...this.#kinds.keys()]
    const known = this.mix.tenants?.names ?? []
    this.#flows = numbered(
      this.#entries.flatMap(({ flow }) => flow ?? []),
      known.length,
    )
    this.tenants = [...known, ...this.#flows.keys()]
  }

  /** What the next of the recorded is like. */
  replayed(): JobTraits {
    const entry = this.#entries[this.#index++]!
    const { flow, priority = 2, cost = 1, work = 1 } = entry
    const route = routeOf(entry)
    const tenant = flow === undefined ? -1 : this.#flows.get(flow)!
    const kind = this.#kinds.get(route)!
    return { kind, tenant, flow: flow ?? '', priority, cost, route, work, deadline: Infinity, user: false }
  }

  draw(now: number, random: Random, user: boolean): JobTraits {
    return this.mix.draw(now, random, user)
  }
}

function routeOf({ route }: TraceEntry): string {
  return route ?? '/'
}

/** A number for each name, in the order they first appear. */
function numbered(names: readonly string[], from: number): Map<string, number> {
  const numbers = new Map<string, number>()
  for (const name of names) if (!numbers.has(name)) numbers.set(name, from + numbers.size)
  return numbers
}

function courseOf(phase: PhaseData, capacity: number, where: string): Stretch[] {
  const { lasts, times } = phase
  if (times !== undefined && capacity === Infinity)
    throw new RangeError(`${where}: expected rate instead, where nothing bounds the plant`)
  const scale = times === undefined ? 1 : capacity
  const [from, to] = endsOf(times ?? phase.rate ?? 0)
  if (phase.bursts === undefined)
    return [from === to ? steady(from * scale, lasts) : ramp(from * scale, to * scale, lasts)]
  const { every, on, to: burst } = phase.bursts
  return bursts({ rate: from * scale, burst: burst * scale, every, on, lasts })
}

function endsOf(course: Course): readonly [number, number] {
  return typeof course === 'number' ? [course, course] : course
}

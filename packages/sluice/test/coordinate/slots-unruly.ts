import type {
  FleetSlots,
  FleetSlotsOptions,
  MemorySlotsOptions,
  SlotCoordinator,
  SlotNews,
  SlotReply,
  SlotReport,
} from '../../src/coordinate/index.ts'
import { seeded, type Permit, type Priority, type Random, type Rejection } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** What is put to the test: the library, or a mutant of it. */
export interface SlotLibrary {
  readonly fleetSlots: (options: FleetSlotsOptions) => FleetSlots
  readonly memorySlots: (options: MemorySlotsOptions) => SlotCoordinator
}

/** How messages travel, and what happens to those who send them; chances from 0 to 1. */
export interface Weather {
  /** Each message takes from `least` to `most` ms; the first of them may be overtaken. */
  readonly least: number
  readonly most: number
  readonly late: number
  readonly twice: number
  readonly lost: number
  /** In each ms: an instance dies, or hears and says nothing for up to one and a half leases. */
  readonly kills: number
  readonly silences: number
  /** In each ms: the coordinator forgets everything. */
  readonly restarts: number
}

export const CALM: Weather = { least: 1, most: 2, late: 0, twice: 0, lost: 0, kills: 0, silences: 0, restarts: 0 }
export const FOUL: Weather = {
  least: 1,
  most: 8,
  late: 0.05,
  twice: 0.1,
  lost: 0.02,
  kills: 1 / 2000,
  silences: 1 / 1000,
  restarts: 1 / 4000,
}
export const LEASE = 1000

/** A coordinator at the end of a bad line, which forgets whoever it has not heard of for a lease. */
export class UnrulyCoordinator implements SlotCoordinator {
  readonly lease: number = LEASE
  weather: Weather
  readonly silentUntil: Map<string, number> = new Map()
  calls = 0
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #library: SlotLibrary
  readonly #heard = new Map<string, { life: number; at: number }>()
  readonly #listeners = new Map<string, (news: SlotNews) => void>()
  #inner: SlotCoordinator
  #generation = 0

  constructor(library: SlotLibrary, clock: VirtualClock, random: Random, weather: Weather) {
    this.#library = library
    this.#clock = clock
    this.#random = random
    this.weather = weather
    this.#inner = library.memorySlots({ clock })
  }

  restart(): void {
    this.#heard.clear()
    const fence = ++this.#generation * 1_000_000
    this.#inner = this.#library.memorySlots({ clock: this.#clock, learning: LEASE, fence })
    for (const session of this.#listeners.keys()) this.#forward(session)
  }

  sync(report: SlotReport, answer: (reply: SlotReply | Error) => void): void {
    this.calls++
    const { session } = report
    this.#travel(session, () => {
      this.#reap()
      this.#inner.sync(report, (reply) => {
        if (reply instanceof Error) return
        if (reply.life > 0) this.#heard.set(session, { life: reply.life, at: this.#clock.now() })
        this.#travel(session, () => answer(reply), true)
      })
    })
  }

  listen(session: string, listener: (news: SlotNews) => void): () => void {
    this.#listeners.set(session, listener)
    this.#forward(session)
    return () => void this.#listeners.delete(session)
  }

  /** What is held everywhere, as it knows. */
  used(): number {
    let used = -1
    const probe = { session: 'probe', life: 0, seq: 1, granted: 0, returned: 0, queue: 0, strict: false, spare: 0 }
    const quiet = { ...probe, limit: this.limit, lease: LEASE, demand: [], waiting: [0, 0, 0, 0] as const }
    this.#reap()
    this.#inner.sync({ ...quiet, leaves: true }, (reply) => {
      if (!(reply instanceof Error)) ({ used } = reply)
    })
    return used
  }

  limit = 0

  #forward(session: string): void {
    this.#inner.listen(session, (news) => {
      this.#travel(session, () => this.#listeners.get(session)?.(news))
    })
  }

  #reap(): void {
    for (const [session, { life, at }] of this.#heard) {
      if (this.#clock.now() - at <= LEASE) continue
      this.#heard.delete(session)
      const gone = { session, life, seq: Number.MAX_SAFE_INTEGER, granted: 0, returned: 0, limit: this.limit, queue: 0 }
      const nobody = { lease: LEASE, waiting: [0, 0, 0, 0] as const, spare: 0, demand: [] }
      this.#inner.sync({ ...gone, ...nobody, strict: false, leaves: true }, () => {})
    }
  }

  #travel(session: string, arrives: () => void, once = false): void {
    const { least, most, late, twice, lost } = this.weather
    if (this.#random() < lost) return
    const delay = least + this.#random() * (most - least) + (this.#random() < late ? this.#random() * 2 * LEASE : 0)
    const arrive = (): void => {
      const silent = this.silentUntil.get(session) ?? 0
      if (silent === Infinity) return
      // What is on the way to one that is cut off arrives when the line is back.
      if (silent > this.#clock.now()) this.#clock.after(silent - this.#clock.now(), arrives)
      else arrives()
    }
    this.#clock.after(delay, arrive)
    if (!once && this.#random() < twice) this.#clock.after(delay + this.#random() * LEASE, arrive)
  }
}

/** One piece of work that was let in. */
export interface Work {
  readonly instance: number
  readonly flow: string
  readonly priority: Priority
  readonly cost: number
  readonly asked: number
  readonly from: number
  readonly fence: number
  to: number
}

export interface Play {
  readonly seed: number
  readonly order: 'share' | 'strict'
  readonly limit: number
  readonly instances: number
  /** Loops of each instance. */
  readonly loops: number
  /** How long faults last, and the whole of it, in ms. */
  readonly foul: number
  readonly duration: number
  readonly weather: Weather
  readonly hold: readonly [number, number]
  /** Whom a loop works for at an instant, and for how long where not for as long as others. */
  readonly arrival?: (
    loop: number,
    instance: number,
    random: Random,
    at: number,
  ) => { flow?: string; priority?: Priority; cost?: number; lasts?: number }
  readonly options?: Partial<FleetSlotsOptions>
}

/** Who asked for what and when, and what became of it. */
export interface Account {
  readonly works: Work[]
  readonly asked: number
  readonly answered: number
  /** Slots in use at most. */
  readonly peak: number
  /** Slots in use on average in the last second before the loops stopped. */
  readonly mean: number
  /** When all is over: what instances hold, and what the coordinator believes. */
  readonly held: number
  readonly believed: number
}

/** Plays loops of several instances over a bad line, in virtual time, and keeps a record that asks nobody. */
export async function play(library: SlotLibrary, what: Play): Promise<Account> {
  const { seed, order, limit, instances, loops, foul, duration, weather, hold, arrival } = what
  const clock = new VirtualClock(5000)
  const random = seeded(seed)
  const unruly = new UnrulyCoordinator(library, clock, random, weather)
  unruly.limit = limit
  const works: Work[] = []
  const gates: { gate: FleetSlots; alive: boolean; ends: Set<() => void> }[] = []
  let [asked, answered, running, peak, sum] = [0, 0, 0, 0, 0]
  let stops = false
  const start = (instance: number): void => {
    const names: string[] = []
    const listening: SlotCoordinator = {
      lease: LEASE,
      sync: (report, answer) => unruly.sync(report, answer),
      listen: (session, listener) => {
        names.push(session)
        return unruly.listen(session, listener)
      },
    }
    const gate = library.fleetSlots({
      coordinator: listening,
      limit,
      onDown: 'closed',
      order,
      clock,
      random,
      ...what.options,
    })
    const own = { gate, alive: true, ends: new Set<() => void>(), names }
    gates[instance] = own
    const loop = (number: number): void => {
      if (!own.alive || stops) return
      const since = clock.now()
      const wish = arrival?.(number, instance, random, since) ?? {}
      asked++
      const done = (verdict: Permit | Rejection): void => {
        answered++
        if (!verdict.admitted) return void clock.after(20, () => loop(number))
        const { fence = 0, signal } = verdict as Permit & { fence?: number; signal?: AbortSignal }
        const { cost = 1, flow = '', priority = 2 } = wish
        const work: Work = { instance, flow, priority, cost, asked: since, from: clock.now(), fence, to: Infinity }
        works.push(work)
        running += cost
        peak = Math.max(peak, running)
        const end = (): void => {
          if (work.to < Infinity) return
          work.to = clock.now()
          running -= cost
          own.ends.delete(end)
          if (!own.alive) return
          verdict.release('success')
          loop(number)
        }
        own.ends.add(end)
        signal?.addEventListener('abort', end)
        clock.after(wish.lasts ?? hold[0] + random() * hold[1], end)
      }
      gate.enter({ maxWait: 5000, ...wish }, (verdict) => {
        // A dead one hears nothing.
        if (own.alive) done(verdict)
        else answered++
      })
    }
    for (let number = 0; number < loops; number++) clock.after(random() * 10, () => loop(number))
  }
  const kill = (instance: number): void => {
    const own = gates[instance]!
    own.alive = false
    for (const name of (own as unknown as { names: string[] }).names) unruly.silentUntil.set(name, Infinity)
    for (const end of own.ends) end()
    start(instance)
  }
  for (let instance = 0; instance < instances; instance++) start(instance)
  for (let at = 0; at < duration; at++) {
    if (at < foul) {
      const instance = Math.floor(random() * instances)
      if (random() < weather.kills) kill(instance)
      if (random() < weather.restarts) unruly.restart()
      if (random() < weather.silences)
        for (const name of (gates[instance] as unknown as { names: string[] }).names)
          unruly.silentUntil.set(name, clock.now() + random() * 1.5 * LEASE)
    } else unruly.weather = CALM
    clock.advance(1)
    await settled()
    if (at >= duration - 1000) sum += running
  }
  stops = true
  for (let at = 0; at < 8 * LEASE; at += 5) {
    clock.advance(5)
    await settled()
  }
  const held = gates.reduce((all, { gate }) => all + gate.state.held, 0)
  return { works, asked, answered, peak, mean: sum / 1000, held, believed: unruly.used() }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve()
}

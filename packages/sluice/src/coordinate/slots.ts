import {
  checkAble,
  checkNumber,
  checkOptions,
  checkWhole,
  refuseValue,
  systemClock,
  systemRandom,
  type Arrival,
  type Millis,
  type Permit,
  type Pressure,
  type Signal,
  type World,
} from '../ground/index.ts'
import {
  defineGate,
  type Answer,
  type Entry,
  type Gate,
  type GateCore,
  type GateStats,
  type Observer,
  type RunOptions,
  type Verdict,
} from '../gate/index.ts'
import type { Classes, SlotCoordinator } from './coordinator.ts'
import { FleetSlotsCore } from './slots-core.ts'
import type { SlotWeights } from './slots-lines.ts'
import { slotShares } from './slots-shares.ts'
import { SlotWatch } from './slots-watch.ts'

export interface FleetSlotsOptions extends World {
  /** Who keeps count for all instances: `redisSlots(…)`, or `memorySlots()` for one process. */
  readonly coordinator: SlotCoordinator
  /** What may be in use at once, everywhere together. A whole number of at least 1. Of instances that differ the one that registered last decides. */
  readonly limit: number
  /**
   * What happens when the coordinator does not answer and the lease has run out: `share` uses four fifths of this
   * instance's part of the limit, and no more than it held as long as leases of others may last: where the coordinator is
   * gone for all, that is within the limit together while no more instances are there than it last knew of; where only this
   * one is cut off it comes on top of what others have. `open` lets everybody in; `closed` refuses everybody with `breaker_open`.
   */
  readonly onDown: 'share' | 'open' | 'closed'
  /** Instances that `share` counts on until it has heard of more. A whole number; default 0: nobody is in until it has heard. */
  readonly instances?: number
  /** How many may wait here. A whole number of at least 0. Default 1000. */
  readonly capacity?: number
  /** The longest anybody waits, in ms. At least 0. Default 3000. */
  readonly maxWait?: Millis
  /** How many may wait everywhere together; the newest of the least important class go first. Default: any number. */
  readonly queue?: number
  /**
   * `share`: within a class whoever has least is next, and an instance goes on using a slot for a moment before others
   * get it. `strict`: within a class whoever has waited longest anywhere is next, at the price of a round trip for each
   * slot. Default `share`.
   */
  readonly order?: 'share' | 'strict'
  /**
   * How much each tenant (`flow` of an arrival) may have beside others of its class, everywhere together. Above 0;
   * default 1 for everybody. Only where instances share: in strict order nobody asks whose turn it is.
   */
  readonly weights?: SlotWeights
  /**
   * What each class, from 0 to 3, is sure of while others wait as well, everywhere together: parts of 1, at most 1 in
   * sum; the best that waits has what is over. A class nobody waits in lends its share and has it back with its next
   * waiter; of a full queue the class furthest beyond its share goes. Only where instances share. Default: the best class
   * is next, always.
   */
  readonly shares?: Classes
  /**
   * Refuses with `shed`, before they wait, classes that the fleet has no room for: 0 when half of what may wait does,
   * 1 at three quarters, 2 at nine tenths; of `queue`, or where that is not given of ten times the limit. Default false.
   */
  readonly early?: boolean
  /** For people, metrics and refusals. Default `fleet`. */
  readonly name?: string
  readonly observer?: Observer
}

/** How a fleet's limit looks from one instance. */
export interface FleetSlotsState {
  /** False while the coordinator does not answer. */
  readonly up: boolean
  /** Why it last did not. */
  readonly trouble: string | undefined
  /** True while the failure policy decides. */
  readonly alone: boolean
  readonly policy: 'share' | 'open' | 'closed'
  /** True while the coordinator has just started and grants nothing yet. */
  readonly learning: boolean
  /** Slots here, and how many of them are in use. */
  readonly held: number
  readonly inflight: number
  readonly queued: number
  /** Times a lease ran out here while slots were in use. */
  readonly lapses: number
  /** Everywhere, when the coordinator last said so. */
  readonly fleet: {
    readonly sessions: number
    readonly used: number
    readonly queued: number
    /** Who waits, by class. */
    readonly waiters: Classes
    /** Classes below this one are better refused before they wait; 0 for none. */
    readonly level: number
    readonly limit: number
    /** How long the longest of those who are next has been waiting, in ms. */
    readonly oldest: Millis
  }
}

/** A gate whose limit is shared by all instances of a fleet. */
export interface FleetSlots extends Gate {
  /** A reading, made when asked for. */
  readonly state: FleetSlotsState
}

/**
 * A number of slots that several instances share, with one queue before them: the most important first, wherever it
 * waits. An instance decides by itself while the share it holds suffices; what it does not use goes to whoever waits.
 * The signal of work in `run`, and `signal` of a `SlotPermit`, is aborted with a `SlotLost` when the lease is lost.
 * @throws RangeError for an option out of range
 */
export function fleetSlots(options: FleetSlotsOptions): FleetSlots {
  const { onDown, order = 'share', weights = {}, early = false } = checkOptions('fleetSlots', options)
  const { clock = systemClock, random = systemRandom, name = 'fleet' } = options
  if (!['share', 'open', 'closed'].includes(onDown))
    refuseValue('fleetSlots.onDown', onDown, "'share', 'open' or 'closed'")
  if (!['share', 'strict'].includes(order)) refuseValue('fleetSlots.order', order, "'share' or 'strict'")
  const shares = slotShares(options.shares, order, early)
  const heavy = Object.entries(checkOptions('fleetSlots.weights', weights))
  for (const [flow, weight] of heavy) checkNumber(`fleetSlots.weights[${flow}]`, weight, Number.MIN_VALUE)
  if (heavy.length > 0 && order === 'strict') refuseValue('fleetSlots.weights', weights, "left out with order 'strict'")
  const core = new FleetSlotsCore({
    name,
    coordinator: checkAble(
      'fleetSlots.coordinator',
      options.coordinator,
      'redisSlots(…) or memorySlots()',
      'sync',
      'listen',
    ),
    limit: checkWhole('fleetSlots.limit', options.limit, 1),
    onDown,
    instances: checkWhole('fleetSlots.instances', options.instances ?? 0, 0),
    capacity: checkWhole('fleetSlots.capacity', options.capacity ?? 1000, 0),
    maxWait: checkNumber('fleetSlots.maxWait', options.maxWait ?? 3000, 0),
    queue: options.queue === undefined ? 0 : checkWhole('fleetSlots.queue', options.queue, 1),
    strict: order === 'strict',
    shares,
    weights: { ...weights },
    early,
    clock,
    random,
  })
  return new FleetSlotsGate(core, onDown, options.observer)
}

class FleetSlotsGate implements FleetSlots {
  readonly #slots: FleetSlotsCore
  readonly #gate: Gate
  readonly #policy: FleetSlotsState['policy']

  constructor(slots: FleetSlotsCore, policy: FleetSlotsState['policy'], observer: Observer | undefined) {
    this.#slots = slots
    this.#policy = policy
    this.#gate = defineGate(slots, observer === undefined ? {} : { observer })
  }

  get name(): string {
    return this.#gate.name
  }

  get pressure(): Signal<Pressure> {
    return this.#gate.pressure
  }

  get stats(): GateStats {
    return this.#gate.stats
  }

  get core(): GateCore {
    return this.#gate.core
  }

  get zombies(): number {
    return this.#gate.zombies
  }

  get state(): FleetSlotsState {
    const { session, inUse, alone, stats } = this.#slots
    const { last } = session
    return {
      up: session.up,
      trouble: session.trouble,
      alone,
      policy: this.#policy,
      learning: last?.learning ?? false,
      held: session.held,
      inflight: inUse,
      queued: stats.queued,
      lapses: session.lapses,
      fleet: {
        sessions: last?.sessions ?? 0,
        used: session.view.used,
        queued: session.view.queued,
        waiters: last?.waiters ?? [0, 0, 0, 0],
        level: session.view.level,
        limit: last?.limit ?? 0,
        oldest: last?.oldest ?? 0,
      },
    }
  }

  tryEnter(arrival?: Arrival): Verdict {
    return this.#gate.tryEnter(arrival)
  }

  enter(arrival: Arrival, answer: Answer): { cancel(): void } | undefined {
    return this.#gate.enter(arrival, answer)
  }

  acquire(entry?: Entry): Promise<Permit> {
    return this.#gate.acquire(entry)
  }

  run<T>(work: (signal: AbortSignal) => PromiseLike<T> | T, options: RunOptions = {}): Promise<T> {
    // Work that declares no parameter cannot hear of a lost lease.
    if (work.length === 0) return this.#gate.run(work, options)
    const watch = new SlotWatch(options.signal)
    const watched = { ...options, signal: watch.signal, watch }
    return this.#gate.run(work, watched).finally(() => watch.done())
  }

  close(): void {
    this.#gate.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

import {
  checkFunction,
  checkWhole,
  hashOf,
  Rejection,
  Source,
  systemClock,
  type Arrival,
  type Clock,
  type Pressure,
} from '../ground/index.ts'
import { coreOf } from './core-of.ts'
import { defineGate } from './define.ts'
import { Frequency } from './frequency.ts'
import type { Gate, GateCore, GateStats, Observer, Verdict, Waiting } from './gate.ts'

export interface KeyedOptions {
  /** How many keys have a gate of their own. A whole number of at least 1. Default 10,000. */
  readonly maxKeys?: number
  /** How many gates all further keys share, by hash. A whole number of at least 1. Default 1,024. */
  readonly shared?: number
  /** For people, metrics and refusals. Default: the name of the gates. */
  readonly name?: string
  readonly observer?: Observer
}

/** Entries looked at for one that may go, when a new key finds the table full. */
const GLANCES = 4

/**
 * A gate for each key: a tenant, an API key, an address. Memory is bounded whatever keys arrive. Beyond `maxKeys` a key
 * shares one of the `shared` gates, chosen by hash; it gets one of its own when it has been seen more often lately than
 * a key whose gate is at rest. So a flood of new keys neither makes anybody's gate forgotten (only what would change
 * nothing is ever dropped) nor keeps others out altogether.
 *
 * Keys are taken at their word: whoever may choose a new one for each arrival gets a fresh gate each time. Key by what the
 * caller cannot choose. Its `stats` and `core.parts` walk all gates. Its pressure is always 0: one full tenant is no
 * pressure for the others.
 * @param keyOf default for `undefined`: the empty key
 * @param make a gate like all the others; called once for each key, or once in all where the gate can make siblings
 * @throws RangeError for an option out of range, and for what makes no gate
 */
export function keyed(
  keyOf: (arrival: Arrival) => string | undefined,
  make: () => Gate,
  options: KeyedOptions = {},
): Gate {
  const maxKeys = checkWhole('keyed.maxKeys', options.maxKeys ?? 10_000, 1)
  const shared = checkWhole('keyed.shared', options.shared ?? 1024, 1)
  checkFunction('keyed.keyOf', keyOf)
  checkFunction('keyed.make', make)
  return defineGate(new Keyed(keyOf, make, maxKeys, shared, options.name), options)
}

class Keyed implements GateCore {
  readonly name: string
  readonly clock: Clock
  readonly pressure: Source<Pressure> = new Source(() => ({ level: 0, cause: this.name }))
  readonly #keyOf: (arrival: Arrival) => string | undefined
  readonly #make: () => Gate
  readonly #template: GateCore
  readonly #maxKeys: number
  readonly #own = new Map<string, GateCore>()
  /** Made when first needed: an iterator keeps every earlier, smaller table of a map that grows under it. */
  #hand: Iterator<[string, GateCore], undefined> | undefined
  readonly #shared: (GateCore | undefined)[]
  /** Counts only once the table is full: before that everybody gets in. */
  #frequency: Frequency | undefined
  #closed = false

  constructor(
    keyOf: (arrival: Arrival) => string | undefined,
    make: () => Gate,
    maxKeys: number,
    shared: number,
    name: string | undefined,
  ) {
    this.#keyOf = keyOf
    this.#make = make
    this.#template = coreOf('keyed', make())
    this.#maxKeys = maxKeys
    this.#shared = Array.from({ length: shared }, () => undefined)
    this.name = name ?? this.#template.name
    this.clock = this.#template.clock ?? systemClock
  }

  get parts(): readonly GateCore[] {
    return [...this.#own.values(), ...this.#shared.filter((core) => core !== undefined)]
  }

  get stats(): GateStats {
    let inflight = 0
    let queued = 0
    for (const { stats } of this.parts) {
      inflight += stats.inflight
      queued += stats.queued
    }
    return { limit: Infinity, inflight, queued }
  }

  check(arrival: Arrival): void {
    this.#template.check?.(arrival)
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    if (this.#closed) return new Rejection('closed', this.name, 1, 0)
    const key = this.#keyOf(arrival) ?? ''
    return this.#gateOf(key).enter(arrival, mayWait)
  }

  shut(): void {
    this.#closed = true
    for (const part of this.parts) part.shut?.()
  }

  close(): void {
    this.shut()
    for (const part of this.parts) part.close()
  }

  #gateOf(key: string): GateCore {
    const own = this.#own.get(key)
    const frequency = this.#frequency
    if (frequency === undefined) return own ?? this.#welcome(key)
    const hash = hashOf(key)
    frequency.see(hash)
    return own ?? (this.#makeRoom(frequency, frequency.of(hash)) ? this.#welcome(key) : this.#sharedOf(hash))
  }

  #welcome(key: string): GateCore {
    const core = this.#another()
    this.#own.set(key, core)
    if (this.#own.size >= this.#maxKeys) this.#frequency ??= new Frequency(this.#maxKeys)
    return core
  }

  /** Drops a gate that is at rest and whose key was seen less often. */
  #makeRoom(frequency: Frequency, newcomer: number): boolean {
    if (this.#own.size < this.#maxKeys) return true
    // A newcomer seen once can displace nobody who was ever seen since, so the glances can be saved.
    if (newcomer < 2 || !frequency.ripe) return false
    for (let glance = 0; glance < GLANCES; glance++) {
      const [key, core] = this.#look()
      // More often by one may be chance: the counts are rough.
      if (frequency.of(hashOf(key)) + 1 < newcomer && isAtRest(core)) {
        this.#own.delete(key)
        return true
      }
    }
    return false
  }

  /** The next entry round the table, as a clock's hand goes: a new iterator each time would walk its holes again. */
  #look(): [string, GateCore] {
    let next = this.#hand?.next()
    if (next === undefined || next.done === true) {
      this.#hand = this.#own.entries()
      next = this.#hand.next()
    }
    return next.value!
  }

  #sharedOf(hash: number): GateCore {
    const at = hash % this.#shared.length
    return (this.#shared[at] ??= this.#another())
  }

  #another(): GateCore {
    return this.#template.sibling?.() ?? this.#make().core
  }
}

function isAtRest(core: GateCore): boolean {
  if (core.atRest !== undefined) return core.atRest
  const { inflight, queued } = core.stats
  if (inflight > 0 || queued > 0 || core.pressure.value.level > 0) return false
  return core.parts === undefined || core.parts.every(isAtRest)
}

import type { Millis } from '../ground/index.ts'

/** How many wait in each class of priority, from 0 to 3. */
export type Classes = readonly [number, number, number, number]

/** Some who wait one after the other and want the same, as the coordinator is told of them. */
export interface SlotDemand {
  readonly priority: number
  /**
   * Where instances share: whose line it is, a hash of the tenant; 0 for nobody's in particular, below 0 for several
   * tenants together. In strict order: the number of the one who waits, which rises with every arrival of the session.
   */
  readonly line: number
  /** How much the line may have beside others of its class. Above 0. */
  readonly weight: number
  /** Slots that each of them needs, all at once. */
  readonly cost: number
  readonly count: number
  /** How long the first of them has been waiting, in ms. */
  readonly age: Millis
}

/**
 * What an instance says of itself. Everything in it is a level, not an event: saying it twice, or not at all, or in
 * another order changes nothing for long.
 */
export interface SlotReport {
  readonly session: string
  /** The registration it believes in; 0 asks for a new one. */
  readonly life: number
  /** Rises with every report of the session. */
  readonly seq: number
  /** Slots it knows it was ever granted in this life; where `life` is 0, how many are in use and claimed. */
  readonly granted: number
  /** Slots it has ever given back in this life. */
  readonly returned: number
  readonly limit: number
  readonly lease: Millis
  /** How many may wait everywhere; 0 for any number. */
  readonly queue: number
  /** True where whoever waits longest is next, false where instances share. */
  readonly strict: boolean
  /** What each class is sure of while others wait as well, as parts of 1; left out, the best class is next always. */
  readonly shares?: Classes | undefined
  /** True when it goes, and gives back all it has. */
  readonly leaves: boolean
  /** Arrivals that wait, named in `demand` or not. */
  readonly waiting: Classes
  /** Slots it would like to have lying ready when nobody waits anywhere. */
  readonly spare: number
  /** Those who are next in the order they will be served in: the best class first. */
  readonly demand: readonly SlotDemand[]
}

/** What the coordinator says to one instance: in answer to its report, or because something changed. */
export interface SlotNews {
  readonly life: number
  /** Rises with everything said in one life: what comes again or late is not acted upon twice. */
  readonly number: number
  /** Slots ever granted to it in this life. */
  readonly granted: number
  /** Of the last grant: rises with every grant to anybody, whatever is lost. */
  readonly fence: number
  /** The best class that waits at another instance; -1 for nobody. */
  readonly foreign: number
  /** How many slots each instance that wants any may keep; -1 when every slot that falls free has to go back. */
  readonly fair: number
  /** How many of each class have to go because too many wait everywhere. */
  readonly shed: Classes
  /** Classes below this one had better be refused before they wait: 0 for none, at most 3. */
  readonly level: number
  /** Slots in the hands of instances, and arrivals that wait, everywhere. */
  readonly used: number
  readonly queued: number
  /** In strict order: the last it named that comes before all of class `foreign` elsewhere, by its number; 0 for none. */
  readonly until: number
  /** In strict order: the highest number it has named. */
  readonly named: number
  /** For whom the last grants are, where tenants compete: priority, line and count of arrivals, again and again. */
  readonly turns: readonly number[]
}

/** The answer to a report. */
export interface SlotReply extends SlotNews {
  /** `unknown`: no such registration (any more); `refused`: registered, but what was claimed is in other hands. */
  readonly status: 'ok' | 'unknown' | 'refused' | 'stale'
  readonly limit: number
  /** When something may change without anybody saying so, in ms from now; 0 for not. */
  readonly wake: Millis
  readonly sessions: number
  /** Who waits everywhere, by class, and how long the first of them has, in ms. */
  readonly waiters: Classes
  readonly oldest: Millis
  /** True while it has just started and listens to what others hold before it grants anything. */
  readonly learning: boolean
}

/**
 * The authority over one limit that several instances share. It knows how many slots each holds and who waits, and
 * never lets the sum of what is held exceed the limit.
 */
export interface SlotCoordinator {
  /** How long a registration lasts without being renewed; `Infinity` where nobody can vanish unnoticed. */
  readonly lease: Millis
  /** Answers once, now or later, with an error where it could not be asked. */
  sync(report: SlotReport, answer: (reply: SlotReply | Error) => void): void
  /**
   * Hears what is said to a session until the result is called.
   * @param voided called when whoever kept count is gone, and another takes over: what is in use has to be claimed anew,
   * and counts as lost if that is not heard within so many ms. Only where that is noticed before a lease runs out.
   */
  listen(session: string, listener: (news: SlotNews) => void, voided?: (grace: Millis) => void): () => void
}

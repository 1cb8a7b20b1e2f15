import type { Millis, RejectionCode } from '../ground/index.ts'

/** How long something took, in ms. Percentiles are at most 1.6 % off, the rest is exact. */
export interface LatencyFigures {
  readonly count: number
  readonly mean: Millis
  readonly p50: Millis
  readonly p90: Millis
  readonly p99: Millis
  readonly max: Millis
}

/** What happened in a part of a run. Everything counts where and when it happens, retries like first attempts. */
export interface Figures {
  /** How long the part is, in ms. */
  readonly lasts: Millis
  /** Attempts that were made. */
  readonly offered: number
  /** Those that are retries. */
  readonly retried: number
  readonly admitted: number
  /** Answers to clients who were still there. */
  readonly answered: number
  /** Those within the bound. */
  readonly good: number
  /** Refusals to clients who were still there. */
  readonly refused: number
  /** The same by code. */
  readonly rejected: Readonly<Partial<Record<RejectionCode, number>>>
  /** Clients who left without either. */
  readonly left: number
  /** Work done for clients who had left. */
  readonly wasted: number
  /** Good answers a second. */
  readonly goodput: number
  /** The work in them as a share of what the healthy plant can do; `null` where nothing bounds it. */
  readonly share: number | null
  /** From an attempt to the end of its work, whether its client was still there or not. */
  readonly latency: LatencyFigures
  /** From an attempt to its refusal. */
  readonly refusal: LatencyFigures
}

/** Figures with a name. */
export interface NamedFigures extends Figures {
  readonly name: string
}

/** What a tenant got. */
export interface TenantFigures {
  readonly name: string
  readonly offered: number
  readonly good: number
  readonly refused: number
  /** What it would have got had all that was served been shared out max-min fairly. */
  readonly fair: number
}

/** How the tenants fared beside a max-min fair sharing of the same good answers. */
export interface FairnessFigures {
  /** How many tenants sent anything. */
  readonly tenants: number
  /** Jain's index of what each got over what was fair: 1 is perfect, 1/n is one who got all. */
  readonly jain: number
  /** The least that any tenant got, as a share of what was fair. */
  readonly worst: number
  /** How much went to the wrong tenants, as a share of all: 0 is perfect. */
  readonly misplaced: number
  /** Those who sent most. */
  readonly top: readonly TenantFigures[]
}

/** How things were in one interval. */
export interface Point {
  /** When it ended, in ms from the beginning. */
  readonly at: Millis
  readonly offered: number
  readonly good: number
  readonly refused: number
  readonly left: number
  /** Of those whose work ended in it, in ms; 0 where there were none. */
  readonly p99: Millis
  /** At its end, all instances of the first tier together; `null` where nothing limits. */
  readonly limit: number | null
  readonly inflight: number
  readonly queued: number
  /** What the plant could do by then, in jobs of work 1 a second; `null` where nothing bounds it. */
  readonly capacity: number | null
  /** Why limits moved, and how often. */
  readonly reasons: Readonly<Record<string, number>>
}

/** What came of a run. Plain data: the same scenario, seed and gate give the same, byte for byte, on every Node. */
export interface SimReport {
  readonly scenario: string
  readonly seed: number
  /** How long the run was, in ms. */
  readonly duration: Millis
  /** An answer later than this is not good, in ms. */
  readonly bound: Millis
  /** What the healthy plant can do, in jobs of work 1 a second; `null` where nothing bounds it. */
  readonly capacity: number | null
  /** After the warm-up. */
  readonly total: Figures
  readonly phases: readonly NamedFigures[]
  /** After the warm-up. */
  readonly classes: readonly NamedFigures[]
  /** After the warm-up; `null` where nobody tells tenants apart. */
  readonly fairness: FairnessFigures | null
  /** Every attempt of the whole run: `offered` is the sum of the others. */
  readonly attempts: {
    readonly offered: number
    readonly answered: number
    readonly refused: number
    readonly left: number
    readonly inSystem: number
  }
  /** Every request of the whole run, however often it was tried: `made` is the sum of the others. */
  readonly requests: {
    readonly made: number
    readonly succeeded: number
    readonly failed: number
    readonly underWay: number
  }
  /** Events of the virtual clock that the run took. */
  readonly events: number
  /** In order, `every` ms apart. */
  readonly series: { readonly every: Millis; readonly points: readonly Point[] }
}

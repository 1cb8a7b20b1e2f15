import type { Registry } from 'prom-client'
import type { GatewayPlan, Problem } from '../config/index.ts'
import type { SecondData, Snapshot } from '../live/index.ts'
import type { BreakerDecision, BreakerTold } from './breaker-news.ts'
import type { FromPart, ToPart } from './in-common.ts'
import type { PartDecision, PartTold } from './part-news.ts'

/** What the first process orders. */
export type Order =
  /** The plan to begin with. */
  | { readonly kind: 'serve'; readonly plan: GatewayPlan }
  /** Another one, to be taken over whole or not at all. */
  | { readonly kind: 'apply'; readonly id: number; readonly plan: GatewayPlan }
  /** Its figures, and with `ends` the second that is over. */
  | { readonly kind: 'tell'; readonly id: number; readonly ends: boolean }
  | { readonly kind: 'part'; readonly order: PartDecision & ToPart }
  | { readonly kind: 'breaker'; readonly order: BreakerDecision & ToPart }
  /** In order, and now. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'end' }

/** What a worker says. */
export type Report =
  /** It waits for its plan. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'applied'; readonly id: number; readonly result: Applied }
  | { readonly kind: 'figures'; readonly id: number; readonly figures: WorkerFigures }
  | { readonly kind: 'part'; readonly news: PartTold & FromPart }
  | { readonly kind: 'breaker'; readonly news: BreakerTold & FromPart }

/** What came of a plan: what waits for a restart, or what was wrong with it. */
export type Applied =
  | { readonly waiting: readonly string[] }
  | { readonly problems: readonly Problem[] }
  | { readonly error: string }

/** The metrics of a process as data. */
export type MetricsData = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** What a worker knows of itself. */
export interface WorkerFigures {
  /** Without the history, which is kept where all of it comes together. */
  readonly snapshot: Snapshot
  readonly metrics: MetricsData
  readonly second: SecondData | undefined
}

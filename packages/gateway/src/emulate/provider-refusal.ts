import type { Millis } from 'sluice'
import type { DimensionName } from './dimension.ts'

/**
 * Why a provider would not: a dimension is spent; more at once than ever fits (`too-large`); too many at work
 * (`concurrency`); the money is spent (`spend`); growing too fast (`slow-down`); no capacity, whatever the quota
 * (`overloaded`); none for the cheap tier, not charged (`flex`); it failed (`server-error`).
 */
export type RefusalReason =
  | DimensionName
  | 'too-large'
  | 'concurrency'
  | 'spend'
  | 'slow-down'
  | 'overloaded'
  | 'flex'
  | 'server-error'

/** A provider's no, as data; dialects make words of it. */
export interface ProviderRefusal {
  readonly admitted: false
  readonly reason: RefusalReason
  /** The figures, where it is about a limit. */
  readonly about?: LimitFigures
  /** Until the same call would be let in if nobody else came, in ms. Absent: waiting does not help, or nobody knows. */
  readonly wait?: Millis
}

/** `wait = (used + requested − limit) / limit × window`, where the bucket is a continuous one. */
export interface LimitFigures {
  readonly dimension: DimensionName
  readonly limit: number
  /** Whole and rounded up: 0 when nothing was used; above the limit when there is a debt. */
  readonly used: number
  readonly requested: number
  readonly window: Millis
  /** False for fixed windows, to which the formula does not apply. */
  readonly continuous: boolean
}

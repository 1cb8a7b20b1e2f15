import type { Window } from './limit.ts'

/** So much less throughput is no chance, nor what a crowd does … */
export const FEWER = 0.75
/** … in the first window that binds after so many in which none did. */
export const IDLED = 5
/** Where no queueing was seen by then less of a difference is enough: so many standard deviations of what is counted. */
export const CHANCE = 0.5
/** With less than this left not even twice the limit would bring it back, and is not tried. */
export const RECOVERABLE = 0.4
/** With so much less at a limit that binds all the time capacity was lost. */
export const LOST = 0.5
/** The share of one window in what is known. */
const NEWS = 0.3

/** Answers per ms, counted: unlike what is in flight over latency it owes nothing to either. */
export function throughputOf({ completed, start, end }: Window): number {
  return completed / Math.max(1, end - start)
}

/** What is known of throughput after one more window; one that ended early says nothing. @param known 0 for nothing */
export function withThroughput(known: number, window: Window): number {
  if (window.cut) return known
  return known === 0 ? throughputOf(window) : known + NEWS * (throughputOf(window) - known)
}

import type { Window } from './limit.ts'

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

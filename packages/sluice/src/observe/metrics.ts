import type { Gate } from '../gate/index.ts'
import { WAIT_BUCKETS, type Tally } from './tally.ts'

/** One value of a metric, told apart by its labels. */
export interface Reading {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric of a gate: what it is called and how to read it. Names get a prefix, `backpressure` by default. */
export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly read: (gate: Gate, tally: Tally) => readonly Reading[]
}

const one = (value: number): readonly Reading[] => [{ labels: {}, value }]

const byLabel = (label: string, counts: Readonly<Record<string, number>>): readonly Reading[] =>
  Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }))

/** Every metric of a gate but the histogram. Exporters, docs, dashboards and alerts go by this table. */
export const METRICS: readonly Metric[] = [
  { name: 'active_requests', type: 'gauge', help: 'In progress now', read: (gate) => one(gate.stats.inflight) },
  { name: 'queued_requests', type: 'gauge', help: 'Waiting now', read: (gate) => one(gate.stats.queued) },
  {
    name: 'limit',
    type: 'gauge',
    help: 'How many may be in progress at once now',
    read: (gate) => one(gate.stats.limit),
  },
  {
    name: 'pressure',
    type: 'gauge',
    help: 'How full it is: 0 idle, 1 full, above 1 refusing',
    read: (gate) => one(gate.pressure.value.level),
  },
  { name: 'admitted_total', type: 'counter', help: 'Let in', read: (_, tally) => one(tally.admissions) },
  {
    name: 'rejected_total',
    type: 'counter',
    help: 'Turned away, by reason',
    read: (_, tally) => byLabel('code', tally.rejectionsBy),
  },
  {
    name: 'released_total',
    type: 'counter',
    help: 'Ended, by outcome',
    read: (_, tally) => byLabel('outcome', tally.releasesBy),
  },
  {
    name: 'limit_changes_total',
    type: 'counter',
    help: 'How often the limit moved',
    read: (_, tally) => one(tally.limitChanges),
  },
]

/** The histogram of waiting, in seconds, of those who were let in. */
export const WAIT_METRIC: { readonly name: string; readonly help: string; readonly buckets: readonly number[] } = {
  name: 'wait_time_seconds',
  help: 'How long those who were let in had waited, in seconds',
  buckets: WAIT_BUCKETS,
}

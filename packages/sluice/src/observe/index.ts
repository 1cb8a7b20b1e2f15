export { METRICS, WAIT_METRIC, type Metric, type Reading } from './metrics.ts'
export { tally, WAIT_BUCKETS, type Tally } from './tally.ts'

export { tally, WAIT_BUCKETS, type Tally } from './tally.ts'

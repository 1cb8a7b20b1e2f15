export { collect, fleetViews, loadOf, type CollectOptions, type Phase } from './collect.ts'
export { Histogram } from './histogram.ts'
export { Recorder, type Load, type Recorded } from './recorder.ts'
export type * from './snapshot.ts'

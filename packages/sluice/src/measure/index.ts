export { Histogram } from './histogram.ts'
export { Moments } from './moments.ts'

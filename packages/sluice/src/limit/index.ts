export { adaptive, type AdaptiveOptions, type AdaptiveState } from './adaptive.ts'
export { fixed } from './fixed.ts'
export type { LimitAlgorithm, Step, Window, WindowEnd } from './limit.ts'

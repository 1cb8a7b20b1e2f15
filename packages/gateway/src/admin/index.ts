export { admin, type AdminOptions } from './admin.ts'
export { backpressureReport, type BackpressureReport } from './backpressure-report.ts'
export { shownMetrics } from './metrics.ts'
export { registryOf } from './registry.ts'

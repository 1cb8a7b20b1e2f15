export { LoadReadiness, type LoadReadinessOptions, type Usage } from './load-readiness.ts'

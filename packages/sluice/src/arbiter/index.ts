export { arbiter, type Arbiter, type ArbiterOptions, type ArbiterState } from './arbiter.ts'
export * from '../coordinate/index.ts'

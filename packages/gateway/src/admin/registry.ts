import type { Registry } from 'prom-client'
import type { LlmStatus } from '../llm/index.ts'
import { llmMetrics } from './llm-metrics.ts'
import { metrics } from './metrics.ts'

/**
 * What `/metrics` of one process tells.
 * @param llm the door to language models; answers `undefined` where there is none
 */
export function registryOf(...sources: [...Parameters<typeof metrics>, llm: () => LlmStatus | undefined]): Registry {
  const [gate, tally, proxy, snapshot, lanes, llm] = sources
  const registry = metrics(gate, tally, proxy, snapshot, lanes)
  llmMetrics(registry, llm)
  return registry
}

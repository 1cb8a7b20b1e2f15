import type { Scenario } from 'sluice/sim'
import { ConfigError, countOf } from '../config/index.ts'

const NAMES: readonly string[] = ['adaptive', 'aimd', 'vegas', 'gradient2', 'none']

/** Makes sure that this is a limit: a name, or `fixed:20`. @throws ConfigError */
export function limitChoice(text: string): string {
  const [, count] = /^fixed:(.+)$/.exec(text) ?? []
  if (count !== undefined) return `fixed:${countOf('--limit', count, 1)}`
  if (!NAMES.includes(text)) throw new ConfigError('--limit', text, `${NAMES.join(', ')} or fixed:N, like fixed:20`)
  return text
}

/** What the limit of a scenario is called. */
export function limitOf({ gate = {} }: Scenario): string {
  if (gate === 'none') return 'none'
  const { limit = 'adaptive' } = gate
  if (typeof limit === 'number') return `fixed:${limit}`
  return typeof limit === 'string' ? limit : limit.name
}

/** The same scenario with another limit. Queue and threshold stay; options of its own limit stay with it. */
export function withLimit(scenario: Scenario, choice: string): Scenario {
  if (choice === limitOf(scenario)) return scenario
  if (choice === 'none') return { ...scenario, gate: 'none' }
  const { gate = {} } = scenario
  const limit = choice.startsWith('fixed:') ? Number(choice.slice('fixed:'.length)) : choice
  return { ...scenario, gate: { ...(gate !== 'none' && gate), limit } }
}

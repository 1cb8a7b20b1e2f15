import type { Millis } from 'sluice'
import { DIMENSIONS } from './dimension.ts'
import { goDuration } from './go-duration.ts'
import type { HeaderStyle, RetryHint } from './profile.ts'
import type { Standing } from './provider-model.ts'
import type { ProviderRefusal } from './provider-refusal.ts'

/** How headers go wrong: not at all; Azure's Responses API with `-1` and `0`; missing. */
export type HeaderFault = 'none' | 'minus-one' | 'missing'

/**
 * The rate headers of an answer.
 * @param wall the provider's wall clock, in ms since 1970
 */
export function limitHeaders(
  style: HeaderStyle,
  standing: readonly Standing[],
  wall: number,
  fault: HeaderFault = 'none',
): Record<string, string> {
  if (style === 'none' || fault === 'missing') return {}
  return style === 'anthropic' ? anthropic(standing, wall) : openai(style, standing, fault)
}

function openai(style: 'openai' | 'groq', standing: readonly Standing[], fault: HeaderFault): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { dimension, limit, level, untilFull } of standing) {
    const name = openaiName(style, dimension)
    if (name === undefined) continue
    headers[`x-ratelimit-limit-${name}`] = String(fault === 'minus-one' ? -1 : Math.floor(limit))
    headers[`x-ratelimit-remaining-${name}`] = String(fault === 'minus-one' ? -1 : left(level))
    headers[`x-ratelimit-reset-${name}`] = fault === 'minus-one' ? '0' : goDuration(untilFull)
  }
  return headers
}

function openaiName(style: 'openai' | 'groq', dimension: Standing['dimension']): string | undefined {
  if (dimension === 'requests') return style === 'openai' ? 'requests' : undefined
  if (dimension === 'requests-day') return style === 'groq' ? 'requests' : undefined
  return dimension === 'tokens' ? 'tokens' : undefined
}

function anthropic(standing: readonly Standing[], wall: number): Record<string, string> {
  const headers: Record<string, string> = {}
  const set = (name: string, limit: number, remaining: number, untilFull: Millis): void => {
    headers[`anthropic-ratelimit-${name}-limit`] = String(Math.floor(limit))
    headers[`anthropic-ratelimit-${name}-remaining`] = String(remaining)
    headers[`anthropic-ratelimit-${name}-reset`] = rfc3339(wall + untilFull)
  }
  const tokens: Standing[] = []
  for (const each of standing) {
    const { unit, window } = DIMENSIONS[each.dimension]
    if (window !== 60_000) continue
    if (unit === 'tokens') tokens.push(each)
    const name = unit === 'tokens' && each.dimension !== 'tokens' ? `${each.dimension}-tokens` : each.dimension
    set(name, each.limit, unit === 'tokens' ? thousands(each.level) : left(each.level), each.untilFull)
  }
  const total = (of: (each: Standing) => number): number => tokens.reduce((sum, each) => sum + of(each), 0)
  if (tokens.length > 0)
    set(
      'tokens',
      total(({ limit }) => limit),
      total(({ level }) => thousands(level)),
      Math.max(...tokens.map(({ untilFull }) => untilFull)),
    )
  return headers
}

/**
 * The hints of a refusal. A provider gives none where waiting does not help.
 * @param shouldRetry say `x-should-retry`, too
 */
export function retryHeaders(
  style: RetryHint,
  { wait }: ProviderRefusal,
  shouldRetry: boolean,
): Record<string, string> {
  const headers: Record<string, string> = {}
  if (wait !== undefined && (style === 'ms' || style === 'both')) headers['retry-after-ms'] = String(Math.ceil(wait))
  if (wait !== undefined && (style === 's' || style === 'both'))
    headers['retry-after'] = String(Math.max(1, Math.ceil(wait / 1000)))
  if (shouldRetry) headers['x-should-retry'] = String(wait !== undefined)
  return headers
}

function left(level: number): number {
  return Math.max(0, Math.floor(level + 1e-6))
}

function thousands(level: number): number {
  return Math.max(0, Math.round(level / 1000) * 1000)
}

/** Whole seconds, never too early. */
function rfc3339(wall: number): string {
  return new Date(Math.ceil(wall / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

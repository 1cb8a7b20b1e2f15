import type { Millis } from '../../ground/index.ts'
import type { BudgetName } from '../profile.ts'
import type { Dialect } from './dialect.ts'
import { goDuration } from './go-duration.ts'
import { instantText } from './rfc3339.ts'

/** What to tell about one limit. */
export interface NativeBudget {
  /** Endless ones are not told. */
  readonly limit: number
  /** Below 0 is told as 0. */
  readonly remaining: number
  /** In how many ms it is full again. */
  readonly full: Millis
}

export type HeaderField = readonly [name: string, value: string]

/** Anthropic tells tokens in whole thousands. */
const THOUSAND = 1000
/** Above this the official clients of 2026 drop the hint and come back at once, in ms. */
const LONGEST_HINT: Millis = 60_000

const OPENAI: Partial<Record<BudgetName, string>> = { requests: 'requests', tokens: 'tokens' }
const ANTHROPIC: Partial<Record<BudgetName, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  input: 'input-tokens',
  output: 'output-tokens',
}

/**
 * The rate-limit headers of a dialect: Go durations for OpenAI, instants for Anthropic, in the order their servers use.
 * Limits the dialect has no name for are left out.
 * @param now the wall clock in ms since 1970
 */
export function nativeBudgetHeaders(
  dialect: Dialect,
  budgets: Readonly<Partial<Record<BudgetName, NativeBudget>>>,
  now: number,
): HeaderField[] {
  const anthropic = dialect === 'anthropic-messages'
  const headers: HeaderField[] = []
  for (const [budget, name] of Object.entries(anthropic ? ANTHROPIC : OPENAI)) {
    const told = budgets[budget as BudgetName]
    if (told === undefined || !Number.isFinite(told.limit) || !Number.isFinite(told.full)) continue
    const limit = String(Math.floor(told.limit))
    const left = Math.max(0, Math.min(told.limit, told.remaining))
    if (anthropic) {
      // No more than there can be, however small the limit is.
      const rounded = Math.min(Math.floor(told.limit), Math.round(left / THOUSAND) * THOUSAND)
      headers.push(
        [`anthropic-ratelimit-${name}-limit`, limit],
        [`anthropic-ratelimit-${name}-remaining`, String(budget === 'requests' ? Math.floor(left) : rounded)],
        [`anthropic-ratelimit-${name}-reset`, instantText(now + Math.max(0, told.full))],
      )
    } else
      headers.push(
        [`x-ratelimit-limit-${name}`, limit],
        [`x-ratelimit-remaining-${name}`, String(Math.floor(left))],
        [`x-ratelimit-reset-${name}`, goDuration(told.full)],
      )
  }
  return headers
}

/**
 * When to come again, for any client: `retry-after` in whole seconds, rounded up, and `retry-after-ms`. Where trying again
 * is no use, or the wait is longer than clients believe (60 s), `x-should-retry: false`: they would come at once.
 */
export function nativeRetryHeaders(delay: Millis | undefined, mayRetry: boolean = true): HeaderField[] {
  const headers: HeaderField[] = []
  const known = delay !== undefined && delay >= 0 && Number.isFinite(delay)
  if (known)
    headers.push(['retry-after', String(Math.ceil(delay / 1000))], ['retry-after-ms', String(Math.ceil(delay))])
  if (!mayRetry || (known && delay > LONGEST_HINT)) headers.push(['x-should-retry', 'false'])
  return headers
}

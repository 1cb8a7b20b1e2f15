import type { Millis } from '../ground/index.ts'
import { refusalOf } from './dialects/refusal.ts'
import { readError } from './dialects/told-error.ts'
import { headerReader, type HeadersLike } from './headers.ts'
import type { BudgetName, Profile, RefusalClass } from './profile.ts'

/** A refusal of a provider's: what an SDK's error or a response has. */
export interface ProviderRefusal {
  /** 0 where there was no response at all. */
  readonly status: number
  readonly headers?: HeadersLike
  /** As text or parsed. Default: nothing is known but the status. */
  readonly body?: unknown
}

/** What to make of a refusal. */
export interface Judgement {
  readonly is: RefusalClass
  /** When the provider says to come back, in ms. */
  readonly retryAfter: Millis | undefined
  /** False where it says that trying again is pointless. */
  readonly mayRetry: boolean
  /** The limit it names, where it names one. */
  readonly budget: BudgetName | undefined
  /** By how much what was asked for is above what is left, where it says so. */
  readonly short: number | undefined
  /** What it says that limit is, where it does. */
  readonly limit: number | undefined
}

/** Judges a refusal by the rules of the provider's profile. */
export function judge(profile: Profile, { status, headers = {}, body }: ProviderRefusal): Judgement {
  const told = readError(status, headerReader(headers), body)
  const text = `${told.code ?? ''} ${told.message}`
  const budget = Object.entries(profile.budgets).find(([, { named }]) => named?.test(text) === true)?.[0]
  const { limit, used, requested } = told
  const short =
    limit === undefined || used === undefined || requested === undefined
      ? undefined
      : Math.max(0, used + requested - limit)
  const is = refusalOf(told, profile.refusals)
  // Without any answer it is the way that failed. What may be sent again as it is was not wrong: so the official SDKs read it.
  const isFault = status === 0 || (is === 'request' && told.mayRetry === true)
  return {
    is: isFault ? 'fault' : is,
    retryAfter: told.delay,
    mayRetry: told.mayRetry !== false,
    budget: budget as BudgetName | undefined,
    short,
    limit,
  }
}

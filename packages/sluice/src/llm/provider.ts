import { checkNumber, checkWhole, refuseValue, type Millis } from '../ground/index.ts'
import { CHARGES, type ChargeMode } from './charging.ts'
import { checkKnown } from './check-known.ts'
import { checkPrice, type Price } from './price.ts'
import type { BudgetName, BudgetProfile, Profile } from './profile.ts'
import { anthropic } from './profiles/anthropic.ts'
import { azure } from './profiles/azure.ts'
import { bedrock } from './profiles/bedrock.ts'
import { gemini } from './profiles/gemini.ts'
import { generic } from './profiles/generic.ts'
import { groq } from './profiles/groq.ts'
import { openai } from './profiles/openai.ts'

/** What a key may do with one model. Figures as the provider's page of limits has them. */
export interface LimitOptions {
  readonly model: string
  /** Other names under which requests share these limits: aliases, dated versions, a family. Default none. */
  readonly also?: readonly string[]
  /** Requests a minute. Above 0. Default: not limited. So for each of the following. */
  readonly rpm?: number
  /** Requests a day. */
  readonly rpd?: number
  /** Tokens a minute. */
  readonly tpm?: number
  /** Tokens a day. */
  readonly tpd?: number
  /** Tokens of prompts a minute. */
  readonly itpm?: number
  /** Tokens of answers a minute. */
  readonly otpm?: number
  /** Requests in progress at once: in all processes together where the store has slots, else in each. A whole number. */
  readonly concurrency?: number
  /**
   * The most an answer may be where a request does not say, in tokens. At least 1. Default 4096, or half of the least limit it
   * would be counted against in advance.
   */
  readonly maxOutput?: number
  /** What it costs. Needed for `money`. */
  readonly price?: Price
  /** A budget: so much at once, and as much again spread over each `per`. */
  readonly money?: MoneyOptions
  /** How tokens are counted, where that is known better than the profile does. */
  readonly modes?: Readonly<Partial<Record<BudgetName, ChargeMode>>>
  /** The part of what a provider lets through at one instant that is used, above 0 and at most 1. Default 0.9. */
  readonly share?: number
  /** Tells keys apart where several share a store: limits of the same key and model are shared. Default `default`. */
  readonly key?: string
}

export interface MoneyOptions {
  /** In dollars. Above 0. */
  readonly usd: number
  /** In ms: 86,400,000 for a day. Above 0. */
  readonly per: Millis
  /**
   * True for a hard stop: never more than `usd` in any `per`, wherever that begins, as long as prompts are no larger than
   * 1.3 times what was estimated. Then half of it may be used at once, and answers are paid for in advance as if they were as long as they may be.
   * Default false: `usd` at once, and as much again in each `per`.
   */
  readonly stop?: boolean
}

/** One limit, with what is known of how it is counted. */
export interface Budget {
  readonly name: BudgetName
  /** So many in `profile.per`. */
  readonly limit: number
  readonly profile: BudgetProfile
}

/** The limits of one model: what `provider.openai(…)` makes for `llmPool`. */
export interface ModelLimits {
  readonly profile: Profile
  readonly model: string
  readonly also: readonly string[]
  readonly key: string
  readonly budgets: readonly Budget[]
  readonly concurrency: number
  readonly maxOutput: number
  /** What of it counts in advance where a request does not say. */
  readonly unsaid: number
  readonly share: number
  readonly price: Price | undefined
  /** True where no more money is spent than there is, whatever is answered. */
  readonly stops: boolean
  readonly modes: Readonly<Partial<Record<BudgetName, ChargeMode>>>
}

/** Which budget each figure sets. */
const FIGURES = {
  rpm: 'requests',
  rpd: 'requestsDaily',
  tpm: 'tokens',
  tpd: 'tokensDaily',
  itpm: 'input',
  otpm: 'output',
} as const satisfies Readonly<Record<string, BudgetName>>

/** What a figure that sets a budget is called. */
export const FIGURE_OF: Readonly<Partial<Record<BudgetName, string>>> = Object.fromEntries(
  Object.entries(FIGURES).map(([figure, budget]) => [budget, figure]),
)

/** Where only what is in progress is limited, so many requests a minute are as good as no limit. */
const PLENTY = 1e9
const UNLIMITED: BudgetProfile = { per: 60_000, window: 60_000, modes: [], cached: 'counts' }

const KNOWN = [
  ...Object.keys(FIGURES),
  'model',
  'also',
  'concurrency',
  'maxOutput',
  'price',
  'money',
  'modes',
  'share',
  'key',
]

/**
 * The limits of a model at a provider of this kind.
 * @throws RangeError for a figure that makes no sense or that such a provider does not have
 */
export function limitsOf(profile: Profile, options: LimitOptions): ModelLimits {
  const field = `provider.${profile.provider}`
  checkKnown(field, options, KNOWN)
  const { model, also = [], price, money, modes = {}, key = 'default' } = options
  for (const [name, value] of Object.entries({ model, key }))
    if (typeof value !== 'string' || value === '') refuseValue(`${field}.${name}`, value, 'a name')
  if (!Array.isArray(also)) refuseValue(`${field}.also`, also, 'names')
  for (const name of also) if (typeof name !== 'string' || name === '') refuseValue(`${field}.also`, name, 'names')
  const budgets: Budget[] = []
  for (const [figure, name] of Object.entries(FIGURES)) {
    const limit = options[figure as keyof typeof FIGURES]
    if (limit === undefined) continue
    const known = profile.budgets[name]
    if (known === undefined) refuseValue(`${field}.${figure}`, limit, `nothing: it has ${figuresOf(profile)}`)
    checkNumber(`${field}.${figure}`, limit, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER)
    budgets.push({ name, limit, profile: known })
  }
  if (price !== undefined) checkPrice(`${field}.price`, price)
  if (money !== undefined) {
    if (price === undefined) refuseValue(`${field}.price`, price, 'a price, as there is a budget of money')
    checkKnown(`${field}.money`, money, ['usd', 'per', 'stop'])
    if (money.stop !== undefined && typeof money.stop !== 'boolean')
      refuseValue(`${field}.money.stop`, money.stop, 'true or false')
    const usd = checkNumber(`${field}.money.usd`, money.usd, 1e-6, 1e9)
    const per = checkNumber(`${field}.money.per`, money.per, 1)
    // Half at once and half in each `per` make no more than the whole in any of them.
    const limit = money.stop === true ? usd * 5e5 : usd * 1e6
    budgets.push({ name: 'money', limit, profile: { per, window: per, modes: [], cached: 'exempt' } })
  }
  for (const [name, mode] of Object.entries(modes)) {
    if (!Object.hasOwn(CHARGES, mode))
      refuseValue(`${field}.modes.${name}`, mode, `one of ${Object.keys(CHARGES).join(', ')}`)
    const counted = Object.entries(profile.budgets).filter(([, budget]) => budget.modes.length > 0)
    if (!counted.some(([budget]) => budget === name))
      refuseValue(`${field}.modes`, name, `limits of tokens: ${counted.map(([budget]) => budget).join(', ')}`)
  }
  const concurrency =
    options.concurrency === undefined ? Infinity : checkWhole(`${field}.concurrency`, options.concurrency, 1)
  if (budgets.length === 0 && concurrency === Infinity)
    refuseValue(field, 'none', `at least one limit: ${figuresOf(profile)}, concurrency`)
  if (budgets.length === 0) budgets.push({ name: 'requests', limit: PLENTY, profile: UNLIMITED })
  const reserved = profile.unsaid === 'nothing' ? [] : budgets.filter((budget) => reserves(budget, modes))
  const least = Math.min(...reserved.map(({ limit }) => limit))
  const maxOutput = checkNumber(`${field}.maxOutput`, options.maxOutput ?? Math.max(1, Math.min(4096, least / 2)), 1)
  if (maxOutput > least)
    refuseValue(`${field}.maxOutput`, maxOutput, `at most ${least}: else what does not say less would never fit`)
  return {
    profile,
    model,
    also,
    key,
    budgets,
    concurrency,
    maxOutput,
    unsaid: profile.unsaid === 'nothing' ? 0 : maxOutput,
    share: checkNumber(`${field}.share`, options.share ?? 0.9, 0.01, 1),
    price,
    stops: money?.stop === true,
    modes,
  }
}

/** Whether an answer counts before it is there. */
function reserves({ name, profile }: Budget, modes: LimitOptions['modes'] = {}): boolean {
  const mode = modes[name] ?? profile.modes[0]
  return mode !== undefined && CHARGES[mode].start.output === 'max'
}

function figuresOf(profile: Profile): string {
  return Object.entries(FIGURES)
    .filter(([, budget]) => profile.budgets[budget] !== undefined)
    .map(([figure]) => figure)
    .join(', ')
}

/** Limits of a model, by provider. Each profile is a table of its own in the folder `profiles`. */
export const provider: Readonly<Record<ProviderName, (options: LimitOptions) => ModelLimits>> & {
  /** With a profile of one's own. */
  readonly custom: (profile: Profile, options: LimitOptions) => ModelLimits
} = {
  openai: (options) => limitsOf(openai, options),
  azure: (options) => limitsOf(azure, options),
  anthropic: (options) => limitsOf(anthropic, options),
  gemini: (options) => limitsOf(gemini, options),
  groq: (options) => limitsOf(groq, options),
  bedrock: (options) => limitsOf(bedrock, options),
  generic: (options) => limitsOf(generic, options),
  custom: limitsOf,
}

export type ProviderName = 'openai' | 'azure' | 'anthropic' | 'gemini' | 'groq' | 'bedrock' | 'generic'

/** The profiles, by name. */
export const PROFILES: Readonly<Record<ProviderName, Profile>> = {
  openai,
  azure,
  anthropic,
  gemini,
  groq,
  bedrock,
  generic,
}

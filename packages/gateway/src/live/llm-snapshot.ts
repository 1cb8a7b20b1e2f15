import type { Millis } from 'sluice'

/** The door to language models, as it is shown. Figures per second and percentiles are of the last ten seconds. */
export interface LlmView {
  readonly dialect: 'openai' | 'anthropic'
  /** Tokens per second: of prompts of calls that ended, of answers as they came. */
  readonly input: number
  readonly output: number
  /** From the arrival of a call to its first token, its wait included; 0 where there was none. Of streams. */
  readonly first50: Millis
  readonly first99: Millis
  /** Between two pieces of a stream. */
  readonly gap50: Millis
  readonly gap99: Millis
  /** Calls in progress, and the tokens they hold of what servers have; 0 before a provider. */
  readonly inflight: number
  readonly inflightTokens: number
  /** What waits, uploads included. */
  readonly held: { readonly count: number; readonly bytes: number; readonly tokens: number }
  /** By band, the highest first. */
  readonly bands: readonly LlmBandView[]
  /** Since the start, by cause; only causes that occurred. */
  readonly refused: readonly LlmCountView[]
  /** Refusals of the upstream since the start, by class and status; only those that occurred. */
  readonly upstreamRefused: readonly LlmCountView[]
  /** Clients that left, by where their call stood. */
  readonly departed: readonly LlmCountView[]
  /** Calls that went another way because they would have waited too long, by that way. */
  readonly overflowed: readonly LlmCountView[]
  /** By which part of the larger of both what was expected and what it was differ, of late; -1: nothing is known. */
  readonly error: { readonly input: number; readonly output: number }
  readonly servers: readonly LlmServerView[]
  readonly models: readonly LlmModelView[]
}

/** Those of one priority. */
export interface LlmBandView {
  /** 3 is the highest. */
  readonly priority: number
  readonly waiting: number
  /** How long those let in had waited; 0 where there was none. */
  readonly wait50: Millis
  readonly wait99: Millis
}

/** How often something happened. */
export interface LlmCountView {
  readonly what: string
  readonly count: number
}

/** A model server. */
export interface LlmServerView {
  readonly server: string
  readonly inflight: number
  readonly tokens: number
  /** So many may wait for their first token; -1: as many as like. */
  readonly firstTokens: number
}

/** A model of a provider, and what is left of its limits. */
export interface LlmModelView {
  readonly provider: string
  readonly model: string
  readonly inflight: number
  readonly queued: number
  readonly status429: number
  /** How much longer nobody sends because the provider said so. */
  readonly heldFor: Millis
  readonly breaker: 'closed' | 'open' | 'half-open'
  /** The part of the limits in force while the provider wants slow growth; 1: all of it. */
  readonly ramp: number
  readonly budgets: readonly LlmBudgetView[]
}

/** One limit of a provider. */
export interface LlmBudgetView {
  readonly budget: string
  /** As declared, in so many ms. */
  readonly limit: number
  readonly per: Millis
  /** What the provider says of it: the limit, and what was left when it last spoke; -1: nothing. */
  readonly told: number
  readonly left: number
  /** Left for all who share it, as far as is known here; below 0 while in debt. */
  readonly available: number
  /** What this process uses, as a part of the limit, over the last minute. */
  readonly utilization: number
  /** What the provider said is left, less what is kept free, less what was thought to be; 0 where it says nothing. */
  readonly drift: number
}

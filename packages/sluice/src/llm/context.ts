import { AsyncLocalStorage } from 'node:async_hooks'
import type { LlmRequest } from './request.ts'

/** What requests made within `pool.with` have in common, where they do not say themselves. */
export type LlmContext = Pick<LlmRequest, 'tenant' | 'route' | 'priority' | 'deadline' | 'maxWait'>

/** Carries for whom, how urgent and until when through whatever is awaited. */
export class ContextStore {
  readonly #storage = new AsyncLocalStorage<LlmContext>()

  /** What holds here. */
  get current(): LlmContext {
    return this.#storage.getStore() ?? NOTHING
  }

  /** Within one another: the inner one decides, where it says something; of two deadlines the earlier one. */
  run<T>(context: LlmContext, work: () => T): T {
    const outer = this.current
    const deadline = Math.min(outer.deadline ?? Infinity, context.deadline ?? Infinity)
    return this.#storage.run({ ...outer, ...context, ...(deadline < Infinity && { deadline }) }, work)
  }
}

const NOTHING: LlmContext = {}

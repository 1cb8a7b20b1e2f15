import type { Random } from 'sluice'
import type { Ask } from './ask.ts'
import { InvalidRequest, type Demand, type Prompt, type Reply } from './dialects/dialect.ts'
import { prose, verbatim, type Wording } from './prose.ts'
import { estimateOf, tokensOf } from './prompt-size.ts'
import { sampleValue } from './sample-value.ts'
import type { Wish } from './wish.ts'

export interface AnsweringOptions {
  /** Tokens of an answer: always so many, or evenly between two. Default 16. */
  readonly output?: number | readonly [least: number, most: number]
  /** Share of every prompt that is read from the cache, 0 to 1. Default 0. */
  readonly cachedShare?: number
  /** Bytes of a prompt in a token; the door estimates by 4 characters, whatever this is. Above 0. Default 4. */
  readonly bytesPerToken?: number
  /** Models that exist. Default: any name does. */
  readonly models?: readonly string[]
}

/** A prompt with an answer to it. */
export interface Answering {
  readonly ask: Ask
  readonly reply: Reply
}

/** What is said to a prompt, how long that is, and what the prompt counts. */
export class Answers {
  readonly #options: Required<AnsweringOptions>
  readonly #random: Random

  constructor(options: AnsweringOptions, random: Random) {
    this.#options = { output: 16, cachedShare: 0, bytesPerToken: 4, models: [], ...options }
    this.#random = random
  }

  /** Empty: any name does. */
  get models(): readonly string[] {
    return this.#options.models
  }

  /** @throws InvalidRequest for a model that does not exist */
  known(model: string): void {
    if (this.models.length > 0 && !this.models.includes(model))
      throw new InvalidRequest(404, `The model '${model}' does not exist.`, 'model', 'model_not_found')
  }

  inputOf(prompt: Prompt): number {
    return tokensOf(prompt.size, this.#options.bytesPerToken)
  }

  /** @param created the provider's wall clock, in ms since 1970 */
  to(prompt: Prompt, wish: Wish, id: string, created: number): Answering {
    const { model, size, maxTokens, tries, includeUsage } = prompt
    const input = this.inputOf(prompt)
    const cached = Math.min(input, wish.cached ?? Math.floor(input * this.#options.cachedShare))
    const cacheWrite = Math.min(input - cached, wish.cacheWrite ?? 0)
    const demand = wish.tool === false ? undefined : prompt.demand
    const tool = demand?.kind === 'tool' ? demand.name : undefined
    const wording = wordingOf(demand, wish.output ?? this.#length())
    return {
      ask: {
        input,
        estimate: estimateOf(size),
        cached,
        cacheWrite,
        ...(maxTokens !== undefined && { maxTokens: maxTokens * tries }),
      },
      reply: { id, model, created, tool, wording, input, cached, cacheWrite, includeUsage },
    }
  }

  #length(): number {
    const { output } = this.#options
    if (typeof output === 'number') return output
    const [least, most] = output
    return least + Math.floor(this.#random() * (most - least + 1))
  }
}

function wordingOf(demand: Demand | undefined, length: number): Wording {
  return demand === undefined ? prose(length) : verbatim(JSON.stringify(sampleValue(demand.schema)))
}

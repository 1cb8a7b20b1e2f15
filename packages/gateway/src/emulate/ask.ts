/** What one call wants of a provider, in tokens. */
export interface Ask {
  /** Tokens the prompt really has, those from the cache included. */
  readonly input: number
  /** What the provider takes the prompt for before it has read it. Default `input`. */
  readonly estimate?: number
  /** Of `input`, read from the cache. Default 0. */
  readonly cached?: number
  /** Of `input`, written to the cache. Default 0. */
  readonly cacheWrite?: number
  /** The most the caller wants back, all tries of `best_of` together. Default: what the profile takes it for. */
  readonly maxTokens?: number
}

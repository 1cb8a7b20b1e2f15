/** A parser that meets bytes of others, as `scripts/fuzz.mjs` tries it. */
export interface FuzzTarget {
  readonly name: string
  /** Its share of all inputs, beside those of the other targets. */
  readonly weight: number
  /** Good inputs, which inputs are made of. The first one is also what hostile shapes are put into. */
  readonly seeds: readonly [string, ...string[]]
  /** Pieces that mean something to the parser. */
  readonly words?: readonly string[]
  /** Characters of the longest hostile shape. Default 65,536. */
  readonly longest?: number
  /** True where `check` waits for something: then hostile shapes are not timed. */
  readonly isAsync?: boolean
  /** How many are tried at the same time. Default 1. */
  readonly along?: number
  /** Throws when the parser breaks a law that holds for every input. */
  check(input: string): void | Promise<void>
  /** Ends what the target has started. */
  end?(): Promise<void>
}

/** The two functions of a test runner: those of node:test, vitest, mocha. */
export interface LawRunner {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** A source of random values that knows how to make a failing one smaller. */
export interface Arbitrary<T> {
  map<U>(change: (value: T) => U): Arbitrary<U>
}

/** Something to be tried on many random values. */
export interface Property {
  isAsync(): boolean
}

/** What the laws need of fast-check; its default export fits as it is, and it is handed in so that we need no package. */
export interface PropertyTester {
  integer(range: { readonly min: number; readonly max: number }): Arbitrary<number>
  array<T>(
    item: Arbitrary<T>,
    constraints: { readonly minLength: number; readonly maxLength: number; readonly size: 'max' },
  ): Arbitrary<T[]>
  asyncProperty<T>(values: Arbitrary<T>, holds: (value: T) => Promise<void>): Property
  /** Rejects with the smallest counterexample, the seed and the path that lead to it. */
  assert(property: Property, options: { readonly numRuns: number; readonly seed: number }): Promise<void>
}

/** How hard a suite tries. */
export interface LawOptions {
  /** Random scripts per law. Default 100. */
  readonly runs?: number
  /** The first random script follows from it: the same seed, the same scripts. Default 1. */
  readonly seed?: number
  /** Steps per script, at most. Default 40. */
  readonly length?: number
}

/** Random scripts: each row of a few whole numbers becomes one step. */
export function scripts<T>(
  fc: PropertyTester,
  options: LawOptions,
  fields: number,
  decode: (row: readonly number[]) => T,
): Arbitrary<T[]> {
  const row = fc.array(fc.integer({ min: 0, max: 9999 }), { minLength: fields, maxLength: fields, size: 'max' })
  // Without `max` fast-check prefers some ten steps, in which hardly anything goes wrong.
  return fc.array(row.map(decode), { minLength: 1, maxLength: options.length ?? 40, size: 'max' })
}

/** Tries a property on as many scripts as the options say. */
export function forAll<T>(
  fc: PropertyTester,
  options: LawOptions,
  values: Arbitrary<T>,
  holds: (value: T) => Promise<void>,
): Promise<void> {
  return fc.assert(fc.asyncProperty(values, holds), { numRuns: options.runs ?? 100, seed: options.seed ?? 1 })
}

/** The value a random whole number stands for; the first is the simplest, to which a counterexample shrinks. */
export function choose<T>(values: readonly [T, ...T[]], number: number | undefined): T {
  return values[(number ?? 0) % values.length]!
}

import type { LimitAlgorithm, Step, Window } from '../../src/index.ts'

/** Every step of an algorithm that is told of these windows, the first one included. */
export function fold<S>(algorithm: LimitAlgorithm<S>, windows: readonly Window[]): readonly Step<S>[] {
  const steps = [algorithm.init()]
  for (const window of windows) steps.push(algorithm.step(steps.at(-1)!.state, window))
  return steps
}

/** Where it ends. */
export function last<S>(algorithm: LimitAlgorithm<S>, windows: readonly Window[]): Step<S> {
  return fold(algorithm, windows).at(-1)!
}

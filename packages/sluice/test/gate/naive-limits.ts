import type { LimitAlgorithm, Step } from '../../src/index.ts'

const step = <S>(state: S, limit: number): Step<S> => ({
  state,
  limit,
  reason: 'naive',
  until: { samples: 10, error: 0.1, atLeast: 10, atMost: 1000 },
})

/** Grows as long as nothing goes wrong. */
export const onlyGrows: LimitAlgorithm = {
  name: 'only grows',
  init: () => step(20, 20),
  step: (state) => step((state as number) + 1, (state as number) + 1),
}

/** Compares with the best time it has ever seen. */
export const neverForgets: LimitAlgorithm = {
  name: 'never forgets',
  init: () => step({ limit: 20, best: Infinity }, 20),
  step: (state, { rtt }) => {
    const last = state as { readonly limit: number; readonly best: number }
    if (rtt.count === 0) return step(last, last.limit)
    const best = Math.min(last.best, rtt.min)
    const limit = Math.min(100, Math.max(1, (last.limit * best) / rtt.typical + 2))
    return step({ limit, best }, limit)
  },
}

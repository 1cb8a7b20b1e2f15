import { adaptive, aimd, gradient2, vegas, type LimitAlgorithm } from 'sluice'
import type { LimitPlan } from './limit-plan.ts'

type Adaptive = Extract<LimitPlan, { readonly kind: 'adaptive' }>

/**
 * What finds a limit; `undefined` for the library's own as it is.
 * @throws RangeError for bounds that make no sense
 */
export function algorithmOf({
  algorithm,
  min,
  max,
  initial,
}: Pick<Adaptive, 'algorithm' | 'min' | 'max' | 'initial'>): LimitAlgorithm | undefined {
  const options = {
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(initial !== undefined && { initial }),
  }
  if (algorithm === 'aimd') return aimd(options)
  if (algorithm === 'vegas') return vegas(options)
  if (algorithm === 'gradient2') return gradient2(options)
  return Object.keys(options).length === 0 ? undefined : adaptive(options)
}

/** The lowest limit of the others than `adaptive`, where nothing is said. */
const LEAST = 10

/** The same limit, to begin where another one of its name stood, as far as its bounds allow. */
export function begunAt(plan: Adaptive, limit: number): Adaptive {
  const { algorithm, min = algorithm === 'adaptive' ? 1 : LEAST, max = Math.max(1000, min) } = plan
  return { ...plan, initial: Math.min(max, Math.max(min, Math.round(limit))) }
}

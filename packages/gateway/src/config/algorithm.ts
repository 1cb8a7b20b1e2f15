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

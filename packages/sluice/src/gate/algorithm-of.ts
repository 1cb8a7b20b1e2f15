import { checkWhole, refuseValue } from '../ground/index.ts'
import { fixed, type LimitAlgorithm } from '../limit/index.ts'

/** A limit as it was given: a number stays. @throws RangeError naming `field` for what is neither */
export function algorithmOf(field: string, limit: number | LimitAlgorithm): LimitAlgorithm {
  if (typeof limit === 'number') return fixed(checkWhole(field, limit, 1))
  if (typeof (limit as Partial<LimitAlgorithm> | null)?.init === 'function') return limit
  return refuseValue(field, limit, 'a number, or an algorithm such as `adaptive()`')
}

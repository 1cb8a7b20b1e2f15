import type { Millis } from '../ground/index.ts'
import type { Field } from './field.ts'
import { bimodal, constant, exponential, gamma, lognormal, pareto, sampled, type ServiceTime } from './service.ts'

/** A service time as data: a number of ms is a constant. */
export type ServiceData =
  | Millis
  | { readonly kind: 'exponential'; readonly mean: Millis }
  | { readonly kind: 'gamma' | 'lognormal'; readonly mean: Millis; readonly cv: number }
  | { readonly kind: 'bimodal'; readonly quick: Millis; readonly slow: Millis; readonly share?: number }
  | { readonly kind: 'pareto'; readonly mean: Millis; readonly index?: number }
  | { readonly kind: 'sampled'; readonly values: readonly Millis[] }

/** The distribution that data describes. @throws RangeError for a value out of range */
export function serviceOf(data: ServiceData): ServiceTime {
  if (typeof data === 'number') return constant(data)
  switch (data.kind) {
    case 'exponential':
      return exponential(data.mean)
    case 'gamma':
      return gamma(data.mean, data.cv)
    case 'lognormal':
      return lognormal(data.mean, data.cv)
    case 'bimodal':
      return bimodal(data)
    case 'pareto':
      return pareto(data.mean, data.index)
    default:
      return sampled(data.values)
  }
}

/** @throws RangeError naming the field that is no service time */
export function checkService(field: Field): void {
  if (typeof field.value === 'number') {
    field.number(0)
    return
  }
  if (typeof field.value !== 'object' || field.value === null) field.refuse('a number of ms, or a mapping with a kind')
  const kind = field.at('kind').oneOf('exponential', 'gamma', 'lognormal', 'bimodal', 'pareto', 'sampled')
  if (kind === 'bimodal') {
    field.keys('kind', 'quick', 'slow', 'share')
    field.at('quick').number(0)
    field.at('slow').number(0)
    field.maybe('share')?.number(0, 1)
  } else if (kind === 'sampled') {
    for (const value of field.keys('kind', 'values').at('values').list(1)) value.number(0)
  } else {
    field.at('mean').number(Number.MIN_VALUE)
    if (kind === 'exponential') field.keys('kind', 'mean')
    else if (kind === 'pareto') field.keys('kind', 'mean', 'index').maybe('index')?.number(1.01)
    else field.keys('kind', 'mean', 'cv').at('cv').number(1e-3, 1e3)
  }
}

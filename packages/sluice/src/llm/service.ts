import { checkNumber } from '../ground/index.ts'

/** What a token counts in the order of tenants. */
export interface ServiceWeights {
  /** Of the prompt. At least 0. Default 1. */
  readonly input?: number
  /** Of the answer, which takes a model about twice the time. At least 0. Default 2. */
  readonly output?: number
}

/** @throws RangeError naming the weight that makes no sense */
export function serviceWeights(field: string, weights: ServiceWeights = {}): Required<ServiceWeights> {
  return {
    input: checkNumber(`${field}.input`, weights.input ?? 1, 0, 1e6),
    output: checkNumber(`${field}.output`, weights.output ?? 2, 0, 1e6),
  }
}

/** How much service a request is. */
export function serviceOf(weights: Required<ServiceWeights>, input: number, output: number): number {
  return weights.input * input + weights.output * output
}

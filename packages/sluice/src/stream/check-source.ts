import { checkOptions, refuseValue } from '../ground/index.ts'
import type { OperatorOptions } from './operator.ts'

/** @throws RangeError naming `owner` for what cannot be iterated */
export function checkSource(owner: string, source: unknown): void {
  if (!iterates(source, Symbol.asyncIterator) && !iterates(source, Symbol.iterator))
    refuseValue(`${owner}.source`, source, 'an iterable or an async iterable')
}

/** What every operator is given. @throws RangeError naming `owner` for no async source, and for no options */
export function checkOperator(owner: string, source: unknown, options: OperatorOptions<never>): void {
  checkOptions(owner, options)
  // A list is there already: nothing of it comes too fast.
  if (!iterates(source, Symbol.asyncIterator)) refuseValue(`${owner}.source`, source, 'an async iterable')
}

function iterates(source: unknown, how: symbol): boolean {
  return source != null && typeof (source as Readonly<Record<symbol, unknown>>)[how] === 'function'
}

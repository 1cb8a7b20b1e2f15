import { throwLater, type Clock } from '../ground/index.ts'

/**
 * What somebody who hears of a refusal answers in its place. Whoever is refused must be answered whatever that is: what
 * it throws surfaces by itself, and what is no answer, a promise for one, counts for nothing.
 * @param status the number that every answer has
 */
export function ownAnswer<T extends object>(
  clock: Clock,
  status: keyof T,
  hear: () => T | undefined | void,
): T | undefined {
  try {
    const said = hear() as T | undefined
    return typeof said?.[status] === 'number' ? said : undefined
  } catch (error) {
    throwLater(clock, error)
    return undefined
  }
}

import { checkWhole, throwLater, type Clock } from '../ground/index.ts'

/**
 * What somebody who hears of a refusal answers in its place. Whoever is refused must be answered whatever that is: what
 * it throws surfaces by itself, and so does a status that there is none of. What is no answer, a promise for one, counts
 * for nothing.
 * @param status the number that every answer has, from `least` to `most`
 */
export function ownAnswer<T extends object>(
  clock: Clock,
  status: keyof T & string,
  [least, most]: readonly [least: number, most: number],
  hear: () => T | undefined | void,
): T | undefined {
  try {
    const said = hear() as T | undefined
    if (said?.[status] === undefined) return undefined
    checkWhole(`onReject.${status}`, said[status], least, most)
    return said
  } catch (error) {
    throwLater(clock, error)
    return undefined
  }
}

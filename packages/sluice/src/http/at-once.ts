import { refuseValue } from '../ground/index.ts'

/**
 * What a function of the application has said, which nobody waits for: a promise would be taken for a yes, for an answer,
 * or for a key like no other.
 * @throws RangeError naming `field`
 */
export function atOnce<T>(field: string, said: T): T {
  return said instanceof Promise ? refuseValue(field, said, 'an answer at once') : said
}

import type { Priority } from '../ground/index.ts'

/**
 * The priority an RFC 9218 `priority` header asks for: urgency 0 and 1 are 3, 2 and 3 (the default) are 2, 4 and 5
 * are 1, 6 and 7 are 0. `undefined` where there is no urgency that can be read.
 */
export function urgency(header: string | undefined): Priority | undefined {
  const found = header === undefined ? null : /(?:^|,)\s*u=([0-7])\s*(?:[,;]|$)/.exec(header)
  return found === null ? undefined : ((3 - (Number(found[1]) >> 1)) as Priority)
}

import { didYouMean } from './did-you-mean.ts'
import { GATEWAY_VARIABLES } from './gateway-settings.ts'
import type { Environment } from './read-config.ts'
import { VARIABLES } from './settings.ts'

const KNOWN: readonly string[] = [...GATEWAY_VARIABLES, ...Object.values(VARIABLES)]

/** Names like these are meant for a gateway. */
const LIKELY = /SLUICE|BACKPRES/

/** Letters that may be wrong: with more, it may be somebody else's. */
const MOST = 2

/** Variables that nobody reads and that look like one that is read, a line each: their limit or token is not in force. */
export function strayVariables(environment: Environment): readonly string[] {
  return Object.keys(environment).flatMap((name) => {
    const meant = LIKELY.test(name) && !KNOWN.includes(name) ? didYouMean(name, KNOWN, MOST) : undefined
    return meant === undefined ? [] : `${name} is no variable of the gateway; perhaps ${meant}`
  })
}

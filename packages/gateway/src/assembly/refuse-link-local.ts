import type { LookupFunction } from 'node:net'
import { systemClock, type Clock, type Millis } from 'sluice'
import { ConfigProblems, guardedUrls, linkLocalProblem, type GatewayPlan } from '../config/index.ts'
import { guardedLookup, LINK_LOCAL } from '../outward/index.ts'

/** A resolver that takes longer does not hold up the start, in ms: each connection is looked at again. */
const PATIENCE: Millis = 1000

export interface RefuseLinkLocalOptions {
  /** Says where names lead. Default: the system's. */
  readonly lookup?: LookupFunction
  readonly clock?: Clock
}

/**
 * Looks up what a plan connects to. A name that cannot be looked up now may be good later.
 * @throws ConfigProblems where something leads to link-local or metadata addresses only, and that is not allowed
 */
export async function refuseLinkLocal(plan: GatewayPlan, options: RefuseLinkLocalOptions = {}): Promise<void> {
  const { clock = systemClock } = options
  const lookup = guardedLookup(options.lookup)
  const isBlocked = (url: URL): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = clock.after(PATIENCE, () => resolve(false))
      lookup(url.hostname.replaceAll(/[[\]]/g, ''), {}, (error) => {
        timer.cancel()
        resolve(error?.code === LINK_LOCAL)
      })
    })
  const urls = guardedUrls(plan)
  const blocked = await Promise.all(urls.map(({ url }) => isBlocked(url)))
  const problems = urls.filter((_, at) => blocked[at]).map(linkLocalProblem)
  if (problems.length > 0) throw new ConfigProblems(problems)
}

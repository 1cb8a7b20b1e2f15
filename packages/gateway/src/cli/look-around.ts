import { masked, type GatewayPlan } from '../config/index.ts'
import { guardedLookup } from '../outward/index.ts'
import { reachable } from './reachable.ts'

/** Says what a plan needs and nothing answers at. A gateway starts without: services come and go. */
export async function lookAround({ upstreams, redis }: GatewayPlan, say: (line: string) => void): Promise<void> {
  const looks = Object.values(upstreams).flatMap(({ servers, allowLinkLocal }) =>
    servers.map(async ({ url }) => {
      const why = await reachable(new URL(url), allowLinkLocal ? undefined : guardedLookup())
      if (why !== undefined) say(`${url} cannot be reached now (${why}); what is sent there gets a 502 until it can`)
    }),
  )
  if (redis !== undefined) looks.push(lookAtStore(redis.url, say))
  await Promise.all(looks)
}

async function lookAtStore(url: string, say: (line: string) => void): Promise<void> {
  const why = await reachable(new URL(url))
  if (why !== undefined) say(`${masked(url)} cannot be reached now (${why}); onDown decides until it can`)
}

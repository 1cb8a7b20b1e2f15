// Four members of a fleet, each behind a road of its own, on a server of their own; an independent log says what they did.
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from 'redis'
import { Fleet, instant, meanOf } from '../../packages/sluice/dist/test/integration/fleet-slots-rig.js'
import { Road } from '../../packages/sluice/dist/test/integration/fleet-slots-road.js'
import { RedisServer } from '../../packages/sluice/dist/test/integration/redis-server.js'

const PEER = fileURLToPath(new URL('peer.mjs', import.meta.url))
export const LIMIT = 16
export const LEASE = 2000

/** `orders`: what all members are told besides, or each by its place. */
export async function scene(contender, orders, play) {
  const server = await RedisServer.start()
  const admin = createClient({ RESP: 3, socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: 50 } })
  await admin.on('error', () => {}).connect()
  const own = ['share', 'strict'].includes(contender)
  const common = { port: server.port, limit: LIMIT, lease: LEASE, loops: 16, hold: [10, 30], mode: contender }
  const fleet = own ? new Fleet({ ...common, maxWait: 30_000 }) : new Fleet(common, PEER)
  const roads = []
  const add = async (more = {}) => {
    const road = await Road.open(server.port, Math.random)
    roads.push(road)
    return fleet.add({ port: road.port, ...more })
  }
  try {
    for (let place = 0; place < 4; place++) await add(orders?.(place))
    // Who never reaches the limit is not kept waiting for.
    await Promise.race([fleet.busy().catch(() => {}), sleep(8000)])
    await sleep(1000)
    return await play({ server, admin, fleet, roads, add })
  } finally {
    await fleet.stop()
    for (const road of roads) road.end()
    admin.destroy()
    await server.stop()
  }
}

const SPAN = 300

/** How much was in use on average in the second before an instant, at most the limit. */
export function usual(used, at) {
  return Math.min(LIMIT, meanOf(used, at - 1000, at))
}

/** From an instant, how long until nine tenths of what is usual are in use, on average over 300 ms; `Infinity` for not within `bound`. */
export function recovery(used, from, bound, level) {
  for (let at = from; at + SPAN <= from + bound; at += 20) {
    if (meanOf(used, at, at + SPAN) >= 0.9 * level) return at - from
  }
  return Infinity
}

export { instant, sleep }

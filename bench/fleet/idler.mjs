// Some instances in one process that have little to do.
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { fleetBuckets, fleetSlots, nodeRedis, redisBuckets, redisSlots } from 'sluice/redis'

// Whoever started it may be gone before it has begun.
process.once('disconnect', () => process.exit(0))
if (!process.connected) process.exit(0)

const { port, sessions, first, of, tenants } = JSON.parse(process.argv[2])
const instances = []
for (let at = 0; at < sessions; at++) {
  const client = createClient({ RESP: 3, socket: { port, host: '127.0.0.1' } })
  await client.on('error', () => {}).connect()
  const redis = nodeRedis(client)
  // As many slots as instances: each gets one, and whoever wants a second waits.
  const slots = fleetSlots({
    coordinator: redisSlots(redis, { key: 'idle' }),
    limit: of,
    onDown: 'closed',
    maxWait: 60_000,
  })
  const buckets = fleetBuckets({
    name: 'idle',
    buckets: { requests: { tokens: 600, per: 60_000, capacity: 100 } },
    coordinator: redisBuckets(redis),
    onDown: 'closed',
  })
  instances.push({ slots, buckets, held: [] })
}
const all = (work) => Promise.all(instances.map(work))

const steps = {
  slots: () => all(async ({ slots }) => (await slots.acquire()).release('success')),
  hold: () => all(async ({ slots, held }) => held.push(await slots.acquire())),
  async wait() {
    for (const { slots } of instances)
      slots.acquire().then(
        (permit) => permit.release('success'),
        () => {},
      )
    await sleep(500)
  },
  leave: () => all(({ slots, held }) => (held.forEach((permit) => permit.release('success')), slots.close())),
  // Each tenant is known to two instances.
  buckets: () =>
    all(async ({ buckets }, at) => {
      for (let tenant = 0; tenant < tenants; tenant++)
        if (tenant % of === first + at || tenant % of === (first + at + 1) % of)
          await buckets.acquire({ flow: `${tenant}` })
    }),
  trickle() {
    void all(async ({ buckets }, at) => {
      for (let tenant = first + at; ; tenant += of) {
        await buckets.acquire({ flow: `${tenant % tenants}` }).catch(() => {})
        await sleep(1000)
      }
    })
  },
}
process.on('message', (step) => {
  Promise.resolve(steps[step]()).then(
    () => process.send(step),
    () => process.exit(1),
  )
})
process.send('ready')

// Slots shared by several processes over a real Redis: Sluice beside redis-semaphore, Bottleneck and the naive design
// (GET, then INCR), in one run. Rows of Sluice say what was measured, the bar, and whether it was met.
//   node bench/fleet.mjs [speed|wake-up|classes|killed|woken|idle|peaks …]
// Figures of one machine mean little, their ratios more. What is about buckets is in fleet-buckets.mjs.
import { noRedis, RedisServer } from '../packages/sluice/dist/test/integration/redis-server.js'
import { classes } from './fleet/classes.mjs'
import { killed, woken } from './fleet/endings.mjs'
import { idle } from './fleet/idle.mjs'
import { peaks } from './fleet/peaks.mjs'
import { speed } from './fleet/speed.mjs'
import { wakeUp } from './fleet/wake-up.mjs'

const concerns = { speed, 'wake-up': wakeUp, classes, killed, woken, idle, peaks }
const wanted = process.argv.slice(2)
const names = wanted.length === 0 ? Object.keys(concerns) : wanted

for (const name of names) {
  if (noRedis) {
    process.stdout.write(`skipped: ${noRedis}\n`)
    break
  }
  if (concerns[name] === undefined) {
    process.stderr.write(`no such part: ${name}; there are ${Object.keys(concerns).join(', ')}\n`)
    process.exitCode = 2
    break
  }
  const server = await RedisServer.start()
  try {
    await concerns[name](server)
  } finally {
    await server.stop()
  }
}

// One process of a run: loops that take a slot, hold it and give it back.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { contenders } from './contenders.mjs'

// Whoever started it may be gone before it has begun.
process.once('disconnect', () => process.exit(0))
if (!process.connected) process.exit(0)

const orders = JSON.parse(process.argv[2])
const { contender, loops, duration, hold = 0, pause = 0, priority = 2, warmTo = 0 } = orders
const now = () => Number(process.hrtime.bigint()) / 1e6
const acquire = await contenders[contender](orders)
let pairs = 0
let turn
const [waits, grants, ends] = [[], [], []]

async function loop(isOver, hold) {
  for (;;) {
    const asked = now()
    const release = await acquire({ priority })
    const granted = now()
    if (isOver(granted)) return release()
    if (pairs % 16 === 0 || hold > 0) waits.push(granted - asked)
    if (hold > 0) {
      grants.push(granted)
      await sleep(hold)
      ends.push(now())
    }
    await release()
    if (pause > 0) await sleep(pause)
    // Whoever comes by slots without any input still has to listen: all of its loops, or the others go on without.
    if (++pairs % 1024 === 0)
      turn = new Promise((resolve) => setImmediate(resolve)).then(() => {
        turn = undefined
      })
    if (turn !== undefined) await turn
  }
}

// Once, so that connections are open and a server that has just started has begun to grant.
await (
  await acquire()
)()
// A process that has just started takes ten times as long for a pair, for 0.2 s of its own time: compiling is not measured.
if (hold === 0 || warmTo > 0) {
  const began = now()
  const isWarm = (at) => (warmTo > 0 ? at > warmTo : process.cpuUsage().user > 700_000 || at - began > 4000)
  await Promise.race([Promise.all(Array.from({ length: loops }, () => loop(isWarm, 0))), sleep(5000)])
  pairs = 0
  for (const list of [waits, grants, ends]) list.length = 0
}
process.send('ready')
await once(process, 'message')
const end = now() + duration
const isLate = (at) => at > end
const before = process.cpuUsage()
await Promise.race([Promise.all(Array.from({ length: loops }, () => loop(isLate, hold))), sleep(duration + 1500)])
const { user, system } = process.cpuUsage(before)
process.send({ pairs, waits, grants, ends, priority, cpu: (user + system) / 1e6 }, () => process.exit(0))

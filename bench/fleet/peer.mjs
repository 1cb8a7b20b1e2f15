// One member of a fleet under faults that is not Sluice: it writes the same log as those of the tests.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { contenders } from './contenders.mjs'

// Whoever started it may be gone before it has begun.
process.once('disconnect', () => process.exit(0))
if (!process.connected) process.exit(0)

const orders = JSON.parse(process.argv[2])
const { mode, hold, long, loops, skew } = orders
const wall = Date.now
Date.now = () => wall() + skew
const log = openSync(orders.log, 'a')
const note = (event, work) => writeSync(log, `${process.hrtime.bigint()} ${event} ${work} 0\n`)
process.on('unhandledRejection', () => {})

const acquire = await contenders[mode](orders)
let works = 0
async function loop() {
  for (;;) {
    try {
      const release = await acquire()
      const work = ++works
      note('+', work)
      await sleep(long > 0 && Math.random() < 0.1 ? long : hold[0] + Math.random() * hold[1])
      note('-', work)
      await release()
    } catch {
      await sleep(50)
    }
  }
}
for (let each = 0; each < loops; each++) void loop()

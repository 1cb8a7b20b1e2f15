import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { arbiter, fleetSlots, type FleetSlotsState, type SlotPermit } from '../../src/arbiter/index.ts'
import { RejectedError, seeded } from '../../src/index.ts'
import type { WorkerOrders } from './fleet-slots-worker.ts'

/** What one process of a test is told, in JSON, as its only argument. */
export interface ArbiterOrders extends WorkerOrders {
  readonly folder: string
  readonly learning: number
}

/** What it tells from time to time. */
export interface ArbiterReport extends FleetSlotsState {
  readonly role: string
}

const orders = JSON.parse(process.argv[2]!) as ArbiterOrders
const log = openSync(orders.log, 'a')
const random = seeded(orders.seed)

/** Written before anything else happens: a process that is killed has told everything. */
function note(event: '+' | '-', work: number, more: string | number = ''): void {
  writeSync(log, `${process.hrtime.bigint()} ${event} ${work} ${more}\n`)
}

const { folder, learning, lease, limit, onDown, mode, priority } = orders
const local = arbiter({ folder, learning, lease })
const gate = fleetSlots({
  coordinator: local.slots('the machine'),
  limit,
  onDown,
  order: mode === 'strict' ? 'strict' : 'share',
  maxWait: 10_000,
})

let works = 0
async function loop(): Promise<void> {
  for (;;) {
    try {
      const permit = (await gate.acquire({ priority })) as SlotPermit
      const work = ++works
      note('+', work, permit.fence)
      const length = orders.hold[0] + random() * orders.hold[1]
      await sleep(length, undefined, orders.heeds ? { signal: permit.signal } : {}).catch(() => {})
      note('-', work)
      permit.release('success')
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error
      await sleep(5)
    }
  }
}

// Whoever is told may be gone already.
const tell = (): void => void process.send?.({ ...gate.state, role: local.state.role }, undefined, undefined, () => {})
const report = setInterval(tell, 20)
process.once('disconnect', () => {
  clearInterval(report)
  process.exit(0)
})
for (let at = 0; at < orders.loops; at++) void loop()

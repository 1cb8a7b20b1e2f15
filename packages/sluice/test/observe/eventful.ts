import assert from 'node:assert/strict'
import { fifo, semaphore, tally, type Permit, type Semaphore, type Tally } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** One of each: let in at once and served, refused, let in after 70 ms. */
export interface Eventful {
  readonly gate: Semaphore
  readonly counts: Tally
  /** Of the one who waited. */
  readonly permit: Permit
}

/** @param watch called before anything happens */
export async function eventful(watch: (gate: Semaphore, counts: Tally) => void): Promise<Eventful> {
  const clock = new VirtualClock()
  const counts = tally()
  const queue = fifo({ capacity: 1, maxWait: 5000 })
  const gate = semaphore({ permits: 1, queue, clock, observer: counts, name: 'api' })
  watch(gate, counts)
  const first = gate.tryEnter()
  assert.ok(first.admitted)
  const second = gate.acquire()
  await assert.rejects(gate.acquire(), { code: 'queue_full' })
  clock.advance(70)
  first.release('success')
  return { gate, counts, permit: await second }
}

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { RejectedError, type Outcome } from '../../src/index.ts'
import { redisScript } from '../../src/redis/client-script.ts'
import {
  fleetBuckets,
  fleetSlots,
  redisBuckets,
  redisSlots,
  type FleetSlots,
  type SlotPermit,
} from '../../src/redis/index.ts'
import { instant } from './fleet-slots-rig.ts'
import type { Opened } from './redis-openers.ts'
import { until } from './waiting.ts'

const ECHO = redisScript('echo', "return {KEYS[1], ARGV[1], redis.call('SPUBLISH', KEYS[2], ARGV[1])}")
const WHERE = redisScript('where', 'return {KEYS[1], KEYS[2]}')

/** Scripts the server knows and those it has forgotten, errors, and messages to however many listen. */
export async function commandsAndMessages({ port }: Opened, tag = '{a}'): Promise<void> {
  const [key, channel] = [`${tag}:k`, `${tag}:c`]
  const heard: string[] = []
  const listened = await listens(port, channel, (message) => heard.push(message))
  const also = await port.subscribe(channel, () => heard.push('also'))
  const [shown] = (await port.run(WHERE, [key, channel], [])) as [string]
  assert.ok(shown.endsWith(key))
  const said = (text: string | number): Promise<unknown> => port.run(ECHO, [key, channel], [text])
  assert.deepEqual(await said('one'), [shown, 'one', 1])
  await until('the message is heard', () => heard.length === 2)
  await also()
  assert.deepEqual(await said(2), [shown, '2', 1])
  await until('the second is heard', () => heard.length === 3)
  assert.deepEqual(heard, ['one', 'also', '2'])
  await listened()
  assert.deepEqual(await said('three'), [shown, 'three', 0])
  await assert.rejects(port.run(redisScript('wrong', "return redis.error_reply('NO')"), [key], []), /NO/)
}

/** A cluster of ioredis that has just connected may have no subscriber yet. */
async function listens(
  port: Opened['port'],
  channel: string,
  listener: (message: string) => void,
): Promise<() => Promise<void>> {
  let leave: (() => Promise<void>) | undefined
  await until('it listens', async () => {
    leave = await port.subscribe(channel, listener).catch(() => undefined)
    return leave !== undefined
  })
  return leave!
}

/** Somebody listens again, and it is heard. */
export async function hearsAgain({ port }: Opened, between: () => Promise<unknown>, tag = '{a}'): Promise<void> {
  const heard: string[] = []
  await listens(port, `${tag}:c`, (message) => heard.push(message))
  await between()
  const said = async (): Promise<boolean> => {
    const answer = port.run(ECHO, [`${tag}:k`, `${tag}:c`], ['back']).catch(() => [])
    return ((await answer) as unknown[])[2] === 1
  }
  await until('somebody listens', said)
  await until('it is heard', () => heard.includes('back'))
}

export function slotsOf({ port }: Opened, key: string, limit: number, lease = 800): FleetSlots {
  return fleetSlots({ coordinator: redisSlots(port, { key, lease }), limit, onDown: 'closed', maxWait: 10_000 })
}

/** What one gives back the other gets by a message, and not with its next heartbeat. */
export async function slotsAndBuckets(one: Opened, other: Opened, key: string): Promise<void> {
  const [mine, theirs] = [slotsOf(one, key, 2), slotsOf(other, key, 2)]
  const [a, b] = [budget(one, key), budget(other, key)]
  try {
    const waits: number[] = []
    for (let turn = 0; turn < 12; turn++) {
      const held = [await mine.acquire(), await mine.acquire()]
      const waiting = theirs.acquire()
      await until('the other waits', () => mine.state.fleet.queued > 0 || theirs.state.fleet.queued > 0)
      const from = instant()
      held[0]!.release('success')
      const permit = await waiting
      waits.push(instant() - from)
      for (const each of [permit, held[1]!]) each.release('success' satisfies Outcome)
    }
    const middle = waits.toSorted((x, y) => x - y)[waits.length >> 1]!
    assert.ok(middle < 100, `the slot came after ${middle.toFixed(1)} ms, a heartbeat is 200`)
    await a.acquire({ cost: 3 })
    const refused = await b.acquire({ cost: 3, maxWait: 0 }).catch((error: unknown) => error)
    assert.ok(refused instanceof RejectedError && refused.code === 'rate_limited', String(refused))
  } finally {
    for (const gate of [mine, theirs, a, b]) await gate.close()
  }
}

function budget({ port }: Opened, name: string): ReturnType<typeof fleetBuckets> {
  const buckets = { requests: { tokens: 3, per: 60_000, capacity: 3 } }
  return fleetBuckets({ name, buckets, coordinator: redisBuckets(port), onDown: 'closed' })
}

/** How many at once, of several gates in one process: an account that does not come from the gates. */
export class InUse {
  peak = 0
  done = 0
  #now = 0
  #ends = false
  readonly #loops: Promise<void>[] = []

  work(gate: FleetSlots, loops: number, hold: number): void {
    for (let loop = 0; loop < loops; loop++) this.#loops.push(this.#loop(gate, hold))
  }

  async #loop(gate: FleetSlots, hold: number): Promise<void> {
    while (!this.#ends) {
      try {
        const permit = (await gate.acquire()) as SlotPermit
        this.peak = Math.max(this.peak, ++this.#now)
        await sleep(hold, undefined, { signal: permit.signal }).catch(() => {})
        this.#now--
        this.done++
        permit.release('success')
      } catch (error) {
        if (!(error instanceof RejectedError)) throw error
        await sleep(5)
      }
    }
  }

  async end(): Promise<void> {
    this.#ends = true
    await Promise.all(this.#loops)
  }
}

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { arbiter } from '../../src/arbiter/index.ts'
import {
  fleetBuckets,
  fleetSlots,
  memoryBuckets,
  memorySlots,
  type FleetBucketsOptions,
  type FleetSlots,
  type FleetSlotsOptions,
  type SlotCoordinator,
} from '../../src/coordinate/index.ts'
import { explain, retryAfterOf, type RejectionCode } from '../../src/ground/index.ts'
import { ioRedis, nodeRedis, redisBuckets, redisSlots, type RedisPort } from '../../src/redis/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const port: RedisPort = {
  run: () => Promise.reject(new Error('nobody there')),
  subscribe: () => Promise.reject(new Error('nobody there')),
  info: () => Promise.resolve(''),
  close: () => Promise.resolve(),
}

function slots(options: Partial<FleetSlotsOptions> = {}): FleetSlots {
  return fleetSlots({ coordinator: memorySlots(), limit: 1, onDown: 'open', ...options })
}

function buckets(options: FleetBucketsOptions<string>['buckets']): unknown {
  return fleetBuckets({ coordinator: memoryBuckets(), buckets: options, onDown: 'open' })
}

/** What an untyped caller may have left out or mixed up. */
const MISTAKES: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'no coordinator of slots',
    () => fleetSlots({ limit: 1, onDown: 'open' } as never),
    /^fleetSlots\.coordinator: expected redisSlots\(…\) or memorySlots\(\), got undefined$/,
  ],
  [
    'no coordinator of buckets',
    () => fleetBuckets({ buckets: { requests: { tokens: 1, per: 1000 } }, onDown: 'open' } as never),
    /^fleetBuckets\.coordinator: expected redisBuckets\(…\) or memoryBuckets\(\), got undefined$/,
  ],
  ['no client of node-redis', () => nodeRedis({} as never), /^nodeRedis\.client: expected .*node-redis.*, got/],
  ['no client of ioredis', () => ioRedis({} as never), /^ioRedis\.client: expected .*ioredis.*, got/],
  ['no port for slots', () => redisSlots({} as never, { key: 'k' }), /^redisSlots\.port: expected nodeRedis\(…\)/],
  ['no port for buckets', () => redisBuckets(undefined as never), /^redisBuckets\.port: expected nodeRedis\(…\)/],
  ['an empty key', () => redisSlots(port, { key: '' }), /^redisSlots\.key: expected a text that is not empty, got ""$/],
  ['no key', () => redisSlots(port, {} as never), /^redisSlots\.key: expected .*, got undefined$/],
  ['no options of slots', () => fleetSlots(undefined as never), /^fleetSlots: expected an object of options, got u/],
  ['no options of buckets', () => fleetBuckets(5 as never), /^fleetBuckets: expected an object of options, got 5$/],
  ['no options of redisSlots', () => redisSlots(port, 'k' as never), /^redisSlots: expected an object .*, got "k"$/],
  ['no buckets', () => buckets(undefined as never), /^fleetBuckets\.buckets: expected an object .*, got undefined$/],
  [
    'a number for a bucket',
    () => buckets({ a: 5 } as never),
    /^fleetBuckets\.buckets\.a: expected an object .*, got 5$/,
  ],
  ['no options in memory', () => memorySlots(5 as never), /^memorySlots: expected an object of options, got 5$/],
  ['nothing for options', () => memoryBuckets(null as never), /^memoryBuckets: expected an object .*, got null$/],
  ['no time to learn', () => memorySlots({ learning: -1 }), /^memorySlots\.learning: expected .*, got -1$/],
  ['one weight for all', () => slots({ weights: 2 as never }), /^fleetSlots\.weights: expected an object .*, got 2$/],
  ['a weight in words', () => slots({ weights: { a: '2' as never } }), /^fleetSlots\.weights\[a\]: expected a number/],
  [
    'a flow that is none',
    () => slots().tryEnter({ flow: null as never }),
    /^arrival\.flow: expected a text, got null$/,
  ],
  ['an arbiter by a number', () => arbiter(5 as never), /^arbiter: expected an object of options, got 5$/],
  ['a folder that is none', () => arbiter({ folder: 5 as never }), /^arbiter\.folder: expected a text .*, got 5$/],
]

describe('options of a fleet', () => {
  for (const [name, make, words] of MISTAKES)
    it(`S3.5 ${name}: one line that names it`, () => {
      assert.throws(make, (error) => error instanceof RangeError && words.test(error.message))
    })

  it('S3.5 more than there is at all is refused in words of its own, and need not come again', () => {
    const gate = fleetSlots({ coordinator: memorySlots(), limit: 4, onDown: 'closed' })
    const verdict = gate.tryEnter({ cost: 5 })
    assert.ok(!verdict.admitted)
    assert.deepEqual([verdict.code, retryAfterOf(verdict)], ['limit_exceeded', undefined])
    assert.match(explain(verdict), /it would never fit; load 5, limit 4$/)
    const fits = gate.tryEnter({ cost: 4 })
    const busy = gate.tryEnter()
    assert.ok(fits.admitted && !busy.admitted)
    assert.match(explain(busy), /every slot is busy/, 'control')
    assert.equal(retryAfterOf(busy), 1000)
  })

  it('S3.5 a key of an arbiter says something, and not too much', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-options-'))
    const local = arbiter({ folder })
    try {
      for (const key of [undefined, '', 5, 'x'.repeat(1025)])
        assert.throws(() => local.slots(key as never), /^RangeError: arbiter\.slots: expected /)
      local.slots('x'.repeat(1024))
    } finally {
      local.close()
      rmSync(folder, { recursive: true })
    }
  })

  it('S2.1 buckets whose coordinator fails say why', async () => {
    const gate = fleetBuckets({
      coordinator: redisBuckets({ ...port, run: () => Promise.reject(new Error('NOAUTH')) }),
      buckets: { requests: { tokens: 1 } },
      onDown: 'closed',
    })
    assert.equal(gate.state.trouble, undefined)
    await assert.rejects(gate.acquire(), { code: 'breaker_open' })
    assert.deepEqual([gate.state.health, gate.state.trouble], ['down', 'NOAUTH'])
    await gate.close()
  })

  for (const [instances, said] of [
    [0, ['breaker_open', 'breaker_open']],
    [2, ['in', 'in']],
  ] as const)
    it(`S3.5 share that has never reached its coordinator, with instances ${instances}: ${said[0]}`, async () => {
      const clock = new VirtualClock(5000)
      const coordinator: SlotCoordinator = {
        lease: 1000,
        sync: (_, answer) => void clock.after(1, () => answer(new Error('nobody there'))),
        listen: () => () => undefined,
      }
      const gate = fleetSlots({ coordinator, limit: 10, onDown: 'share', instances, clock })
      const heard: (RejectionCode | 'in')[] = []
      for (let count = 0; count < 2; count++) {
        gate.enter({ maxWait: 100 }, (verdict) => heard.push(verdict.admitted ? 'in' : verdict.code))
        // It asks once whoever is calling has finished.
        await new Promise(setImmediate)
        clock.advance(300)
      }
      assert.deepEqual(heard, said)
    })
})

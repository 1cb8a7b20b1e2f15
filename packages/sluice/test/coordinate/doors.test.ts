import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as arbiter from '../../src/arbiter/index.ts'
import * as redis from '../../src/redis/index.ts'

const SHARED = ['SlotLost', 'fleetBuckets', 'fleetSlots', 'memoryBuckets', 'memorySlots']

describe('the doors of a fleet', () => {
  it('S3.5 lead to what users need, and not to what coordinators have agreed upon among themselves', () => {
    assert.deepEqual(
      Object.keys(redis).toSorted(),
      [...SHARED, 'ioRedis', 'nodeRedis', 'redisBuckets', 'redisSlots'].toSorted(),
    )
    assert.deepEqual(Object.keys(arbiter).toSorted(), [...SHARED, 'Meter', 'arbiter'].toSorted())
  })
})

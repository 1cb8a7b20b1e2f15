import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { createPool, type Pool } from 'generic-pool'
import { RejectedError } from '../../src/index.ts'
import { protectGenericPool, type Guarded } from '../../src/pools/pg.ts'

interface Resource {
  readonly id: number
}

const SIZE = 5

function made(): { readonly bare: Pool<Resource>; readonly open: () => number; readonly most: () => number } {
  let [open, most, id] = [0, 0, 0]
  const factory = {
    create: async (): Promise<Resource> => {
      most = Math.max(most, ++open)
      await sleep(1)
      return { id: ++id }
    },
    destroy: async (): Promise<void> => void open--,
  }
  return { bare: createPool(factory, { max: SIZE }), open: () => open, most: () => most }
}

/** 500 callers at once; how many were served, how many refused, and the most that ever waited inside the pool. */
async function crowd(
  pool: Pool<Resource>,
  bare: Pool<Resource>,
): Promise<{ served: number; refused: number; pending: number }> {
  let [served, refused, pending] = [0, 0, 0]
  await Promise.all(
    Array.from({ length: 500 }, async () => {
      try {
        const done = pool.use(async () => sleep(2))
        pending = Math.max(pending, bare.pending)
        await done
        served++
      } catch (error) {
        assert.ok(error instanceof RejectedError)
        refused++
      }
    }),
  )
  return { served, refused, pending }
}

describe('generic-pool behind a guard', () => {
  it('S1.7 bounds who waits; alone it lets everybody wait', async () => {
    const { bare, most, open } = made()
    const pool: Pool<Resource> & Guarded<Pool<Resource>> = protectGenericPool(bare)
    const { served, refused, pending } = await crowd(pool, bare)
    assert.deepEqual([served, refused, most()], [2 * SIZE, 500 - 2 * SIZE, SIZE])
    assert.ok(pending <= SIZE)
    assert.equal(pool.stats.inflight, 0)
    await pool.drain()
    await pool.clear()
    assert.equal(open(), 0)
    const control = made().bare
    assert.ok((await crowd(control, control)).pending > 400)
    await control.drain()
    await control.clear()
  })

  it('S1.7 acquire, release, destroy; twice is the pool’s to refuse, and costs nothing', async () => {
    const { bare, open } = made()
    const pool: Pool<Resource> & Guarded<Pool<Resource>> = protectGenericPool(bare, { maxWaiting: 0 })
    const resources = await Promise.all(Array.from({ length: SIZE }, () => pool.acquire()))
    await assert.rejects(pool.with({ priority: 0 }).acquire(), RejectedError)
    await pool.release(resources[0]!)
    await assert.rejects(pool.release(resources[0]!), /not currently part of this pool/)
    await pool.destroy(resources[1]!)
    await sleep(5)
    assert.equal(pool.stats.inflight, SIZE - 2)
    await assert.rejects(
      pool.use(() => Promise.reject(new Error('of the work'))),
      /of the work/,
    )
    for (const resource of resources.slice(2)) await pool.release(resource)
    assert.equal(pool.stats.inflight, 0)
    await pool.drain()
    await pool.clear()
    assert.equal(open(), 0)
  })
})

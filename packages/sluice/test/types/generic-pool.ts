// Compiled, never run: the guard against the real types of generic-pool.
import { createPool } from 'generic-pool'
import { protectGenericPool } from '../../src/pools/pg.ts'

interface Resource {
  readonly id: number
}

export async function used(): Promise<void> {
  const pool = protectGenericPool(
    createPool<Resource>({ create: async () => ({ id: 1 }), destroy: async () => undefined }, { max: 5 }),
  )
  const resource: Resource = await pool.acquire()
  await pool.release(resource)
  const id: number = await pool.with({ flow: 'acme' }).use(({ id: own }) => own)
  console.log(id, pool.stats.held)
  await pool.drain()
  await pool.clear()
}

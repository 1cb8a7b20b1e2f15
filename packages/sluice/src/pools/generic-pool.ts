import { guardedPool, type Guarded } from './guarded.ts'
import type { Lease } from './lease.ts'
import { PoolGuard, type PoolEntry, type PoolGuardOptions } from './pool-guard.ts'

/** What the guard touches of a pool of `generic-pool`. */
export interface GenericPool<R> {
  readonly max: number
  acquire(): PromiseLike<R>
  release(resource: R): PromiseLike<void>
  destroy(resource: R): PromiseLike<void>
  drain(): PromiseLike<void>
}

/**
 * Puts a gate in front of a pool of `generic-pool`: `acquire`, `release`, `destroy`, `use` and `drain` pass the guard.
 * @throws RangeError for an option out of range
 */
export function protectGenericPool<R extends object, P extends GenericPool<R>>(
  pool: P & GenericPool<R>,
  options: PoolGuardOptions = {},
): P & Guarded<P> {
  const guard = new PoolGuard<R>(
    {
      size: pool.max,
      take: () => pool.acquire(),
      give: (resource) => pool.release(resource),
      close: (resource) => pool.destroy(resource),
      // What `use` of the pool does: after an error nobody knows what the resource is worth.
      faultOf: () => ({ outcome: 'failure', broken: true }),
      end: () => pool.drain(),
    },
    options,
  )
  const leases = new WeakMap<R, Lease<R>>()
  return guardedPool<R, P>(pool, guard, (entry) => methodsOf(pool, guard, leases, entry))
}

function methodsOf<R extends object>(
  pool: GenericPool<R>,
  guard: PoolGuard<R>,
  leases: WeakMap<R, Lease<R>>,
  entry: PoolEntry | undefined,
): object {
  async function acquire(): Promise<R> {
    const lease = await guard.acquire(entry, acquire)
    leases.set(lease.client, lease)
    return lease.client
  }
  /** What is not out goes to the pool, which says so in its own words. */
  async function back(resource: R, how: 'release' | 'destroy'): Promise<void> {
    const lease = leases.get(resource)
    if (lease === undefined || lease.ended) return pool[how](resource)
    if (how === 'release') lease.end('success')
    else lease.end('ignored', new Error('destroyed'))
  }
  return {
    acquire,
    release: (resource: R) => back(resource, 'release'),
    destroy: (resource: R) => back(resource, 'destroy'),
    use: <T>(work: (resource: R) => PromiseLike<T> | T) => guard.use(work, entry),
    drain: () => guard.end(),
  }
}

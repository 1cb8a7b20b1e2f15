import type { Pressure, Signal } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import { handle } from './handle.ts'
import type { HeldConnection } from './held.ts'
import type { PoolEntry, PoolGuard, PoolStats } from './pool-guard.ts'

/** What a guarded pool offers beside what the pool does. */
export interface Guarded<P> {
  readonly gate: Gate
  /** How full it is, from 0; 1 is full. Rises before the pool is full; see {@link PoolGuard}. */
  readonly pressure: Signal<Pressure>
  readonly stats: PoolStats
  /** Who holds a connection, longest first. */
  readonly held: readonly HeldConnection[]
  /** The same pool for somebody: with a flow, a priority, a deadline, a signal, a timeout. Cheap enough for each request. */
  with(entry: PoolEntry): P
}

/** The pool itself, but for what is to pass the guard. @param methods those, for one who says so much of its wish */
export function guardedPool<C extends object, P extends object>(
  pool: P,
  guard: PoolGuard<C>,
  methods: (entry: PoolEntry | undefined) => object,
): P & Guarded<P> {
  const offered = {
    __proto__: null,
    gate: guard.gate,
    pressure: guard.pressure,
    get stats(): PoolStats {
      return guard.stats
    },
    get held(): readonly HeldConnection[] {
      return guard.held
    },
    with: (entry: PoolEntry): P => viewOf(entry),
  }
  const viewOf = (entry: PoolEntry | undefined): P =>
    handle(pool, Object.assign(Object.create(offered) as object, methods(entry)))
  return viewOf(undefined) as P & Guarded<P>
}

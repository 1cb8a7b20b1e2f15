import type { Lease } from './lease.ts'

/**
 * What stands for a pool's object, or for a connection while it is lent: itself, but for a few methods. A connection's
 * handle ends with its lease, so that releasing twice cannot release somebody else's: pools hand the same connection
 * object to the next one.
 * @param methods without a prototype of `Object`, or that would stand in, too
 */
export function handle<C extends object>(target: C, methods: object): C {
  return new Proxy(target, {
    get: (self, key, receiver) => Reflect.get(key in methods ? methods : self, key, receiver) as unknown,
    has: (self, key) => key in methods || Reflect.has(self, key),
  })
}

type Method = (...args: never[]) => unknown

/** True for work that only cleans up, which is welcome when nothing else is any more. */
const ROLLBACK = /^\s*(rollback|abort)\b/i

/**
 * A method of a connection, with node's two ways to answer, that is refused once the lease is over. A transaction may
 * still be rolled back.
 */
export function guarded<C extends object>(
  lease: Lease<C>,
  name: keyof C & string,
): (this: void, ...args: unknown[]) => unknown {
  const method = lease.client[name] as Method
  return (...args) => {
    const { refusal } = lease
    if (refusal === undefined || (lease.isCalledOff && ROLLBACK.test(textOf(args[0]))))
      return watched(lease, method, args)
    const last = args.at(-1)
    if (typeof last === 'function') {
      process.nextTick(last, refusal)
      return undefined
    }
    // Whoever passes a stream gets it back, and would wait for it for ever.
    if (isStream(args[0])) throw refusal
    return Promise.reject(refusal)
  }
}

/** Calls a method, and notes what it fails with. */
function watched<C extends object>(lease: Lease<C>, method: Method, args: unknown[]): unknown {
  const last = args.at(-1)
  if (typeof last === 'function') {
    const told = (error: unknown, ...values: unknown[]): void => {
      if (error) lease.suffer(error)
      last(error, ...values)
    }
    return method.apply(lease.client, [...args.slice(0, -1), told] as never[])
  }
  const result = method.apply(lease.client, args as never[])
  if (result instanceof Promise) result.catch((error: unknown) => lease.suffer(error))
  return result
}

function textOf(query: unknown): string {
  if (typeof query === 'string') return query
  const { text, sql } = (query ?? {}) as { readonly text?: unknown; readonly sql?: unknown }
  return typeof text === 'string' ? text : typeof sql === 'string' ? sql : ''
}

function isStream(query: unknown): boolean {
  return typeof (query as { readonly submit?: unknown } | null)?.submit === 'function'
}

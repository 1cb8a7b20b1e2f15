/**
 * Carries the async context (AsyncLocalStorage: trace ids, tenants) of whoever asks over to the moment of the answer.
 * An answer runs because somebody else released, so without this it would run in that other request's context.
 */
interface AsyncHooks {
  readonly AsyncLocalStorage: { bind?<F extends (...args: never[]) => unknown>(this: void, run: F): F }
}

interface Host {
  readonly process?: { getBuiltinModule?(id: string): unknown }
}

// Asked of the host instead of imported: the core also runs in browsers and Workers, which have no such module.
const hooks = (globalThis as Host).process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined
const bind = hooks?.AsyncLocalStorage.bind

/** `run`, to be called later in the async context of now. Where the platform has no such notion: `run` itself. */
export function inThisContext<F extends (...args: never[]) => unknown>(run: F): F {
  return bind === undefined ? run : bind(run)
}

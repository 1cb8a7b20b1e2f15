/**
 * Carries the async context (AsyncLocalStorage: trace ids, tenants) of whoever asks over to the moment of the answer.
 * An answer runs because somebody else released, so without this it would run in that other request's context.
 */
interface AsyncHooks {
  readonly AsyncResource: new (type: string) => {
    runInAsyncScope(run: (value: never) => void, self: undefined, value: unknown): void
  }
}

interface Host {
  readonly process?: { getBuiltinModule?(id: string): unknown }
}

// Asked of the host instead of imported: the core also runs in browsers and Workers, which have no such module.
// A resource of our own, because `AsyncLocalStorage.bind` and `snapshot` make more than that for each call on Node 20.
const Resource = ((globalThis as Host).process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined)
  ?.AsyncResource

/** `run`, to be called later in the async context of now. Where the platform has no such notion: `run` itself. */
export function inThisContext<V>(run: (value: V) => void): (value: V) => void {
  if (Resource === undefined) return run
  const context = new Resource('SluiceWaiting')
  // Bound, for a closure and its scope would be more, and there may be a million who wait.
  return context.runInAsyncScope.bind(context, run, undefined)
}

import { status, type StatusObject } from '@grpc/grpc-js'

/** Options of {@link asyncHandlers}. */
export interface AsyncHandlersOptions {
  /** Hears of each rejection, with the name of its method. Must not throw. Default: nobody does, as with what is thrown. */
  readonly onError?: (error: unknown, method: string) => void
}

type Answer = (error: object | null, ...rest: readonly unknown[]) => void
type Handler = (call: StreamedCall, answer?: Answer) => unknown

/** The slice of a call that is streamed to its client, who has no other way to be answered. */
interface StreamedCall {
  readonly writableEnded?: boolean
  emit(event: 'error', error: object): unknown
}

/** As grpc-js answers what a handler throws: the client does not learn why. */
const UNKNOWN = { code: status.UNKNOWN, details: 'Unknown error' }

/**
 * What `addService` takes, with its `async` handlers watched: `server.addService(greeter, asyncHandlers(handlers))`. A
 * promise that is rejected ends the call, and with it the permit; grpc-js does not look at what a handler returns, so the
 * rejection would be unhandled and the call would stay open until its client leaves.
 *
 * An error with a gRPC `code` (1 to 16) is answered as if it had been passed to the callback; every other one with UNKNOWN
 * and nothing else, as what is thrown. A call that was answered already stays as it was answered.
 * @param implementation handlers by name of their method, or an object of a class that has them
 */
export function asyncHandlers<Implementation extends object>(
  implementation: Implementation,
  options: AsyncHandlersOptions = {},
): Implementation {
  const watched: Record<string, unknown> = {}
  for (const name of namesOf(implementation)) {
    const value: unknown = Reflect.get(implementation, name)
    watched[name] = typeof value === 'function' ? settling(value as Handler, implementation, name, options) : value
  }
  return watched as Implementation
}

/** What can be called on it, its classes included: handlers are often methods. */
function namesOf(implementation: object): ReadonlySet<string> {
  const names = new Set<string>()
  for (let at = implementation; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at)) if (name !== 'constructor') names.add(name)
  return names
}

function settling(handler: Handler, self: object, name: string, { onError }: AsyncHandlersOptions): Handler {
  return (call, answer) => {
    let answered = false
    // A status follows its message a little later: nobody may come in between.
    const once =
      answer &&
      ((...given: Parameters<Answer>): void => {
        answered = true
        answer(...given)
      })
    const result = handler.call(self, call, once)
    if (!isThenable(result)) return result
    return result.then(undefined, (error: unknown) => {
      onError?.(error, name)
      const said = isStatus(error) ? error : UNKNOWN
      if (answer === undefined) {
        if (call.writableEnded !== true) call.emit('error', said)
      } else if (!answered) answer(said)
    })
  }
}

function isStatus(error: unknown): error is StatusObject {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof error === 'object' && typeof code === 'number' && code > 0 && status[code] !== undefined
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}

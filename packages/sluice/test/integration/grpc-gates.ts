// Gates, interceptors and handlers the tests of sluice/grpc share.
import { Metadata, type ServerInterceptor } from '@grpc/grpc-js'
import { defineGate, fifo, Rejection, semaphore, type Arrival, type Gate, type GateCore } from '../../src/index.ts'
import {
  clientInterceptor,
  serverInterceptor,
  type ClientInterceptorOptions,
  type ServerInterceptorOptions,
} from '../../src/grpc/index.ts'
import type { Handlers } from './grpc-loopback.ts'

/** A gate that lets everybody in and keeps what they asked for, or refuses them all. */
export function recording(refusal?: Rejection): { readonly gate: Gate; readonly arrivals: Arrival[] } {
  const arrivals: Arrival[] = []
  const inner = semaphore({ permits: 1000, name: 'recorded' }).core
  const core: GateCore = {
    name: 'recorded',
    pressure: inner.pressure,
    get stats() {
      return inner.stats
    },
    enter(arrival, mayWait) {
      arrivals.push(arrival)
      return refusal ?? inner.enter(arrival, mayWait)
    },
    close: () => inner.close(),
  }
  return { gate: defineGate(core), arrivals }
}

export const gated = (options: ServerInterceptorOptions): { interceptors: ServerInterceptor[] } => ({
  interceptors: [serverInterceptor(options)],
})

export function meta(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value)
  return metadata
}

export const waiting = (permits: number): Gate =>
  semaphore({ permits, name: 'outgoing', queue: fifo({ capacity: 10_000, maxWait: 30_000 }) })

export const gatedBy = (
  options: ClientInterceptorOptions,
): { interceptors: ReturnType<typeof clientInterceptor>[] } => ({
  interceptors: [clientInterceptor(options)],
})

export function refusing(rejection: Rejection): Gate {
  const { core } = semaphore({ permits: 1, name: rejection.gate })
  return defineGate({
    name: core.name,
    pressure: core.pressure,
    stats: core.stats,
    enter: () => rejection,
    close: () => undefined,
  })
}

/** A handler that counts how many calls there are at once, and answers when it is told to or after a while. */
export function counting(delay: number): {
  readonly handlers: Handlers
  readonly seen: { most: number; served: number }
} {
  const seen = { most: 0, served: 0 }
  let live = 0
  const during = (end: () => void): void => {
    seen.served++
    seen.most = Math.max(seen.most, ++live)
    setTimeout(() => {
      live--
      end()
    }, delay)
  }
  return {
    seen,
    handlers: {
      unary: ({ request }, answer) => during(() => answer(null, request)),
      collect: (call, answer) => {
        call.resume()
        during(() => answer(null, { text: 'done' }))
      },
      feed: (call) => during(() => call.end()),
      chat: (call) => {
        call.resume()
        during(() => call.end())
      },
    },
  }
}

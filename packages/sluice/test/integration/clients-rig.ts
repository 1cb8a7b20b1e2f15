// An upstream on loopback that counts what is done at once, and the clients that are tried on it.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { Agent, fetch as undiciFetch, request as undiciRequest, type Dispatcher } from 'undici'
import { protectedFetch } from '../../src/clients/index.ts'
import { sluice, type ClientOptions, type Origins } from '../../src/clients/undici.ts'
import { fifo, limiter, fixed, semaphore, type Arrival, type Gate } from '../../src/index.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Upstream {
  readonly url: string
  readonly origin: string
  /** Requests that came. */
  readonly seen: number
  /** The most that were in progress at once. */
  readonly peak: number
  close(): Promise<void>
}

export async function upstream(handle: Handler): Promise<Upstream> {
  let seen = 0
  let inflight = 0
  let peak = 0
  const server: Server = createServer((request, response) => {
    seen++
    peak = Math.max(peak, ++inflight)
    // Ended when the last byte was handed over: the client can know no earlier than the server.
    let open = true
    const over = (): void => {
      if (open) inflight--
      open = false
    }
    response.on('finish', over)
    response.on('close', over)
    handle(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `${origin}/x`,
    origin,
    get seen() {
      return seen
    },
    get peak() {
      return peak
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

export interface Asked {
  readonly method?: string
  readonly signal?: AbortSignal
  readonly headers?: Record<string, string>
  readonly arrival?: Arrival
  readonly body?: Readable
  readonly duplex?: 'half'
}

/** What all clients under test have in common. */
export interface Answered {
  readonly status: number
  text(): Promise<string>
  /** Reads one piece and leaves. */
  leave(): Promise<void>
  /** Leaves without having read anything. */
  drop(): Promise<void>
}

export interface Client {
  readonly origins: Origins
  ask(url: string, asked?: Asked): Promise<Answered>
  close(): Promise<void>
}

/** Ten slots, a long queue: what is asked for at once is more than there is room for. */
export const tenSlots = (name: string): Gate =>
  semaphore({ name, permits: 10, queue: fifo({ capacity: 2000, maxWait: 20_000 }) })

export const limitedTo =
  (limit: number) =>
  (name: string): Gate =>
    limiter({ name, limit: fixed(limit), queue: fifo({ capacity: 2000, maxWait: 20_000 }) })

function answeredBy(response: Response): Answered {
  return {
    status: response.status,
    text: () => response.text(),
    async leave() {
      const reader = response.body!.getReader()
      await reader.read()
      await reader.cancel()
    },
    drop: async () => response.body?.cancel(),
  }
}

/** `undici.request` over a composed agent. */
function requests(options: ClientOptions): Client {
  const { dispatcher, origins, close } = composed(options)
  return {
    origins,
    close,
    async ask(url, { method = 'GET', ...rest } = {}) {
      const { statusCode, body } = await undiciRequest(url, {
        method,
        ...rest,
        dispatcher,
      })
      body.on('error', () => undefined)
      return {
        status: statusCode,
        text: () => body.text(),
        async leave() {
          await once(body, 'data')
          body.destroy()
        },
        async drop() {
          body.destroy()
        },
      }
    },
  }
}

function composed(options: ClientOptions): { dispatcher: Dispatcher; origins: Origins; close: () => Promise<void> } {
  const agent = new Agent()
  const guard = sluice(options)
  return { dispatcher: agent.compose(guard), origins: guard.origins, close: () => agent.destroy() }
}

/** A fetch over a composed agent. */
function dispatched(send: (url: string, init: object) => Promise<unknown>, options: ClientOptions): Client {
  const { dispatcher, origins, close } = composed(options)
  return {
    origins,
    close,
    ask: async (url, asked) => answeredBy((await send(url, { ...asked, dispatcher })) as Response),
  }
}

function wrapped(send: (url: string, init: Asked | undefined) => Promise<unknown>, origins: Origins): Client {
  return {
    origins,
    close: async () => undefined,
    ask: async (url, asked) => answeredBy((await send(url, asked)) as Response),
  }
}

export const CLIENTS: Readonly<Record<string, (options: ClientOptions) => Client>> = {
  'undici.request through sluice()': requests,
  'undici.fetch through sluice()': (options) => dispatched(undiciFetch, options),
  'the platform’s fetch through sluice()': (options) => dispatched(fetch, options),
  'protectedFetch() of the platform’s fetch': (options) => {
    const send = protectedFetch(options)
    return wrapped((url, init) => send(url, init), send.origins)
  },
  'protectedFetch() of undici.fetch': (options) => {
    const send = protectedFetch({ ...options, fetch: undiciFetch })
    return wrapped((url, init) => send(url, init), send.origins)
  },
}

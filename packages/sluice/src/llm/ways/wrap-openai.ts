import { systemClock, type Clock, type Millis } from '../../ground/index.ts'
import type { LlmPool } from '../pool.ts'
import { Exchange } from './exchange.ts'
import { PacedCall, paces, type SdkRequest } from './paced-call.ts'
import type { WayOptions } from './way-options.ts'

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The part of a client of the package `openai` (or AzureOpenAI) that is used. */
export interface OpenaiLike {
  readonly maxRetries: number
  readonly timeout: number
  withOptions(options: { readonly fetch: Fetch }): object
  /** AzureOpenAI has these, and its `withOptions` forgets them. */
  readonly apiVersion?: string
  readonly deploymentName?: string | undefined
  request(options: object, remainingRetries?: number | null): object
}

interface OpenaiRequest extends SdkRequest {
  readonly timeout?: Millis | undefined
  readonly maxRetries?: number | undefined
  readonly fetchOptions?: object | undefined
}

/** Where a request carries its call to `fetch`: what the SDK hands on unread. */
const CALL = Symbol('sluice.call')

/** By how much the SDK's own patience is longer than it can take, in ms. */
const SLACK: Millis = 10_000
/** The longest a timer of the platform takes, in ms. */
const LONGEST: Millis = 2 ** 31 - 1

/**
 * The same client, whose calls of models go through the pool: chat, Responses, embeddings, streams, `.stream()`,
 * `.runTools()`. All other requests are as before.
 *
 * The SDK counts the time of an attempt from when it calls `fetch`, so waiting in there would use it up. Here its `timeout`
 * begins when the request is really sent, for each attempt; its `maxRetries` are made by the pool, in their turn and at the
 * time the provider names. What the pool refuses is thrown as the SDK's own errors, with `x-sluice-refused` in `headers`.
 * @throws TypeError where it is no such client
 */
export function wrapOpenai<C extends OpenaiLike>(client: C, pool: LlmPool, options: WayOptions = {}): C {
  if (typeof client.request !== 'function' || typeof client.withOptions !== 'function')
    throw new TypeError('wrapOpenai: expected a client of the package openai')
  const { clock = systemClock } = options
  const exchange = new Exchange(pool, options)
  const inner = fetchOf(client)
  const { apiVersion, deploymentName: deployment } = client
  const azure = apiVersion === undefined ? {} : { apiVersion, deployment }
  const wrapped = client.withOptions({
    ...azure,
    fetch: (input, init) => {
      const call = (init as { readonly [CALL]?: PacedCall } | undefined)?.[CALL]
      if (call === undefined) return inner(input, init)
      const signal = init?.signal ?? undefined
      return exchange.run(call, { signal, send: () => sendInTime(clock, call, inner, input, init ?? {}) })
    },
  }) as C
  const request = wrapped.request.bind(wrapped)
  const own: Pick<OpenaiLike, 'request' | 'withOptions'> = {
    request: (given, remaining) =>
      request(
        Promise.resolve(given as OpenaiRequest).then((asked) => marked(asked, client, pool)),
        remaining,
      ),
    withOptions: (changed) => wrapOpenai(client.withOptions({ ...azure, ...changed }) as C, pool, options),
  }
  return Object.assign(wrapped, own)
}

/** The one it was made with, or the platform's. */
function fetchOf(client: object): Fetch {
  const own: unknown = Reflect.get(client, 'fetch')
  return typeof own === 'function' ? (own as Fetch) : fetch
}

function marked(asked: OpenaiRequest, client: OpenaiLike, pool: LlmPool): OpenaiRequest {
  const dialect = paces(asked)
  if (dialect === undefined) return asked
  const { timeout = client.timeout, maxRetries = client.maxRetries } = asked
  const call = new PacedCall(dialect, asked.body, maxRetries + 1, timeout, client.deploymentName)
  // It waits at most `maxWait` in all, and `timeout` for each attempt, with pauses of some seconds between them.
  const patience = Math.min(LONGEST, Math.ceil(pool.maxWait + call.attempts * (timeout + SLACK)))
  return { ...asked, maxRetries: 0, timeout: patience, fetchOptions: { ...asked.fetchOptions, [CALL]: call } }
}

/** What the SDK would do: it gives up where the head of the answer is not there in time. */
async function sendInTime(
  clock: Clock,
  call: PacedCall,
  send: Fetch,
  input: string | URL | Request,
  init: RequestInit,
): Promise<Response> {
  const late = new AbortController()
  const timer = clock.after(call.timeout ?? LONGEST, () =>
    late.abort(new DOMException('the attempt timed out', 'TimeoutError')),
  )
  const signals = init.signal == null ? [late.signal] : [init.signal, late.signal]
  try {
    return await send(input, { ...init, signal: AbortSignal.any(signals) })
  } finally {
    timer.cancel()
  }
}

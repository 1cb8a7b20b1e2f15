// The clients against the real undici and the platform's fetch. Compiled, never run.
import { Agent, fetch as undiciFetch, interceptors, Pool, setGlobalDispatcher, type Dispatcher } from 'undici'
import { breaker, limiter, type Arrival, type Gate } from '../../src/index.ts'
import { protectedFetch } from '../../src/clients/index.ts'
import {
  sluice,
  type DispatchController,
  type DispatchHandler,
  type DispatchOptions,
  type Interceptor,
} from '../../src/clients/undici.ts'

const guard: Interceptor = sluice({
  gate: (origin): Gate => limiter({ name: origin }),
  breaker: (origin): Gate => breaker({ name: origin }),
  throttle: { ratio: 2, window: 60_000 },
  retryBudget: { ratio: 0.1 },
  isRetry: (request) => request.header('x-retry') !== undefined,
  arrival: (request): Arrival => ({ priority: request.method === 'GET' ? 2 : 3 }),
  deadline: 1000,
  deadlineHeader: false,
  pauseOn: [429, 503],
  maxPause: 10_000,
  maxHold: 500,
  targetUtilization: 0.8,
  maxOrigins: 10,
})

const composed: Dispatcher = new Agent().compose(guard)
export const several: Dispatcher = new Pool('http://127.0.0.1').compose(
  guard,
  interceptors.redirect(),
  interceptors.retry(),
)
export const listed: Dispatcher = new Agent().compose([guard, interceptors.retry()])

// What is touched of undici is as undici has it: its options and controllers are ours, and handlers fit both ways.
export const options = (theirs: Dispatcher.DispatchOptions): DispatchOptions => theirs
export const controller = (theirs: Dispatcher.DispatchController): DispatchController => theirs
export const handler = (theirs: Dispatcher.DispatchHandler): DispatchHandler => theirs
export const handled = (ours: DispatchHandler): Dispatcher.DispatchHandler => ours
// @ts-expect-error: a fetch is no dispatch
export const wrong: typeof fetch = guard(fetch)

export async function useThem(): Promise<void> {
  setGlobalDispatcher(composed)
  const options = { origin: 'http://127.0.0.1', path: '/', method: 'GET', arrival: { priority: 0 } } as const
  await composed.request(options)
  const response: Response = await protectedFetch()('http://127.0.0.1', { method: 'POST', arrival: { deadline: 5 } })
  await response.text()
  const theirs = await protectedFetch({ fetch: undiciFetch })('http://127.0.0.1', { dispatcher: composed })
  await theirs.json()
  const asPlain: typeof fetch = protectedFetch()
  await asPlain(new Request('http://127.0.0.1'))
  // @ts-expect-error: no such priority
  await protectedFetch()('http://127.0.0.1', { arrival: { priority: 9 } })
  // @ts-expect-error: a number is no place to go
  await protectedFetch()(5)
  for (const { name, stats, paused } of guard.origins) console.log(name, stats.inflight, paused)
}

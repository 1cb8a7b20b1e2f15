import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sluice } from '../../src/clients/undici.ts'
import { breaker, semaphore, type Gate } from '../../src/index.ts'
import { protect, protectedFetch } from '../../src/fetch/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const URL_OF_ALL = 'http://there.test/'

/** What comes of one request through a fetch that answers so, and what is still held then. */
async function outcome(fetch: () => unknown): Promise<readonly [unknown, number]> {
  const gates: Gate[] = []
  const send = protectedFetch({
    fetch: fetch as unknown as typeof globalThis.fetch,
    gate: (name) => {
      const gate = semaphore({ permits: 1, name })
      gates.push(gate)
      return gate
    },
  })
  let came: unknown
  try {
    came = (await send(URL_OF_ALL)).status
  } catch (error) {
    came = error instanceof Error ? error.name : error
  }
  return [came, gates[0]!.stats.inflight]
}

describe('protectedFetch over a fetch of somebody’s own', () => {
  it('an answer that is no response is an error of that request, gives the slot back, and ends no process', async () => {
    assert.deepEqual(await outcome(async () => undefined), ['TypeError', 0])
    assert.deepEqual(await outcome(async () => ({ status: 200, json: async () => ({}) })), ['TypeError', 0])
  })

  it('so is one whose body somebody else reads, and what it throws', async () => {
    const locked = async (): Promise<Response> => {
      const response = new Response('x')
      response.body?.getReader()
      return response
    }
    assert.deepEqual(await outcome(locked), ['TypeError', 0])
    const thrown = (): never => {
      throw new RangeError('no')
    }
    assert.deepEqual(await outcome(thrown), ['RangeError', 0])
  })

  it('its deadline ends a request also where the fetch does not heed its signal', async () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 1, clock })
    const send = protectedFetch({
      clock,
      gate: () => gate,
      deadline: 100,
      fetch: (_input: string, _init?: RequestInit) => new Promise<Response>(() => undefined),
    })
    const sent = assert.rejects(send(URL_OF_ALL), { name: 'RejectedError', code: 'deadline' })
    clock.advance(100)
    assert.equal(gate.stats.inflight, 0)
    await sent
  })
})

describe('what a newcomer types first, of clients', () => {
  const refused: readonly (readonly [what: string, options: unknown, message: RegExp])[] = [
    ['a fetch to protect', fetch, /^options: expected an object of options, got a function$/],
    ['a limit', 5, /^options: expected an object of options, got 5$/],
    ['one gate for all', { gate: semaphore({ permits: 1 }) }, /^gate: expected a function, got \[object Object\]$/],
    ['one breaker for all', { breaker: breaker() }, /^breaker: expected a function, got \[object Object\]$/],
  ]
  for (const [what, options, message] of refused)
    it(`${what} is refused at once, in words`, () => {
      for (const client of [protectedFetch, sluice] as unknown as readonly ((options: unknown) => unknown)[])
        assert.throws(() => client(options), { name: 'RangeError', message })
    })
})

describe('protect() of sluice/fetch', () => {
  it('without a handler it says so at once, not with the first request', () => {
    const loose = protect as unknown as (...given: readonly unknown[]) => unknown
    for (const wrong of [undefined, { limit: 5 }, { fetch: (): Response => new Response() }])
      assert.throws(() => loose(wrong), { name: 'RangeError', message: /^protect\.handler: expected a function, got/ })
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, interceptors, request, type Dispatcher } from 'undici'
import { sluice, type Interceptor } from '../../src/clients/undici.ts'
import { fifo, semaphore, type Gate, type Outcome } from '../../src/index.ts'
import { upstream } from './clients-rig.ts'

type Retry = NonNullable<Parameters<typeof interceptors.retry>[0]>

/** Answers 503 twice, then 200; through one slot, which a first attempt that kept it would keep from its retry. */
async function tried(
  options: Retry,
  prove: (send: () => Promise<Dispatcher.ResponseData>, seen: () => number, outcomes: Outcome[]) => Promise<void>,
): Promise<void> {
  const server = await upstream((_request, response) => {
    response.statusCode = server.seen < 3 ? 503 : 200
    response.end(`answer ${server.seen}`)
  })
  const outcomes: Outcome[] = []
  const gates: Gate[] = []
  const guard: Interceptor = sluice({
    throttle: false,
    gate: () => {
      const observer = { released: (_arrival: unknown, outcome: Outcome): void => void outcomes.push(outcome) }
      const gate = semaphore({ permits: 1, queue: fifo(), observer })
      gates.push(gate)
      return gate
    },
  })
  const agent = new Agent()
  const dispatcher = agent.compose(guard, interceptors.retry({ minTimeout: 1, timeoutFactor: 1, ...options }))
  try {
    // A caller that is never told would wait for ever, whatever its signal says.
    const send = (): Promise<Dispatcher.ResponseData> =>
      Promise.race([
        request(server.url, { dispatcher }),
        sleep(5000, undefined, { ref: false }).then(() => assert.fail('never told')),
      ])
    await prove(send, () => server.seen, outcomes)
    for (const { stats } of gates) assert.deepEqual([stats.inflight, stats.queued], [0, 0])
  } finally {
    void agent.destroy()
    await server.close()
  }
}

describe('sluice() behind the retry interceptor of undici', () => {
  for (const throwOnError of [true, false])
    it(`S2.8 what is retried goes through the gate again and comes to its answer; throwOnError ${throwOnError}`, () =>
      tried({ throwOnError }, async (send, seen, outcomes) => {
        const { statusCode, body } = await send()
        assert.deepEqual([statusCode, await body.text()], [200, 'answer 3'])
        assert.equal(seen(), 3)
        assert.deepEqual(outcomes, ['dropped', 'dropped', 'success'])
      }))

  it('S2.8 where retries are used up, the caller hears so', () =>
    tried({ maxRetries: 1 }, async (send, seen) => {
      await assert.rejects(send(), { statusCode: 503 })
      assert.equal(seen(), 2)
    }))
})

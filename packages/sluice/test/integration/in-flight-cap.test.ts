import assert from 'node:assert/strict'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { protect } from '../../src/servers/node.ts'
import { fifo, semaphore } from '../../src/index.ts'
import { serving } from './loopback.ts'

interface Outcome {
  /** The most that the handler had in hand at once. */
  readonly most: number
  readonly statuses: readonly number[]
  readonly retryAfter: readonly (string | null)[]
}

/** Sends `count` requests at once; nobody is answered by the handler before `settled` are served or refused. */
async function atOnce(
  count: number,
  settled: number,
  guard: (handler: RequestListener) => RequestListener,
): Promise<Outcome> {
  const held: ServerResponse[] = []
  const progress = { answered: 0, most: 0 }
  const listener = guard((_request, response) => {
    held.push(response)
    progress.most = Math.max(progress.most, held.length)
  })
  const responses: Response[] = []
  await serving(createServer(listener), async (port) => {
    const answers = Array.from({ length: count }, async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`)
      progress.answered++
      responses.push(response)
      await response.arrayBuffer()
    })
    await eventually(() => progress.answered + held.length === settled)
    await eventually(() => {
      for (const response of held.splice(0)) response.end('done')
      return progress.answered === count
    })
    await Promise.all(answers)
  })
  return {
    most: progress.most,
    statuses: responses.map(({ status }) => status).toSorted((a, b) => a - b),
    retryAfter: responses.filter(({ status }) => status === 503).map(({ headers }) => headers.get('retry-after')),
  }
}

async function eventually(holds: () => boolean): Promise<void> {
  const until = Date.now() + 10_000
  while (!holds()) {
    assert.ok(Date.now() < until, 'not within 10 s')
    await sleep(5)
  }
}

describe('S1.2 a cap on what is in flight', () => {
  it('S1.2 over the cap waits within the bound, and the rest is refused at once with retry-after', async () => {
    const gate = semaphore({ permits: 2, queue: fifo({ capacity: 3, maxWait: 20_000 }) })
    // Two are served, three wait, five are refused while nobody has been answered yet.
    const { most, statuses, retryAfter } = await atOnce(10, 7, (handler) => protect(handler, { gate }))
    assert.equal(most, 2)
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 503, 503, 503, 503, 503])
    for (const seconds of retryAfter) assert.ok(Number(seconds) >= 1, `retry-after ${seconds}`)
    assert.equal(gate.stats.inflight, 0)
  })

  it('control: without a gate the handler has all of them in hand', async () => {
    const { most, statuses } = await atOnce(10, 10, (handler) => handler)
    assert.equal(most, 10)
    assert.ok(statuses.every((status) => status === 200))
  })
})

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { fifo, semaphore } from '../../src/index.ts'

const tick = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('one signal for many: a shutdown, a connection', () => {
  it('has one listener however many wait and work by it, and none when all are done', async () => {
    const gate = semaphore({ permits: 20, queue: fifo() })
    const { signal } = new AbortController()
    const ends: (() => void)[] = []
    const works = Array.from({ length: 20 }, () =>
      gate.run(() => new Promise<void>((resolve) => void ends.push(resolve)), { signal }),
    )
    const waits = Array.from({ length: 20 }, () => gate.acquire({ signal }))
    // At the eleventh Node 20 warns of a leak.
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    for (const end of ends) end()
    await Promise.all(works)
    for (const permit of await Promise.all(waits)) permit.release('success')
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    assert.equal(gate.stats.inflight, 0)
  })

  it('when it is aborted everybody hears of it: those who wait and those at work', async () => {
    const gate = semaphore({ permits: 3, queue: fifo() })
    const shutdown = new AbortController()
    const heard: unknown[] = []
    const works = Array.from({ length: 3 }, () =>
      gate.run(
        (signal) =>
          new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => {
              heard.push(signal.reason)
              resolve()
            })
          }),
        { signal: shutdown.signal },
      ),
    )
    const waits = Array.from({ length: 3 }, () => gate.acquire({ signal: shutdown.signal }))
    await tick()
    shutdown.abort('enough')
    const ends = await Promise.allSettled([...works, ...waits])
    assert.deepEqual(
      ends.map((end) => end.status === 'rejected' && (end.reason as unknown)),
      Array.from({ length: 6 }, () => 'enough'),
    )
    assert.deepEqual(heard, ['enough', 'enough', 'enough'])
    await tick()
    assert.deepEqual(gate.stats, { limit: 3, inflight: 0, queued: 0 })
  })
})

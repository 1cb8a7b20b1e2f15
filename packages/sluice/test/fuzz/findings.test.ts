import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redisBuckets, type RedisPort } from '../../src/redis/index.ts'
import { BUDGET, STATEMENT } from './bucket-statement.ts'

function accountOf(reply: unknown): ReturnType<ReturnType<typeof redisBuckets>['open']> {
  const port: RedisPort = {
    run: () => Promise.resolve(reply),
    subscribe: () => Promise.resolve(() => Promise.resolve()),
    info: () => Promise.resolve(''),
    close: () => Promise.resolve(),
  }
  return redisBuckets(port).open(BUDGET, 't', 's')
}

// What the campaign has found, by itself, so that it stays found whatever its seed.
describe('found by fuzzing', () => {
  it('an answer of Redis that makes no sense is none: no limit becomes a number that is none', async () => {
    for (const reply of [
      null,
      'OK',
      7,
      [],
      [1],
      [3, 0],
      ['x', 0, 0],
      [2, 0, 0, 0, 0, 7, 'x'],
      [2, 0, 0, 0, 0, 7, '1e999 2'],
    ])
      await assert.rejects(
        accountOf(reply).state(STATEMENT),
        /^Error: redisBuckets: an answer that makes no sense$/,
        JSON.stringify(reply),
      )
  })

  it('one that does is taken', async () => {
    const grant = await accountOf([3, 0, 9_000_000]).state(STATEMENT)
    assert.equal(grant.granted, true)
    const news = await accountOf([2, 0, 9000, 1000, 500, 7, '2 20']).state(STATEMENT)
    assert.deepEqual(
      [news.granted, news.retryAfter, news.pace],
      [false, 1, { stamp: 7, refills: [{ interval: 2, capacity: 20 }] }],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ioRedis, type IoRedisClient } from '../../src/redis/index.ts'
import { redisScript } from '../../src/redis/client-script.ts'

const SCRIPT = redisScript('one', 'return 1')

/** A client that says what it is told. */
class ToldClient implements IoRedisClient {
  readonly did: string[] = []
  readonly options = {}
  readonly isCluster = false
  readonly stream: IoRedisClient['stream']

  constructor(hasBegun: boolean) {
    const { did } = this
    if (hasBegun) this.stream = { cork: () => did.push('cork'), uncork: () => did.push('uncork') }
  }

  evalsha(_sha: string, _keys: number, key: string): Promise<unknown> {
    return Promise.resolve(this.did.push(key))
  }

  eval(): Promise<unknown> {
    return this.ssubscribe()
  }

  info(): Promise<string> {
    return Promise.resolve('')
  }

  ssubscribe(): Promise<unknown> {
    return Promise.reject(new Error('not asked for'))
  }

  sunsubscribe(): Promise<unknown> {
    return this.ssubscribe()
  }

  on(): void {}

  off(): void {}

  disconnect(): void {}

  duplicate(): this {
    return this
  }
}

describe('a client of ioredis', () => {
  it('S2.1 what is sent in one turn of the event loop goes in one piece', async () => {
    const client = new ToldClient(true)
    const port = ioRedis(client)
    void port.run(SCRIPT, ['a'], [])
    void port.run(SCRIPT, ['b'], [])
    assert.deepEqual(client.did, ['cork', 'a', 'b'])
    await new Promise(setImmediate)
    assert.equal(client.did.at(-1), 'uncork')
    void port.run(SCRIPT, ['c'], [])
    await new Promise(setImmediate)
    assert.deepEqual(client.did, ['cork', 'a', 'b', 'uncork', 'cork', 'c', 'uncork'])
  })

  it('S2.1 what is much goes in pieces, so that the server begins while the rest is written', async () => {
    const client = new ToldClient(true)
    const port = ioRedis(client)
    for (let at = 0; at < 40; at++) void port.run(SCRIPT, [`${at}`], [])
    await new Promise(setImmediate)
    const pieces = client.did
      .join(' ')
      .split('uncork')
      .map((piece) => piece.trim().split(' '))
    assert.deepEqual(
      pieces.map((piece) => piece.length - 1),
      [16, 16, 8, 0],
    )
    assert.ok(pieces.slice(0, 3).every(([first]) => first === 'cork'))
  })

  it('S2.1 one that has not begun to connect, or is a Cluster, sends as it does', async () => {
    const client = new ToldClient(false)
    await ioRedis(client).run(SCRIPT, ['a'], [])
    assert.deepEqual(client.did, ['a'])
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redisSlots, type RedisPort, type SlotNews, type SlotReply, type SlotReport } from '../../src/redis/index.ts'
import { settled } from './slots-coordinator.ts'

const REPORT: SlotReport = {
  session: 's',
  life: 0,
  seq: 1,
  granted: 0,
  returned: 0,
  limit: 3,
  lease: 2000,
  queue: 0,
  strict: false,
  leaves: false,
  waiting: [0, 0, 1, 0],
  spare: 0,
  demand: [{ priority: 2, line: 7, weight: 1, cost: 1, count: 1, age: 1.5 }],
}

/** A port that does as a test says. */
class ToldPort implements RedisPort {
  says: unknown = []
  deaf = 0
  why = 'not now'
  listener: ((message: string) => void) | undefined
  ran: { readonly keys: readonly string[]; readonly args: readonly (string | number)[] } | undefined

  run(...[, keys, args]: Parameters<RedisPort['run']>): Promise<unknown> {
    this.ran = { keys, args }
    return this.says instanceof Error ? Promise.reject(this.says) : Promise.resolve(this.says)
  }

  subscribe(_channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    if (this.deaf-- > 0) return Promise.reject(new Error(this.why))
    this.listener = listener
    return Promise.resolve(() => {
      this.listener = undefined
      return Promise.resolve()
    })
  }

  hears(message: string): void {
    this.listener?.(message)
  }

  info(): Promise<string> {
    return Promise.resolve('')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

describe('redisSlots', () => {
  it('S3.5 puts no text of a user into keys, all of one hash tag', async () => {
    const port = new ToldPort()
    redisSlots(port, { key: 'x}:{y' }).sync(REPORT, () => {})
    const { keys, args } = port.ran!
    const [tag] = /\{[0-9a-f]{40}\}/.exec(keys[0]!)!
    assert.deepEqual(
      keys,
      ['m', 's', 'c'].map((name) => `sl1:${tag}:${name}`),
    )
    assert.deepEqual(JSON.parse(String(args[0])), [
      's',
      0,
      1,
      0,
      0,
      3,
      2000,
      0,
      0,
      0,
      0,
      0,
      1,
      0,
      0,
      2,
      7,
      1,
      1,
      1,
      1.5,
    ])
    await settled()
  })

  it('S3.6 says what each class is sure of where it says the order', async () => {
    const port = new ToldPort()
    redisSlots(port, { key: 'a' }).sync({ ...REPORT, shares: [0.1, 0, 0.4, 0.5] }, () => {})
    const said = JSON.parse(String(port.ran!.args[0])) as unknown[]
    assert.deepEqual(said.slice(6, 11), [2000, 0, [0.1, 0, 0.4, 0.5], 0, 0])
    await settled()
  })

  it('S3.5 takes what makes no sense for no answer', async () => {
    const port = new ToldPort()
    const said: (SlotReply | Error)[] = []
    for (const says of [[1, 2], 'OK', '[1,2]', '{}', undefined, new Error('no connection')]) {
      port.says = says
      redisSlots(port, { key: 'a' }).sync(REPORT, (reply) => said.push(reply))
      await settled()
    }
    assert.equal(said.length, 6)
    assert.ok(said.every((reply) => reply instanceof Error))
  })

  it('S3.5 listens again with the next report where it could not', async () => {
    const port = new ToldPort()
    port.deaf = 1
    const slots = redisSlots(port, { key: 'a' })
    const news: SlotNews[] = []
    const leave = slots.listen('s', (said) => news.push(said))
    await settled()
    assert.equal(port.listener, undefined)
    slots.sync(REPORT, () => {})
    await settled()
    port.hears('[7,1,2,99,-1,3,0,0,0,0,1,4,5,6,7,2,2,11,1]')
    port.hears('nonsense')
    port.hears('[7,1]')
    const everywhere = { shed: [0, 0, 0, 0], level: 1, used: 4, queued: 5 } as const
    const order = { until: 6, named: 7, turns: [2, 2, 11, 1] }
    assert.deepEqual(news, [
      { life: 7, number: 1, granted: 2, fence: 99, foreign: -1, fair: 3, ...everywhere, ...order },
    ])
    leave()
    await settled()
    assert.equal(port.listener, undefined)
  })

  for (const why of [
    "NOPERM this user has no permissions to run the 'ssubscribe' command",
    "ERR unknown command 'SSUBSCRIBE'",
  ])
    it(`S3.5 does not make do without messages where it may never hear any: ${why}`, async () => {
      const port = new ToldPort()
      Object.assign(port, { deaf: 2, why })
      const slots = redisSlots(port, { key: 'a' })
      slots.listen('s', () => {})
      await settled()
      const said: (SlotReply | Error)[] = []
      slots.sync(REPORT, (reply) => said.push(reply))
      assert.deepEqual(said, [new Error(`redisSlots: messages cannot be listened to: ${why}`)])
      assert.equal(port.ran, undefined)
      // Tried again with each report, and by then it may.
      await settled()
      slots.sync(REPORT, () => {})
      await settled()
      slots.sync(REPORT, () => {})
      assert.ok(port.ran !== undefined)
    })

  it('refuses a lease that is too short', () => {
    assert.throws(() => redisSlots(new ToldPort(), { key: 'a', lease: 100 }), /redisSlots\.lease/)
  })
})

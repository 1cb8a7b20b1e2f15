import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { RejectedError } from '../../src/index.ts'
import { instant } from './fleet-slots-rig.ts'
import { commandsAndMessages, hearsAgain, slotsAndBuckets, slotsOf } from './redis-laws.ts'
import { singles, type Opened } from './redis-openers.ts'
import { noRedis, RedisServer } from './redis-server.ts'

/** What is run only with `SLUICE_REDIS_MATRIX=1`: differs from one that is run in how messages come, not in commands. */
const wide = process.env['SLUICE_REDIS_MATRIX'] === undefined ? /RESP 2|prefix/ : /^$/

describe('Redis ports', { skip: noRedis }, () => {
  let server: RedisServer
  before(async () => {
    server = await RedisServer.start()
  })
  after(() => server.stop())

  for (const [name, open] of Object.entries(singles)) {
    it(`S3.5 ${name}: runs scripts the server knows and those it has forgotten, and hears its messages`, async () => {
      const opened = await open(server.port)
      try {
        await commandsAndMessages(opened)
        assert.match(await opened.port.info('server'), /run_id:[0-9a-f]{40}/)
      } finally {
        await opened.close()
      }
    })

    it(`S3.5 ${name}: hears again after the server came back`, async () => {
      const opened = await open(server.port)
      try {
        await hearsAgain(opened, async () => {
          await server.kill()
          await server.start()
        })
      } finally {
        await opened.close()
      }
    })

    it(`S3.5 S2.1 ${name}: slots are handed over by messages, and buckets are shared`, async (t) => {
      const opened = async (): Promise<Opened> => {
        const one = await open(server.port)
        t.after(() => one.close())
        return one
      }
      await slotsAndBuckets(await opened(), await opened(), name)
    })

    it(
      `S3.5 ${name}: whoever comes while the server stands still is answered, whatever the client would wait`,
      { skip: wide.test(name) && 'only with SLUICE_REDIS_MATRIX=1' },
      async () => {
        const opened = await open(server.port)
        const gate = slotsOf(opened, `${name}, still`, 2)
        try {
          const permit = await gate.acquire()
          permit.release('success')
          server.signal('SIGSTOP')
          const from = instant()
          const held = await Promise.all([0, 1, 2].map(() => gate.acquire().catch((error: unknown) => error)))
          const took = instant() - from
          const refused = held.filter((each) => each instanceof RejectedError)
          assert.ok(refused.length >= 1 && refused.every(({ code }) => code === 'breaker_open'), String(held))
          assert.ok(took < 2000, `${took.toFixed(0)} ms: the lease is 800, a client waits 5000 or for ever`)
        } finally {
          server.signal('SIGCONT')
          gate.close()
          await opened.close()
        }
      },
    )
  }
})

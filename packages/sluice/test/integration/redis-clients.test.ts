import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { redisScript } from '../../src/redis/client-script.ts'
import { ioRedis } from '../../src/redis/ioredis.ts'
import { nodeRedis } from '../../src/redis/node-redis.ts'
import type { RedisPort } from '../../src/redis/port.ts'
import { until } from './broker-servers.ts'
import { noRedis, RedisServer } from './redis-server.ts'

interface Opened {
  readonly port: RedisPort
  close(): Promise<void>
}

/** Each client, with one connection for everything and with one for commands only. */
const clients: Readonly<Record<string, (port: number) => Promise<Opened>>> = {
  'node-redis, RESP 3': (port) => openNodeRedis(port, 3),
  'node-redis, RESP 2': (port) => openNodeRedis(port, 2),
  'ioredis, RESP 3': (port) => openIoRedis(port, 3),
  'ioredis, RESP 2': (port) => openIoRedis(port, 2),
}

async function openNodeRedis(port: number, RESP: 2 | 3): Promise<Opened> {
  const client = createClient({ RESP, socket: { port, host: '127.0.0.1', reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  const opened = nodeRedis(client)
  return { port: opened, close: async () => (await opened.close(), client.destroy()) }
}

async function openIoRedis(port: number, protocol: 2 | 3): Promise<Opened> {
  const client = new Redis({ port, host: '127.0.0.1', protocol, retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {})
  await client.ping()
  const opened = ioRedis(client)
  return { port: opened, close: async () => (await opened.close(), client.disconnect()) }
}

const ECHO = redisScript('echo', "return {KEYS[1], ARGV[1], redis.call('SPUBLISH', KEYS[2], ARGV[1])}")

describe('Redis ports', { skip: noRedis }, () => {
  let server: RedisServer
  before(async () => {
    server = await RedisServer.start()
  })
  after(() => server.stop())

  for (const [name, open] of Object.entries(clients)) {
    it(`S3.5 ${name}: runs scripts the server knows and those it has forgotten, and hears its messages`, async () => {
      const opened = await open(server.port)
      const { port } = opened
      try {
        const heard: string[] = []
        const leave = await port.subscribe('{a}:c', (message) => heard.push(message))
        const also = await port.subscribe('{a}:c', () => heard.push('also'))
        assert.deepEqual(await port.run(ECHO, ['{a}:k', '{a}:c'], ['one']), ['{a}:k', 'one', 1])
        await until('the message is heard', () => heard.length === 2)
        await also()
        assert.deepEqual(await port.run(ECHO, ['{a}:k', '{a}:c'], [2]), ['{a}:k', '2', 1])
        await until('the second is heard', () => heard.length === 3)
        assert.deepEqual(heard, ['one', 'also', '2'])
        await leave()
        assert.deepEqual(await port.run(ECHO, ['{a}:k', '{a}:c'], ['three']), ['{a}:k', 'three', 0])
        assert.match(await port.info('server'), /run_id:[0-9a-f]{40}/)
        await assert.rejects(port.run(redisScript('wrong', "return redis.error_reply('NO')"), [], []), /NO/)
      } finally {
        await opened.close()
      }
    })

    it(`S3.5 ${name}: hears again after the server came back`, async () => {
      const opened = await open(server.port)
      const { port } = opened
      try {
        const heard: string[] = []
        await port.subscribe('{a}:c', (message) => heard.push(message))
        await server.kill()
        await server.start()
        const said = async (): Promise<boolean> => {
          const answer = port.run(ECHO, ['{a}:k', '{a}:c'], ['back']).catch(() => [])
          return ((await answer) as unknown[])[2] === 1
        }
        await until('somebody listens', said)
        await until('it is heard', () => heard.includes('back'))
      } finally {
        await opened.close()
      }
    })
  }
})

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { seeded } from '../../src/index.ts'
import { Fleet, instant, meanOf, peakOf, type Worker } from './fleet-slots-rig.ts'
import { noRedis, RedisServer } from './redis-server.ts'

const LIMIT = 8
const LEASE = 1500

/** A road to the server that can be closed: what is on it then arrives when it opens again. */
class Road {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #closed = false

  constructor(to: number) {
    this.#server = createServer((near) => {
      const far = connect(to, '127.0.0.1')
      for (const [from, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from)
        from.on('data', (chunk) => other.write(chunk))
        from.once('error', () => {})
        from.once('close', () => {
          this.#sockets.delete(from)
          other.destroy()
        })
        if (this.#closed) from.pause()
      }
    }).listen(0, '127.0.0.1')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#closed = true
    for (const socket of this.#sockets) socket.pause()
  }

  open(): void {
    this.#closed = false
    for (const socket of this.#sockets) socket.resume()
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

describe('slots of a fleet to which everything happens', { skip: noRedis }, () => {
  let server: RedisServer
  before(async () => {
    server = await RedisServer.start()
  })
  after(() => server.stop())

  it('S3.5 never over the limit, and all of it is used when it is over: seed 1', async () => {
    const random = seeded(1)
    const fleet = new Fleet({ port: server.port, limit: LIMIT, lease: LEASE })
    const roads: Road[] = []
    const workers: Worker[] = []
    const admin = createClient({ RESP: 3, socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: 50 } })
    admin.on('error', () => {})
    await admin.connect()
    const what: string[] = []
    const start = async (at: number): Promise<void> => {
      roads[at] = new Road(server.port)
      await sleep(10)
      workers[at] = fleet.add({ port: roads[at].port, hold: [5, 200], priority: at % 2 === 0 ? 2 : 3 })
    }
    // One at a time: what several do together to one instance is not its fault alone.
    const faults: Readonly<Record<string, (at: number) => Promise<unknown>>> = {
      kill: async (at) => {
        await workers[at]!.kill()
        roads[at]!.end()
        await start(at)
      },
      partition: async (at) => {
        roads[at]!.close()
        await sleep(200 + random() * LEASE * 1.5)
        roads[at]!.open()
      },
      freeze: async (at) => {
        workers[at]!.child.kill('SIGSTOP')
        await sleep(100 + random() * 300)
        workers[at]!.child.kill('SIGCONT')
      },
      stall: async () => {
        server.signal('SIGSTOP')
        await sleep(200 + random() * LEASE * 1.2)
        server.signal('SIGCONT')
      },
      restart: async () => {
        await server.kill()
        await server.start()
      },
      'flush data': () => admin.flushAll(),
      'flush scripts': () => admin.scriptFlush(),
    }
    try {
      for (let at = 0; at < 4; at++) await start(at)
      await fleet.busy()
      for (const end = instant() + 16_000; instant() < end;) {
        const names = Object.keys(faults)
        const [name, at] = [names[Math.floor(random() * names.length)]!, Math.floor(random() * 4)]
        what.push(`${Math.round(instant())} ${name} ${at}`)
        await faults[name]!(at)
        await sleep(100 + random() * 600)
      }
      const over = instant()
      await sleep(2 * LEASE + 2500)
      const used = fleet.used()
      assert.equal(peakOf(used), LIMIT, what.join('\n'))
      const mean = meanOf(used, over + 2 * LEASE + 500, over + 2 * LEASE + 2300)
      assert.ok(mean > 0.75 * LIMIT, `in use on average: ${mean}\n${what.join('\n')}`)
    } finally {
      admin.destroy()
      await fleet.stop()
      for (const road of roads) road.end()
    }
  })
})

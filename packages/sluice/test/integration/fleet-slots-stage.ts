import { after, afterEach, before, beforeEach } from 'node:test'
import { Redis } from 'ioredis'
import { Fleet } from './fleet-slots-rig.ts'
import { RedisServer } from './redis-server.ts'

export const LIMIT = 8
export const LEASE = 1000

/** A Redis, and for each test of a suite a fleet of its own that is ended after it. To be made inside `describe`. */
export class FleetStage {
  server!: RedisServer
  admin!: Redis
  fleet!: Fleet

  constructor() {
    before(async () => {
      this.server = await RedisServer.start()
      const patient = { retryStrategy: () => 50, maxRetriesPerRequest: null }
      this.admin = new Redis({ port: this.server.port, host: '127.0.0.1', ...patient }).on('error', () => {})
    })
    after(async () => {
      this.admin.disconnect()
      await this.server.stop()
    })
    beforeEach(() => {
      this.fleet = new Fleet({ port: this.server.port, limit: LIMIT, lease: LEASE })
    })
    afterEach(async () => {
      await this.fleet.stop()
      // Where a test failed it may stand still.
      this.server.signal('SIGCONT')
      // Not all at once: on a server that was ever told to forget everything whoever comes first waits a lease.
      for (const key of await this.admin.keys('*')) await this.admin.del(key)
    })
  }
}

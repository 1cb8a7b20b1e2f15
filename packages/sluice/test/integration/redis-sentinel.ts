import { RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

/** A master with a replica, and a Sentinel that calls the master dead after half a second. */
export class RedisSentinelServers {
  readonly name = 'main'
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly sentinel: RedisServer

  private constructor(master: RedisServer, replica: RedisServer, sentinel: RedisServer) {
    this.master = master
    this.replica = replica
    this.sentinel = sentinel
  }

  static async start(): Promise<RedisSentinelServers> {
    const started: RedisServer[] = []
    const begun = async (server: Promise<RedisServer>): Promise<RedisServer> => {
      started.push(await server)
      return server
    }
    try {
      const master = await begun(RedisServer.start('--repl-diskless-sync-delay', '0'))
      const replica = await begun(RedisServer.start('--replicaof', `127.0.0.1 ${master.port}`))
      const sentinel = await begun(
        RedisServer.sentinel(
          `sentinel monitor main 127.0.0.1 ${master.port} 1`,
          'sentinel down-after-milliseconds main 500',
          'sentinel failover-timeout main 4000',
        ),
      )
      await until('the replica copies', async () =>
        String(await replica.tell('INFO', 'replication')).includes('master_link_status:up'),
      )
      await until('the sentinel knows the replica', async () =>
        String(await sentinel.tell('INFO', 'sentinel')).includes('slaves=1'),
      )
      return new RedisSentinelServers(master, replica, sentinel)
    } catch (error) {
      await Promise.all(started.map((each) => each.stop()))
      throw error
    }
  }

  /** The replica hears no more of the master, and cannot ask. */
  async lag(): Promise<void> {
    await this.master.tell('ACL', 'SETUSER', 'default', '-psync', '-sync')
    await this.master.tell('CLIENT', 'KILL', 'TYPE', 'replica')
    await until('the replica has lost its master', async () =>
      String(await this.replica.tell('INFO', 'replication')).includes('master_link_status:down'),
    )
  }

  /** Waits until the replica has taken over. Whoever asks at that moment is cut off: the Sentinel sends all clients away. */
  async takenOver(): Promise<void> {
    const said = (): Promise<unknown> => this.replica.tell('INFO', 'replication').catch(() => '')
    await until('the replica is master', async () => String(await said()).includes('role:master'))
  }

  async stop(): Promise<void> {
    await Promise.all([this.sentinel, this.replica, this.master].map((each) => each.stop()))
  }
}

import { createClient } from 'redis'
import { until } from './broker-servers.ts'
import { RedisServer } from './redis-server.ts'

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
    const master = await RedisServer.start('--repl-diskless-sync-delay', '0')
    const replica = await RedisServer.start('--replicaof', `127.0.0.1 ${master.port}`)
    const sentinel = await RedisServer.sentinel(
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 4000',
    )
    const servers = new RedisSentinelServers(master, replica, sentinel)
    try {
      await until('the replica copies', async () =>
        String(await servers.tell(replica, 'INFO', 'replication')).includes('master_link_status:up'),
      )
      await until('the sentinel knows the replica', async () =>
        String(await servers.tell(sentinel, 'INFO', 'sentinel')).includes('slaves=1'),
      )
    } catch (error) {
      await servers.stop()
      throw error
    }
    return servers
  }

  /** Sends one command to one of them. */
  async tell(server: RedisServer, ...command: string[]): Promise<unknown> {
    const client = createClient({ RESP: 2, socket: { port: server.port, host: '127.0.0.1' } })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(command)
    } finally {
      client.destroy()
    }
  }

  /** The replica hears no more of the master, and cannot ask. */
  async lag(): Promise<void> {
    await this.tell(this.master, 'ACL', 'SETUSER', 'default', '-psync', '-sync')
    await this.tell(this.master, 'CLIENT', 'KILL', 'TYPE', 'replica')
    await until('the replica has lost its master', async () =>
      String(await this.tell(this.replica, 'INFO', 'replication')).includes('master_link_status:down'),
    )
  }

  /** Waits until the replica has taken over. */
  async takenOver(): Promise<void> {
    await until('the replica is master', async () =>
      String(await this.tell(this.replica, 'INFO', 'replication')).includes('role:master'),
    )
  }

  async stop(): Promise<void> {
    await Promise.all([this.sentinel, this.replica, this.master].map((each) => each.stop()))
  }
}

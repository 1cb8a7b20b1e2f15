import { freePort } from './free-port.ts'
import { RedisServer } from './redis-server.ts'
import { until } from './waiting.ts'

const SLOTS = 16_384

/** Three masters that share the slots, and on demand a replica of the first. */
export class RedisClusterServers {
  readonly nodes: readonly RedisServer[]

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes
  }

  static async start(replicas: 0 | 1 = 0): Promise<RedisClusterServers> {
    const nodes: RedisServer[] = []
    try {
      for (let at = 0; at < 3 + replicas; at++) nodes.push(await node())
      const cluster = new RedisClusterServers(nodes)
      await cluster.#join(replicas)
      return cluster
    } catch (error) {
      await Promise.all(nodes.map((each) => each.stop()))
      throw error
    }
  }

  async #join(replicas: number): Promise<void> {
    const { nodes } = this
    const bus = (at: number): Promise<string> => this.tell(at, 'CONFIG', 'GET', 'cluster-port').then(lastOf)
    for (const [at] of nodes.entries()) await this.tell(at, 'CLUSTER', 'SET-CONFIG-EPOCH', `${at + 1}`)
    for (let at = 0; at < 3; at++) {
      const [from, to] = [Math.ceil((at * SLOTS) / 3), Math.ceil(((at + 1) * SLOTS) / 3) - 1]
      await this.tell(at, 'CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to}`)
    }
    for (let at = 1; at < nodes.length; at++)
      await this.tell(0, 'CLUSTER', 'MEET', '127.0.0.1', `${nodes[at]!.port}`, await bus(at))
    const knows = async (at: number): Promise<boolean> => {
      const info = String(await this.tell(at, 'CLUSTER', 'INFO'))
      return info.includes(`cluster_known_nodes:${nodes.length}`) && info.includes('cluster_state:ok')
    }
    for (const [at] of nodes.entries()) await until('the cluster knows itself', () => knows(at))
    if (replicas === 0) return
    await this.tell(3, 'CLUSTER', 'REPLICATE', await this.id(0))
    const copies = async (): Promise<boolean> =>
      String(await this.tell(3, 'INFO', 'replication')).includes('master_link_status:up')
    await until('the replica copies', copies)
    const known = async (at: number): Promise<boolean> => {
      return String(await this.tell(at, 'CLUSTER', 'NODES')).includes('slave')
    }
    for (const [at] of nodes.entries()) await until('all know of the replica', () => known(at))
  }

  get ports(): number[] {
    return this.nodes.map(({ port }) => port)
  }

  /** Sends one command to one node. */
  tell(at: number, ...command: string[]): Promise<unknown> {
    return this.nodes[at]!.tell(...command)
  }

  async id(at: number): Promise<string> {
    return String(await this.tell(at, 'CLUSTER', 'MYID'))
  }

  /** Which master a key belongs to, and its slot. */
  async ownerOf(key: string): Promise<{ slot: number; owner: number }> {
    const slot = Number(await this.tell(0, 'CLUSTER', 'KEYSLOT', key))
    return { slot, owner: Math.min(2, Math.floor((slot * 3) / SLOTS)) }
  }

  /** Gives a slot with all its keys to another master, while it is in use. */
  async move(slot: number, from: number, to: number): Promise<void> {
    const [source, target] = [await this.id(from), await this.id(to)]
    await this.tell(to, 'CLUSTER', 'SETSLOT', `${slot}`, 'IMPORTING', source)
    await this.tell(from, 'CLUSTER', 'SETSLOT', `${slot}`, 'MIGRATING', target)
    for (;;) {
      const keys = (await this.tell(from, 'CLUSTER', 'GETKEYSINSLOT', `${slot}`, '100')) as string[]
      if (keys.length === 0) break
      await this.tell(from, 'MIGRATE', '127.0.0.1', `${this.nodes[to]!.port}`, '', '0', '5000', 'KEYS', ...keys)
    }
    for (const at of [to, from]) await this.tell(at, 'CLUSTER', 'SETSLOT', `${slot}`, 'NODE', target)
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((each) => each.stop()))
  }
}

async function node(): Promise<RedisServer> {
  const bus = await freePort()
  const own = [
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    `${bus}`,
    '--cluster-node-timeout',
    '1000',
    '--repl-diskless-sync-delay',
    '0',
  ]
  // Loopback only, and slots that are served while others are not.
  return RedisServer.start(...own, '--cluster-require-full-coverage', 'no', '--cluster-config-file', 'nodes.conf')
}

function lastOf(answer: unknown): string {
  return String((answer as unknown[]).at(-1))
}

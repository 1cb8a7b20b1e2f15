import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { createClient, createCluster, createSentinel } from 'redis'
import { ioRedis, nodeRedis, type RedisPort } from '../../src/redis/index.ts'

/** A client with its port, to be closed by whoever opened it. */
export interface Opened {
  readonly port: RedisPort
  close(): Promise<void>
}

const host = '127.0.0.1'
const ioOptions = { retryStrategy: () => 50, maxRetriesPerRequest: null, sentinelRetryStrategy: () => 50 } as const
const clusterOptions = { clusterRetryStrategy: () => 50, slotsRefreshInterval: 500, slotsRefreshTimeout: 500 } as const

async function opened(port: RedisPort, end: () => unknown): Promise<Opened> {
  const close = async (): Promise<void> => {
    await port.close()
    await end()
  }
  return { port, close }
}

type Quiet = { on(event: 'error', listener: () => void): unknown }

/** Whoever does not listen to what befalls a connection is ended by it. */
function quiet<C extends Quiet>(client: C): C {
  client.on('error', () => {})
  return client
}

async function openNode(port: number, RESP: 2 | 3, keyPrefix?: string): Promise<Opened> {
  const prefix = keyPrefix === undefined ? {} : { keyPrefix }
  const client = quiet(createClient({ RESP, ...prefix, socket: { port, host, reconnectStrategy: 50 } }))
  await client.connect()
  return opened(nodeRedis(client), () => client.destroy())
}

async function openIo(client: Redis | Redis5): Promise<Opened> {
  quiet(client)
  await client.ping()
  return opened(ioRedis(client), () => client.disconnect())
}

/** Clients of one server, by what is particular about them. */
export const singles: Readonly<Record<string, (port: number) => Promise<Opened>>> = {
  'node-redis, RESP 3': (port) => openNode(port, 3),
  'node-redis, RESP 2': (port) => openNode(port, 2),
  'node-redis with a prefix': (port) => openNode(port, 3, 'mine:'),
  'ioredis, RESP 3': (port) => openIo(new Redis({ port, host, protocol: 3, ...ioOptions })),
  'ioredis, RESP 2': (port) => openIo(new Redis({ port, host, protocol: 2, ...ioOptions })),
  'ioredis with a prefix': (port) => openIo(new Redis({ port, host, keyPrefix: 'mine:', ...ioOptions })),
  'ioredis 5': (port) => openIo(new Redis5({ port, host, ...ioOptions })),
}

async function openSentinel(name: string, sentinel: number): Promise<Opened> {
  const nodeClientOptions = { socket: { host, reconnectStrategy: 50 } } as const
  const sentinelRootNodes = [{ host, port: sentinel }]
  const client = quiet(createSentinel({ name, sentinelRootNodes, nodeClientOptions, RESP: 3, scanInterval: 200 }))
  await client.connect()
  return opened(nodeRedis(client), () => client.destroy())
}

/** Clients that ask a Sentinel which server is master. */
export const sentinels: Readonly<Record<string, (name: string, sentinel: number) => Promise<Opened>>> = {
  'node-redis': openSentinel,
  ioredis: (name, port) => openIo(new Redis({ name, sentinels: [{ host, port }], ...ioOptions })),
  'ioredis 5': (name, port) => openIo(new Redis5({ name, sentinels: [{ host, port }], ...ioOptions })),
}

async function openCluster(ports: readonly number[]): Promise<Opened> {
  const rootNodes = ports.map((port) => ({ socket: { host, port } }))
  const client = quiet(createCluster({ rootNodes, RESP: 3, defaults: { socket: { reconnectStrategy: 50 } } }))
  await client.connect()
  return opened(nodeRedis(client), () => client.destroy())
}

async function openIoCluster(client: Cluster | Cluster5): Promise<Opened> {
  quiet(client)
  await client.ping()
  return opened(ioRedis(client), () => {
    client.disconnect()
    // One that asks for its slots at that moment would do so for ever, and the process would never end.
    client.refreshSlotsCache = () => {}
  })
}

function at(ports: readonly number[]): { host: string; port: number }[] {
  return ports.map((port) => ({ host, port }))
}

/** Clients of a cluster. */
export const clusters: Readonly<Record<string, (ports: readonly number[]) => Promise<Opened>>> = {
  'node-redis': openCluster,
  ioredis: (ports) => openIoCluster(new Cluster(at(ports), { shardedSubscribers: true, ...clusterOptions })),
  'ioredis without sharded subscribers': (ports) => openIoCluster(new Cluster(at(ports), { ...clusterOptions })),
  'ioredis 5': (ports) => openIoCluster(new Cluster5(at(ports), { shardedSubscribers: true, ...clusterOptions })),
}

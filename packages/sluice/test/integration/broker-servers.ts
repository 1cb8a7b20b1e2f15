import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './waiting.ts'
import { freePort } from './free-port.ts'

/** A server of a test's own, on loopback. */
export interface Server {
  readonly port: number
  stop(): Promise<void>
}

/** Where a program is; `undefined` when it is not installed. */
export function programIn(name: string, ...folders: readonly string[]): string | undefined {
  for (const folder of [...folders, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      continue
    }
  }
  return undefined
}

/** Why the tests of a server are skipped, or `false`. */
export function missing(...programs: readonly (readonly [name: string, found: string | undefined])[]): string | false {
  const absent = programs.filter(([, found]) => found === undefined).map(([name]) => name)
  return absent.length === 0 ? false : `not installed: ${absent.join(', ')}`
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(late)
}

export const redisProgram: string | undefined = programIn('redis-server')

/** Not the wrapper in `/usr/sbin`, which becomes another user. */
export const rabbitProgram: string | undefined = programIn('rabbitmq-server', '/usr/lib/rabbitmq/bin')
export const epmdProgram: string | undefined = programIn('epmd')

/** An empty RabbitMQ, with a port mapper of its own, so that nothing of it is left behind. */
export async function rabbitServer(): Promise<Server> {
  const [port, distribution, mapper] = [await freePort(), await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rabbit-'))
  writeFileSync(join(folder, 'plugins'), '[].')
  const epmd = spawn(epmdProgram!, ['-port', `${mapper}`, '-address', '127.0.0.1'], { stdio: 'ignore' })
  await until('epmd answers', () => answers(mapper))
  const rabbit = spawn(rabbitProgram!, [], {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      ERL_EPMD_PORT: `${mapper}`,
      RABBITMQ_NODENAME: `sluice-${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: `${port}`,
      RABBITMQ_DIST_PORT: `${distribution}`,
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_CONFIG_FILE: join(folder, 'none'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false +S 1:1',
    },
  })
  const stop = async (): Promise<void> => {
    await end(rabbit, 'SIGTERM')
    await end(epmd, 'SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until('rabbitmq-server answers', () => answers(port), 40_000)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, stop }
}

/** librdkafka's mock cluster: not Kafka, but its protocol, its groups, and brokers that go down when told to. */
export interface MockCluster {
  readonly brokers: string[]
  /** One of the commands of `kafka-mock-cluster.c`. */
  tell(command: string): Promise<void>
  stop(): Promise<void>
}

export const compiler: string | undefined = programIn('gcc') ?? programIn('cc')
export const libcHeader: string | undefined = header('/usr/include/stdio.h')
export const mockHeader: string | undefined = header('/usr/include/librdkafka/rdkafka_mock.h')

function header(path: string): string | undefined {
  return existsSync(path) ? path : undefined
}

/** Compiles the mock cluster, and starts it. */
export async function mockCluster(brokers: number): Promise<MockCluster> {
  const root = fileURLToPath(new URL('../../../../../', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-'))
  const program = join(folder, 'kafka-mock-cluster')
  const source = join(root, 'packages/sluice/test/integration/kafka-mock-cluster.c')
  execFileSync(compiler!, ['-O1', '-o', program, source, '-lrdkafka'])
  const child = spawn(program, [`${brokers}`], { stdio: ['pipe', 'pipe', 'ignore'] })
  const waiting: ((line: string) => void)[] = []
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
      waiting.shift()?.(text.slice(0, at))
      text = text.slice(at + 1)
    }
  })
  const line = (): Promise<string> => new Promise((resolve) => waiting.push(resolve))
  const bootstrap = await line()
  return {
    brokers: bootstrap.split(','),
    async tell(command) {
      const answer = line()
      child.stdin.write(`${command}\n`)
      if ((await answer) !== 'ok') throw new Error(`the mock cluster refused: ${command}`)
    },
    async stop() {
      child.stdin.end()
      await end(child, 'SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
